"""Networks of a world: pairs that differ in their seed alone, or in the cue that they have learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from helpers import learn
from helpers.learn.building import seeded
from helpers.studies.explanations.worlds import World

SETTINGS: dict[str, Any] = {"lr": 3e-3, "clip": 5.0}


def train(
    data: World,
    *,
    kind: str = "small",
    epochs: int = 12,
    seed: int = 0,
    device: str = "auto",
    keep: Path | None = None,
    progress: bool = False,
) -> nn.Module:
    """Train a classifier of two classes on the images of a world.

    Parameters
    ----------
    data : World
    kind : str
        ``linear``, one layer of all pixels, or a kind of `helpers.learn.classifier`.
    epochs : int
    seed : int
        Of the first weights and of the order of the images.
    device : str
    keep : Path, optional
        Folder for a checkpoint, from which a second call goes on.
    progress : bool

    Raises
    ------
    InputError
        As in `helpers.learn.classifier` and `helpers.learn.fit`.
    """
    model = untrained(data, kind=kind, seed=seed)
    how = {**SETTINGS, "schedule": _falling, "epochs": epochs, "seed": seed, "batch_size": min(20, len(data.labels))}
    how |= {"device": device, "progress": progress, "checkpoint": keep}
    return learn.fit(model, (data.images, data.labels), _loss, **how).model


def untrained(data: World, *, kind: str = "small", seed: int = 0) -> nn.Module:
    """Build the network with which `train` begins: a control that knows nothing of a world.

    Parameters
    ----------
    data, kind, seed
        As in `train`.

    Raises
    ------
    InputError
        As in `helpers.learn.classifier`.
    """
    if kind == "linear":
        return seeded(lambda: nn.Sequential(nn.Flatten(), nn.Linear(data.images[0].size, 2)), seed)
    return learn.classifier(kind, 2, channels=data.images.shape[1], seed=seed)


def accuracy(network: nn.Module, data: World) -> float:
    """Compute the share of images that a network classifies correctly."""
    return float((predictions(network, data) == data.labels).mean())


def predictions(network: nn.Module, data: World) -> np.ndarray:
    """Compute the class that a network predicts for each image."""
    return learn.predict(network, data.images, precision="32").argmax(1)


def _loss(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    images, labels = batch
    return functional.cross_entropy(model(images), labels.long())


def _falling(done: float) -> float:
    return 1 - done
