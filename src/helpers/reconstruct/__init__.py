"""Learned reconstruction of degraded images, and the networks that use what it gives."""

from helpers.reconstruct.restoring import restore
from helpers.reconstruct.sde import SAMPLERS, MeanReverting, Schedule, schedule
from helpers.reconstruct.training import Pix2Pix, fit_pix2pix, fit_sde, fit_unet, linear_decay

__all__ = [
    "SAMPLERS",
    "MeanReverting",
    "Pix2Pix",
    "Schedule",
    "fit_pix2pix",
    "fit_sde",
    "fit_unet",
    "linear_decay",
    "restore",
    "schedule",
]
