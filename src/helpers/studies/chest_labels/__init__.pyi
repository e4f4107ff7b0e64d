"""Labels of chest X-rays by two rulers: rates by group, design weights, clustered patients, releases of age, boxes."""

from helpers.studies.chest_labels.box_places import box_means, box_table, joined_boxes
from helpers.studies.chest_labels.exploring import variants
from helpers.studies.chest_labels.naming import flat, sides, written
from helpers.studies.chest_labels.patients import crowding, prevalence_table, prevalences
from helpers.studies.chest_labels.preparing import (
    ATTRIBUTES,
    FINDINGS,
    LABELS,
    Cohort,
    age_groups,
    described,
    prepare,
    releases,
)
from helpers.studies.chest_labels.rating import (
    RATES,
    Comparison,
    change_table,
    compare,
    gap_table,
    primary,
    rate_table,
    ruler_table,
)
from helpers.studies.chest_labels.resampling import Draws, Means, interval, means, resample
from helpers.studies.chest_labels.tilting import tilt_table, tilted_gaps, tilted_weights
from helpers.studies.chest_labels.twin import audit_cohort, world_rates
from helpers.studies.chest_labels.weighing import Design, balance, design, effective, strata, weight_table

__all__ = [
    "ATTRIBUTES",
    "FINDINGS",
    "LABELS",
    "RATES",
    "Cohort",
    "Comparison",
    "Design",
    "Draws",
    "Means",
    "age_groups",
    "audit_cohort",
    "balance",
    "box_means",
    "box_table",
    "change_table",
    "compare",
    "crowding",
    "described",
    "design",
    "effective",
    "flat",
    "gap_table",
    "interval",
    "joined_boxes",
    "means",
    "prepare",
    "prevalence_table",
    "prevalences",
    "primary",
    "rate_table",
    "releases",
    "resample",
    "ruler_table",
    "sides",
    "strata",
    "tilt_table",
    "tilted_gaps",
    "tilted_weights",
    "variants",
    "weight_table",
    "world_rates",
    "written",
]
