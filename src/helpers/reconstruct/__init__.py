"""Learned reconstruction of degraded images, and the networks that use what it gives."""

from helpers.reconstruct.downstream import fit_classifier, fit_segmenter, predicted_masks, probabilities
from helpers.reconstruct.experiment import Outputs, run
from helpers.reconstruct.restoring import restore
from helpers.reconstruct.sde import SAMPLERS, MeanReverting, Schedule, schedule
from helpers.reconstruct.settings import NETWORKS, OPTIMISATION, SAMPLING
from helpers.reconstruct.training import Pix2Pix, fit_pix2pix, fit_sde, fit_unet, linear_decay

__all__ = [
    "NETWORKS",
    "OPTIMISATION",
    "SAMPLERS",
    "SAMPLING",
    "MeanReverting",
    "Outputs",
    "Pix2Pix",
    "Schedule",
    "fit_classifier",
    "fit_pix2pix",
    "fit_sde",
    "fit_segmenter",
    "fit_unet",
    "linear_decay",
    "predicted_masks",
    "probabilities",
    "restore",
    "run",
    "schedule",
]
