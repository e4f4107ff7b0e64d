"""Mitigation methods that fine-tune a trained network to make it fairer, in one common form, and their comparison."""

from helpers.studies.mitigation.causes import CAUSES, marked, other_scanner, plant
from helpers.studies.mitigation.comparing import compare_methods
from helpers.studies.mitigation.fitting import Cases, Mitigated
from helpers.studies.mitigation.groups import Groups, attribute_groups, balanced_weights, joint_groups
from helpers.studies.mitigation.masks import importance, reset_head, soft_masks
from helpers.studies.mitigation.methods import (
    adversarial,
    equalized_odds,
    group_distil,
    group_dro,
    plain,
    reweighted,
    swift,
)
from helpers.studies.mitigation.objectives import Batch, Constrained, Distilled, Objective, WorstGroups, head_of
from helpers.studies.mitigation.penalties import (
    Adversary,
    EqualizedOdds,
    soft_equalized_odds,
    soft_rates,
    squared_correlation,
)
from helpers.studies.mitigation.probe import last_features, linear_probe
from helpers.studies.mitigation.protocol import BASELINE, METHODS, RULES, START, THRESHOLDS, Compared, compare
from helpers.studies.mitigation.reading import TARGETS
from helpers.studies.mitigation.summaries import (
    beside_small,
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
from helpers.studies.mitigation.tasks import Study, load, simulated, starter
from helpers.studies.mitigation.thresholds import group_thresholds
from helpers.studies.mitigation.worlds import MARGIN, effects, gaps, headline, read_world

__all__ = [
    "BASELINE",
    "CAUSES",
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
    "beside_small",
    "changes",
    "cohort",
    "compare",
    "compare_methods",
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
    "marked",
    "other_scanner",
    "plain",
    "plant",
    "probe_table",
    "quoted",
    "read_world",
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
