"""Small trainings that the tests of `helpers.learn` share, and what tells two of them apart."""

import random

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import Dataset

from helpers import learn

FEATURES = (8, 8, 16, 16, 32, 8)


def discs(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images of one bright disc each, and its mask."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:32, :32]
    middle, radius = rng.uniform(10, 22, (n, 2, 1, 1)), rng.uniform(4, 8, (n, 1, 1))
    mask = ((y - middle[:, 0]) ** 2 + (x - middle[:, 1]) ** 2 < radius**2)[:, None]
    return (mask + rng.normal(0, 0.3, mask.shape)).astype(np.float32), mask.astype(np.float32)


def segment(model, batch):
    images, masks = batch
    logits = model(images)
    cross = nn.functional.binary_cross_entropy_with_logits(logits, masks)
    p = logits.sigmoid()
    dice = 1 - (2 * (p * masks).sum((1, 2, 3)) + 1) / (p.sum((1, 2, 3)) + masks.sum((1, 2, 3)) + 1)
    return {"loss": cross + dice.mean(), "dice": dice.mean()}


def dice(model, images, masks) -> float:
    found = learn.predict(model, images, activation=lambda y: y > 0)
    return float(2 * (found & (masks > 0)).sum() / (found.sum() + (masks > 0).sum()))


def line(seed: int = 0) -> nn.Module:
    """A network of a few weights with dropout and a running average, for what needs no images."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(3, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 1))


def table(n: int = 50, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(seed).normal(size=(n, 3))
    return x, x.sum(1, keepdims=True) ** 2


def squared(model, batch):
    x, y = batch
    return ((model(x) - y) ** 2).mean()


def jitter(batch):
    x, y = batch
    return x + 0.1 * torch.randn_like(x), y


def fit(model=None, data=None, loss=squared, **settings):
    """A short training of the small network in which everything random takes part."""
    usual = {"batch_size": 8, "lr": 0.01, "seed": 3, "device": "cpu", "progress": False, "augment": jitter}
    if "steps" not in settings and "epochs" not in settings:
        usual["steps"] = 40
    return learn.fit(model or line(), table() if data is None else data, loss, **(usual | settings))


def state(fitted) -> dict[str, np.ndarray]:
    return {name: value.numpy().copy() for name, value in fitted.model.state_dict().items()}


def assert_same(a, b) -> None:
    """Weights and history to the last bit; only the clock may differ."""
    for (name, x), y in zip(state(a).items(), state(b).values(), strict=True):
        assert np.array_equal(x, y), name
    pd.testing.assert_frame_equal(
        a.history.drop(columns="seconds"), b.history.drop(columns="seconds"), check_exact=True
    )


def differ(a, b) -> bool:
    return any(not np.array_equal(x, y) for x, y in zip(state(a).values(), state(b).values(), strict=True))


class Rows(Dataset):
    """Items that are changed at random by generators of all three kinds."""

    def __init__(self, n: int = 50) -> None:
        self.x, self.y = (torch.from_numpy(a).float() for a in table(n))

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, row: int):
        noise = random.gauss(0, 0.1) + np.random.normal(0, 0.1) + 0.1 * torch.randn(3)
        return self.x[row] + noise, self.y[row]


def line_without_chance() -> nn.Module:
    return nn.Sequential(*[layer for layer in line() if isinstance(layer, nn.Linear | nn.ReLU)])


EVERYTHING = {"ema": 0.9, "clip": 1.0, "schedule": lambda t: (1 - t) ** 0.9, "every": 7}


class EndError(Exception):
    """An end of the process that the loop knows nothing of."""


def stopping(loss, after: int):
    left = iter(range(after))

    def function(model, batch):
        if next(left, None) is None:
            raise EndError
        return loss(model, batch)

    return function
