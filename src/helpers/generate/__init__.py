"""Generative models of images: trained, measured image by image, and put to the experiment on representation."""

from helpers.generate.experiments import SAMPLING, Split, network_seed, run, scorer, split
from helpers.generate.fitting import fit
from helpers.generate.losses import equation_beta, loss
from helpers.generate.measuring import measures, reconstruct
from helpers.generate.weights import load, save

__all__ = [
    "SAMPLING",
    "Split",
    "equation_beta",
    "fit",
    "load",
    "loss",
    "measures",
    "network_seed",
    "reconstruct",
    "run",
    "save",
    "scorer",
    "split",
]
