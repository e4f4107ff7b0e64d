"""Learned reconstruction of degraded images: its effect on groups, compared with the printed results."""

from helpers.studies.reconstruction.judging import Pair, among, judged
from helpers.studies.reconstruction.printed import as_printed, changes_of, examples, printed_changes, quoted
from helpers.studies.reconstruction.signed import outcome, signed_changes
from helpers.studies.reconstruction.summaries import (
    NO_ODDS,
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
    "NO_ODDS",
    "WORLDS",
    "Pair",
    "among",
    "as_printed",
    "changes_of",
    "cohort",
    "examples",
    "harm_in_mean_auroc",
    "hits",
    "judged",
    "level_of_test",
    "negative_control",
    "noise_table",
    "optimism",
    "outcome",
    "performance",
    "printed_changes",
    "published_cells",
    "quoted",
    "read_world",
    "signed_changes",
    "thresholds",
]
