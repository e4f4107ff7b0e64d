"""Living review: silent users of flawed data sets, time lines, coverage of groups, and simulated citations."""

from helpers.studies.living_review.drawing import draw_links, draw_time_line, entries, links
from helpers.studies.living_review.silence import corrected, counted_pairs, silent_users
from helpers.studies.living_review.trials import bias, summarise, trial
from helpers.studies.living_review.waiting import coverage, lags, subjects, time_line

__all__ = [
    "bias",
    "corrected",
    "counted_pairs",
    "coverage",
    "draw_links",
    "draw_time_line",
    "entries",
    "lags",
    "links",
    "silent_users",
    "subjects",
    "summarise",
    "time_line",
    "trial",
]
