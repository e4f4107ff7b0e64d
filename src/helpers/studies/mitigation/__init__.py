"""Mitigation methods that fine-tune a trained network to make it fairer, in one common form, and their comparison."""

from helpers.faces import attach

__all__ = attach(__name__)
