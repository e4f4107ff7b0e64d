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

__all__ = [
    "DISTANCES",
    "REFERENCES",
    "Cohort",
    "Detection",
    "abstention_table",
    "auroc_table",
    "best_less_others",
    "detect",
    "detector_less_abstainer",
    "fetal_cohort",
    "flagged",
    "interaction",
    "kept_accuracy",
    "reference_table",
    "references",
    "rises",
    "run",
    "table_cohort",
    "task_gap",
    "task_means",
]
