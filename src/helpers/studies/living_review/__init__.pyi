"""Living review: silent users of flawed data sets, time lines, coverage of groups, and simulated citations."""

from helpers.studies.living_review.silence import corrected, counted_pairs, silent_users
from helpers.studies.living_review.trials import summarise, trial

__all__ = ["corrected", "counted_pairs", "silent_users", "summarise", "trial"]
