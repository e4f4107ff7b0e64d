"""The audit of a reader's own scores: in words, and without what would give a small group away."""

from helpers.faces import attach

__all__ = attach(__name__)
