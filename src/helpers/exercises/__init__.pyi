"""Check cells of the exercises, which report right or wrong without showing the answer."""

from helpers.exercises.checking import Verdict, check
from helpers.exercises.keys import entry, read
from helpers.exercises.truths import hidden_gap_p, ruler_change

__all__ = ["Verdict", "check", "entry", "hidden_gap_p", "read", "ruler_change"]
