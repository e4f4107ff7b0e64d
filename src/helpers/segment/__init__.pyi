"""Segmentation networks for the controlled experiments: on slices in memory, or on whole volumes from disk."""

from helpers.models import embed
from helpers.segment import slices, volumes
from helpers.segment.experiments import EXPERIMENTS, known_difficulty, run, training_set, two_rulers
from helpers.segment.labeller import as_labeller, silver_labeller, world
from helpers.segment.slices import Slices, load_slices
from helpers.segment.views import change_rows, gap_rows, ruler_table, ruler_values
from helpers.segment.worlds import READINGS, confusion, diagnose_world, diagnose_worlds, right
from helpers.simulate import WORLDS

__all__ = [
    "EXPERIMENTS",
    "READINGS",
    "WORLDS",
    "Slices",
    "as_labeller",
    "change_rows",
    "confusion",
    "diagnose_world",
    "diagnose_worlds",
    "embed",
    "gap_rows",
    "known_difficulty",
    "load_slices",
    "right",
    "ruler_table",
    "ruler_values",
    "run",
    "silver_labeller",
    "slices",
    "training_set",
    "two_rulers",
    "volumes",
    "world",
]
