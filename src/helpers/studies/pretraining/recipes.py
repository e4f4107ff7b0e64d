"""Recipes of a pretraining: the small one of the book, and one of the published size for a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from helpers.studies.pretraining.encoders import HEADS, NETWORK, PUBLISHED, TRAINING, VIEWS

BATCH = 128  # images of a step, as published for one GPU
RATE = 0.004 * (BATCH / 1024) ** 0.5  # published: 0.004, by the square root of the batch over 1,024

# Settings as of `pretrain`. The published changes of look belong to colour photographs, so both recipes have ours.
RECIPES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "small": {"network": NETWORK, "heads": HEADS, "views": VIEWS, "training": TRAINING},
    "vit-s": {
        "network": PUBLISHED,
        "heads": {
            "prototypes": 65_536,
            "hidden": 2_048,
            "bottleneck": 256,
            "momentum": 0.992,
            "temperature": (0.04, 0.07),
        },
        "views": VIEWS
        | {"large": 224, "small": 96, "n_small": 8, "large_area": (0.32, 1.0), "small_area": (0.05, 0.32)},
        "training": {"batch_size": BATCH, "lr": RATE, "decay": 0.04, "clip": 3.0},
    },
}
