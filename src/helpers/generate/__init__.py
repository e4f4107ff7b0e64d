"""Generative models of images: trained, and measured image by image."""

from helpers.generate.fitting import fit
from helpers.generate.losses import equation_beta, loss
from helpers.generate.measuring import measures, reconstruct

__all__ = ["equation_beta", "fit", "loss", "measures", "reconstruct"]
