"""Data sets as documented frames: cohorts, and tables of per-case scores."""

from helpers.data.check import check_data
from helpers.data.files import masks
from helpers.data.mama_mia import load_mama_mia
from helpers.data.score_tables import find_scores, join_scores, read_scores

__all__ = ["check_data", "find_scores", "join_scores", "load_mama_mia", "masks", "read_scores"]
