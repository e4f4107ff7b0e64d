"""Check cells of the exercises: right or wrong, without the answer."""

from helpers.faces import attach

__all__ = attach(__name__)
