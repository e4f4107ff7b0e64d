"""Networks and their optimisation settings: small ones for a laptop, and the published ones for each data set.

Each table is indexed as ``table[size][dataset][part]``; an entry holds arguments of the function that fits the part.
"""

from __future__ import annotations

from typing import Any

from helpers.learn.restoration_training import linear_decay

SIDES = {"small": 16, "paper": 128}  # an image's side in pixels is a multiple, since Pix2Pix halves it so often

Table = dict[str, dict[str, dict[str, dict[str, Any]]]]

_SMALL_NETWORKS = {
    "unet": {"features": (16, 32, 64)},
    "pix2pix": {"features": (16, 32, 32, 32), "channels": 16, "layers": 2},
    "sde": {"features": (16, 16, 16), "blocks": 1, "attention": 0, "groups": 8, "predicts": "velocity"},
    "classifier": {"kind": "small"},
    "segmenter": {"network": "small", "features": (8, 16, 32)},
}
_SMALL_OPTIMISATION = {
    "unet": {"steps": 400, "batch_size": 4, "lr": 5e-3, "schedule": linear_decay},
    "pix2pix": {"steps": 250, "batch_size": 8, "lr": 1e-2, "schedule": linear_decay},
    "sde": {"steps": 200, "batch_size": 8, "lr": 4e-3, "schedule": linear_decay, "kind": "velocity"},
    "classifier": {"steps": 150, "batch_size": 32, "lr": 3e-3},
    "segmenter": {"steps": 150, "batch_size": 16, "lr": 5e-3},
}

# Score network and segmenter are the closest that MONAI has; see `helpers.learn.score_network` and `fit_segmenter`.
NETWORKS: Table = {
    "small": {"ucsf-pdgm": _SMALL_NETWORKS, "chexpert": _SMALL_NETWORKS},
    "paper": {
        "ucsf-pdgm": {
            "unet": {"output": "linear"},
            "pix2pix": {},
            "sde": {},
            "classifier": {"kind": "resnet18"},
            "segmenter": {"network": "paper", "features": (32, 32, 64, 128, 256, 32)},
        },
        "chexpert": {
            "unet": {"output": "sigmoid"},
            "pix2pix": {},
            "sde": {},
            "classifier": {"kind": "densenet121"},
        },
    },
}
# Not published: Pix2Pix's batch size for each data set (32 to 64 overall), and that of CheXpert's classifier.
OPTIMISATION: Table = {
    "small": {
        "ucsf-pdgm": _SMALL_OPTIMISATION | {"classifier": _SMALL_OPTIMISATION["classifier"] | {"balanced": True}},
        "chexpert": _SMALL_OPTIMISATION | {"classifier": {"steps": 600, "batch_size": 32, "lr": 3e-3}},
    },
    "paper": {
        "ucsf-pdgm": {
            "unet": {"epochs": 20, "batch_size": 8, "lr": 1e-4, "patience": 5},
            "pix2pix": {"epochs": 200, "batch_size": 32, "lr": 2e-4, "schedule": linear_decay},
            "sde": {"steps": 70_000, "batch_size": 16, "lr": 1e-4},
            "classifier": {"epochs": 20, "batch_size": 16, "lr": 1e-4, "patience": 5, "balanced": True},
            "segmenter": {"epochs": 100, "batch_size": 8, "lr": 1e-3},
        },
        "chexpert": {
            "unet": {"epochs": 20, "batch_size": 16, "lr": 1e-4, "patience": 5},
            "pix2pix": {"epochs": 200, "batch_size": 32, "lr": 2e-4, "schedule": linear_decay},
            "sde": {"steps": 150_000, "batch_size": 8, "lr": 1e-4},
            "classifier": {"epochs": 40, "batch_size": 32, "lr": 1e-3},
        },
    },
}
