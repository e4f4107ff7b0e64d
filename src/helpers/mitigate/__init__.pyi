"""Fine-tuning that is meant to make a trained network fairer, each method in one form, and their comparison."""

from helpers.mitigate.fitting import Cases, Mitigated
from helpers.mitigate.groups import Groups, attribute_groups, balanced_weights, joint_groups
from helpers.mitigate.masks import importance, reset_head, soft_masks
from helpers.mitigate.methods import (
    adversarial,
    equalized_odds,
    group_distil,
    group_dro,
    plain,
    reweighted,
    swift,
)
from helpers.mitigate.objectives import Batch, Constrained, Distilled, Objective, WorstGroups, head_of
from helpers.mitigate.penalties import Adversary, EqualizedOdds, soft_equalized_odds, soft_rates, squared_correlation
from helpers.mitigate.probe import last_features, linear_probe
from helpers.mitigate.protocol import BASELINE, METHODS, RULES, START, THRESHOLDS, Compared, compare
from helpers.mitigate.summaries import (
    changes,
    cohort,
    comparison,
    costs,
    image_quality,
    probe_table,
    quoted,
    sensitivity,
    shuffled,
    who_gains,
)
from helpers.mitigate.tasks import TARGETS, Study, load, simulated, starter
from helpers.mitigate.thresholds import group_thresholds
from helpers.mitigate.worlds import MARGIN, effects, gaps, headline, read_world, read_worlds

__all__ = [
    "BASELINE",
    "MARGIN",
    "METHODS",
    "RULES",
    "START",
    "TARGETS",
    "THRESHOLDS",
    "Adversary",
    "Batch",
    "Cases",
    "Compared",
    "Constrained",
    "Distilled",
    "EqualizedOdds",
    "Groups",
    "Mitigated",
    "Objective",
    "Study",
    "WorstGroups",
    "adversarial",
    "attribute_groups",
    "balanced_weights",
    "changes",
    "cohort",
    "compare",
    "comparison",
    "costs",
    "effects",
    "equalized_odds",
    "gaps",
    "group_distil",
    "group_dro",
    "group_thresholds",
    "head_of",
    "headline",
    "image_quality",
    "importance",
    "joint_groups",
    "last_features",
    "linear_probe",
    "load",
    "plain",
    "probe_table",
    "quoted",
    "read_world",
    "read_worlds",
    "reset_head",
    "reweighted",
    "sensitivity",
    "shuffled",
    "simulated",
    "soft_equalized_odds",
    "soft_masks",
    "soft_rates",
    "squared_correlation",
    "starter",
    "swift",
    "who_gains",
]
