"""Generative models of images: trained, measured image by image, and put to the experiment on representation."""

from helpers.generate.coding import Codes, codes, decode
from helpers.generate.experiments import (
    NETWORKS,
    OPTIMISATION,
    PIXELS,
    SAMPLING,
    Split,
    features,
    network_seed,
    run,
    scorer,
    split,
)
from helpers.generate.fitting import fit
from helpers.generate.losses import equation_beta, loss
from helpers.generate.measuring import measures, reconstruct
from helpers.generate.weights import load, save
from helpers.generate.worlds import hits, read_world, read_worlds

__all__ = [
    "NETWORKS",
    "OPTIMISATION",
    "PIXELS",
    "SAMPLING",
    "Codes",
    "Split",
    "codes",
    "decode",
    "equation_beta",
    "features",
    "fit",
    "hits",
    "load",
    "loss",
    "measures",
    "network_seed",
    "read_world",
    "read_worlds",
    "reconstruct",
    "run",
    "save",
    "scorer",
    "split",
]
