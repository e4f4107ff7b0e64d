"""Living review: silent users of flawed data sets, time lines, coverage of groups, and simulated citations."""

from helpers.studies.living_review.drawing import draw_links, links
from helpers.studies.living_review.silence import corrected, counted_pairs, silent_users
from helpers.studies.living_review.trials import summarise, trial
from helpers.studies.living_review.waiting import coverage, lags, subjects, time_line

__all__ = [
    "corrected",
    "counted_pairs",
    "coverage",
    "draw_links",
    "lags",
    "links",
    "silent_users",
    "subjects",
    "summarise",
    "time_line",
    "trial",
]
