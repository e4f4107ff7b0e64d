"""Learned reconstruction of degraded images: its effect on groups, compared with the printed results."""

from helpers.studies.reconstruction.printed import as_printed, changes_of, examples, printed_changes, quoted
from helpers.studies.reconstruction.summaries import (
    cohort,
    negative_control,
    noise_table,
    optimism,
    performance,
    thresholds,
)
from helpers.studies.reconstruction.worlds import (
    WORLDS,
    harm_in_mean_auroc,
    hits,
    level_of_test,
    published_cells,
    read_world,
)

__all__ = [
    "WORLDS",
    "as_printed",
    "changes_of",
    "cohort",
    "examples",
    "harm_in_mean_auroc",
    "hits",
    "level_of_test",
    "negative_control",
    "noise_table",
    "optimism",
    "performance",
    "printed_changes",
    "published_cells",
    "quoted",
    "read_world",
    "thresholds",
]
