"""Data sets as documented frames, real and simulated: one package a data set, and what they share.

A simulator writes a data set with a planted, known bias in the real one's own layout, and the loader reads either.
"""

from helpers.faces import attach

__all__ = attach(__name__)
