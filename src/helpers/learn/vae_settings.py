"""Sizes and training settings of autoencoders: one that a laptop trains in seconds, and the published one."""

from __future__ import annotations

import numpy as np

# Side of the images, and network and optimisation: one that a laptop trains in seconds, and the published one.
PIXELS = {"small": 32, "paper": 128}
NETWORKS = {
    "small": {"channels": 8, "blocks": (1, 2), "latent": 16, "deep": False},
    "paper": {"channels": 64, "blocks": (1, 2, 4, 8), "latent": 64, "deep": True},
}
OPTIMISATION = {"small": {"batch_size": 16, "lr": 5e-3}, "paper": {"batch_size": 64, "lr": 1e-4}}


def network_seed(seed: int, run: int) -> int:
    """Return the seed of the networks of a run."""
    return int(np.random.default_rng((seed, run, 1)).integers(2**31))
