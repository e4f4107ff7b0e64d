"""Data sets with a planted, known bias, written in the real data set's own layout."""

from helpers.faces import attach

__all__ = attach(__name__)
