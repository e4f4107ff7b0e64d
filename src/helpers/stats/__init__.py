"""Statistics of any per-case score over any groups: gaps, tests, models, resampling, checks of printed numbers."""

from helpers.faces import attach

__all__ = attach(__name__)
