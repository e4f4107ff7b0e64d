"""Data sets as documented data frames, real and simulated: one package for each data set, and one of shared code.

A simulator writes a data set with a known, planted bias in the layout of the real one. The loader reads both kinds.
"""

from helpers.faces import attach

__all__ = attach(__name__)
