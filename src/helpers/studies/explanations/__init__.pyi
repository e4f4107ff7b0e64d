"""An explanation of what, instead of what? Maps before and after one switch, in worlds with planted parts."""

from helpers.studies.explanations.comparing import (
    agreement_by_group,
    agreement_of,
    audit_table,
    gain_table,
    interval,
    network_table,
    switch_table,
    turned,
)
from helpers.studies.explanations.deleting import deleted, deletion_contrasts, draw_deletion
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
    READINGS,
    SWITCHES,
    controls,
    explain,
    superpixels,
)
from helpers.studies.explanations.looking import draw_matrix, one_image, rates_view
from helpers.studies.explanations.manifold import train_generator
from helpers.studies.explanations.planted import (
    along_concept,
    filled_shapley,
    part_table,
    removal,
    simulated_shapley,
)
from helpers.studies.explanations.repeating import world_job
from helpers.studies.explanations.several import mean_table, seeds_of
from helpers.studies.explanations.training import accuracy, predictions, train, untrained
from helpers.studies.explanations.users import UserMaps, explain_table, user_tables
from helpers.studies.explanations.worlds import CUES, WORLDS, World, draw_world

__all__ = [
    "CUES",
    "EXPLANATIONS",
    "READINGS",
    "SWITCHES",
    "WORLDS",
    "Explained",
    "UserMaps",
    "World",
    "accuracy",
    "agreement_by_group",
    "agreement_of",
    "along_concept",
    "audit_table",
    "confidence",
    "consequence",
    "controls",
    "cue_of",
    "deleted",
    "deletion_contrasts",
    "draw_deletion",
    "draw_matrix",
    "draw_world",
    "explain",
    "explain_table",
    "filled_shapley",
    "gain_table",
    "interval",
    "mean_table",
    "network_table",
    "one_image",
    "part_table",
    "predictions",
    "rates_view",
    "removal",
    "run_world",
    "seeds_of",
    "simulated_shapley",
    "small_switch",
    "superpixels",
    "switch_table",
    "train",
    "train_generator",
    "turned",
    "uniqueness",
    "untrained",
    "user_tables",
    "world_job",
]
