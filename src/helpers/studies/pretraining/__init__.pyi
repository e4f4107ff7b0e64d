"""Pretraining on images of the domain, or borrowing: what few labels can do with each encoder, and what it forgets."""

from helpers.studies.pretraining.cohorts import Cohort, described, from_table, load, simulated
from helpers.studies.pretraining.curves import Tested, curve, f1_curve, gains, macro_f1, named, recall
from helpers.studies.pretraining.encoders import (
    Encoder,
    Statistics,
    check_statistics,
    features,
    pretrain,
    slipped,
    statistics_from,
    user_encoder,
)
from helpers.studies.pretraining.experiments import embedded, made, neighbours, predicted, probed, slip, states
from helpers.studies.pretraining.reading import chosen, draw_curves, draw_losses, listed, wide
from helpers.studies.pretraining.recipes import RECIPES
from helpers.studies.pretraining.recordings import ALL_KINDS, recorded
from helpers.studies.pretraining.textures import other_textures

__all__ = [
    "ALL_KINDS",
    "RECIPES",
    "Cohort",
    "Encoder",
    "Statistics",
    "Tested",
    "check_statistics",
    "chosen",
    "curve",
    "described",
    "draw_curves",
    "draw_losses",
    "embedded",
    "f1_curve",
    "features",
    "from_table",
    "gains",
    "listed",
    "load",
    "macro_f1",
    "made",
    "named",
    "neighbours",
    "other_textures",
    "predicted",
    "pretrain",
    "probed",
    "recall",
    "recorded",
    "simulated",
    "slip",
    "slipped",
    "states",
    "statistics_from",
    "user_encoder",
    "wide",
]
