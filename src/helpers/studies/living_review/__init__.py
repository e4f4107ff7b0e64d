"""Living review: silent users of flawed data sets, time lines, coverage of groups, and simulated citations."""

from helpers.faces import attach

__all__ = attach(__name__)
