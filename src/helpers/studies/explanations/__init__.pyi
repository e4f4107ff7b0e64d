"""An explanation of what, instead of what? Maps before and after one switch, in worlds with planted parts."""

from helpers.studies.explanations.comparing import (
    agreement_by_group,
    agreement_of,
    audit_table,
    interval,
    switch_table,
    turned,
)
from helpers.studies.explanations.experiment import (
    Explained,
    confidence,
    consequence,
    cue_of,
    run_world,
    small_switch,
    uniqueness,
)
from helpers.studies.explanations.explaining import (
    EXPLANATIONS,
    SWITCHES,
    controls,
    explain,
    removal,
    superpixels,
)
from helpers.studies.explanations.repeating import world_job, world_rates
from helpers.studies.explanations.training import accuracy, predictions, train
from helpers.studies.explanations.worlds import CUES, WORLDS, World, draw_world

__all__ = [
    "CUES",
    "EXPLANATIONS",
    "SWITCHES",
    "WORLDS",
    "Explained",
    "World",
    "accuracy",
    "agreement_by_group",
    "agreement_of",
    "audit_table",
    "confidence",
    "consequence",
    "controls",
    "cue_of",
    "draw_world",
    "explain",
    "interval",
    "predictions",
    "removal",
    "run_world",
    "small_switch",
    "superpixels",
    "switch_table",
    "train",
    "turned",
    "uniqueness",
    "world_job",
    "world_rates",
]
