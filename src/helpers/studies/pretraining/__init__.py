"""Pretraining on images of the domain, or borrowing: what few labels can do with each encoder, and what it forgets."""

from helpers.faces import attach

__all__ = attach(__name__)
