"""Learned reconstruction of degraded images, and the networks that use what it gives."""

from helpers.reconstruct.downstream import fit_classifier, fit_segmenter, predicted_masks, probabilities
from helpers.reconstruct.experiment import Outputs, run
from helpers.reconstruct.measuring import Measured, measure
from helpers.reconstruct.printed import as_printed, changes_of, examples, printed_changes, quoted
from helpers.reconstruct.restoring import restore
from helpers.reconstruct.sde import SAMPLERS, MeanReverting, Schedule, schedule
from helpers.reconstruct.settings import NETWORKS, OPTIMISATION
from helpers.reconstruct.summaries import cohort, negative_control, noise_table, optimism, performance, thresholds
from helpers.reconstruct.tasks import DATASETS, LEVELS, Task, degraded, load, published_training, read, simulated
from helpers.reconstruct.training import Pix2Pix, fit_pix2pix, fit_sde, fit_unet, linear_decay
from helpers.reconstruct.worlds import (
    WORLDS,
    harm_in_mean_auroc,
    hits,
    level_of_test,
    published_cells,
    read_world,
    read_worlds,
)

__all__ = [
    "DATASETS",
    "LEVELS",
    "NETWORKS",
    "OPTIMISATION",
    "SAMPLERS",
    "WORLDS",
    "MeanReverting",
    "Measured",
    "Outputs",
    "Pix2Pix",
    "Schedule",
    "Task",
    "as_printed",
    "changes_of",
    "cohort",
    "degraded",
    "examples",
    "fit_classifier",
    "fit_pix2pix",
    "fit_sde",
    "fit_segmenter",
    "fit_unet",
    "harm_in_mean_auroc",
    "hits",
    "level_of_test",
    "linear_decay",
    "load",
    "measure",
    "negative_control",
    "noise_table",
    "optimism",
    "performance",
    "predicted_masks",
    "printed_changes",
    "probabilities",
    "published_cells",
    "published_training",
    "quoted",
    "read",
    "read_world",
    "read_worlds",
    "restore",
    "run",
    "schedule",
    "simulated",
    "thresholds",
]
