"""Experiment on representation: autoencoders trained on light skin, on dark skin, and on both."""

from helpers.studies.skin_tone.coding import Codes, codes, decode
from helpers.studies.skin_tone.conditions import (
    band_table,
    beyond_chance,
    label_agreement,
    prevalence,
    prevalence_shift,
    sampling,
)
from helpers.studies.skin_tone.experiments import SAMPLING, Split, features, run, scorer, split
from helpers.studies.skin_tone.exploring import code_view, explore_codes
from helpers.studies.skin_tone.mixed import mixed_gap
from helpers.studies.skin_tone.reading import Cohort, joined_classes, read
from helpers.studies.skin_tone.representation import (
    at_equal_conditions,
    by_condition,
    gap_causes,
    gap_verdict,
    representation_effects,
    run_means,
)
from helpers.studies.skin_tone.worlds import hits, read_world

__all__ = [
    "SAMPLING",
    "Codes",
    "Cohort",
    "Split",
    "at_equal_conditions",
    "band_table",
    "beyond_chance",
    "by_condition",
    "code_view",
    "codes",
    "decode",
    "explore_codes",
    "features",
    "gap_causes",
    "gap_verdict",
    "hits",
    "joined_classes",
    "label_agreement",
    "mixed_gap",
    "prevalence",
    "prevalence_shift",
    "read",
    "read_world",
    "representation_effects",
    "run",
    "run_means",
    "sampling",
    "scorer",
    "split",
]
