"""Does the task decide which strangers a model notices? Scores of unknown images by networks of several tasks."""

from helpers.studies.ood_fetal.abstaining import abstention_table, detector_less_abstainer, flagged, kept_accuracy
from helpers.studies.ood_fetal.cohorts import Cohort, fetal_cohort, table_cohort
from helpers.studies.ood_fetal.detecting import (
    DISTANCES,
    Detection,
    auroc_table,
    best_less_others,
    detect,
    interaction,
    reference_table,
    rises,
    task_gap,
    task_means,
)
from helpers.studies.ood_fetal.experiment import REFERENCES, references, run
from helpers.studies.ood_fetal.labelling import (
    association,
    crossed_factors,
    crowding,
    label_values,
    parts_of_machines,
    plane_from_machine,
)
from helpers.studies.ood_fetal.views import draw_aurocs, flag_view, samples
from helpers.studies.ood_fetal.worlds import coverage, less, statistics, world_job, world_values

__all__ = [
    "DISTANCES",
    "REFERENCES",
    "Cohort",
    "Detection",
    "abstention_table",
    "association",
    "auroc_table",
    "best_less_others",
    "coverage",
    "crossed_factors",
    "crowding",
    "detect",
    "detector_less_abstainer",
    "draw_aurocs",
    "fetal_cohort",
    "flag_view",
    "flagged",
    "interaction",
    "kept_accuracy",
    "label_values",
    "less",
    "parts_of_machines",
    "plane_from_machine",
    "reference_table",
    "references",
    "rises",
    "run",
    "samples",
    "statistics",
    "table_cohort",
    "task_gap",
    "task_means",
    "world_job",
    "world_values",
]
