"""A generator of a world's images, on whose manifold counterfactuals are sought."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from helpers import learn
from helpers.studies.explanations.worlds import World

NETWORK: dict[str, Any] = {"channels": 8, "blocks": (1, 2), "latent": 16, "deep": False}
OPTIMISATION: dict[str, Any] = {"lr": 2e-3, "batch_size": 40, "beta": 1e-4}


class Grey(nn.Module):
    """A generator of images from 0 to 1, the scale of the classifiers, from an autoencoder of images from -1 to 1."""

    def __init__(self, autoencoder: learn.VAE) -> None:
        super().__init__()
        self.autoencoder = autoencoder

    def encode(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Encode images from 0 to 1; the first of what it returns are the means of their codes."""
        return self.autoencoder.encode(2 * images - 1)

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        """Decode codes to images from 0 to 1."""
        return (self.autoencoder.decode(code) + 1) / 2


def train_generator(
    data: World, *, epochs: int = 40, seed: int = 0, device: str = "auto", keep: Path | None = None
) -> Grey:
    """Train a small variational autoencoder on the images of a world, without their labels.

    Images are mirrored at random as it learns, so it knows the mirror images of a world too.

    Parameters
    ----------
    data : World
        Images of which a side is a multiple of 4.
    epochs, seed : int
    device : str
    keep : Path, optional
        Folder for a checkpoint, from which a second call goes on.

    Raises
    ------
    InputError
        As in `helpers.learn.fit_vae`.
    """
    pixels = np.rint(255 * data.images).astype(np.uint8)
    how = {"epochs": epochs, "seed": seed, "device": device, "checkpoint": keep, "precision": "32", "progress": False}
    return Grey(learn.fit_vae(pixels, **how, **NETWORK, **OPTIMISATION).model.eval())
