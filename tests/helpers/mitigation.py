"""Small cases and networks that the tests of `helpers.studies.mitigation` share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import nn

from helpers import learn
from helpers.studies import mitigation
from helpers.studies.mitigation import Objective

SIDE = 16
FAST = {"steps": 4, "batch_size": 16, "lr": 1e-3, "seed": 3, "device": "cpu"}
NAMES = "abcdef"


def cases(
    n: int = 48,
    *,
    labels: int = 1,
    attributes: int = 1,
    groups: int = 2,
    unknown: bool = False,
    clean: bool = False,
    seed: int = 0,
) -> mitigation.Cases:
    """Images in which a square shows each label, and a stripe the group by the first attribute."""
    rng = np.random.default_rng(seed)
    known = rng.integers(0, 2, (n, labels)).astype(float)
    codes = rng.integers(0, groups, (n, attributes))
    images = rng.uniform(0, 0.2, (n, 1, SIDE, SIDE))
    for k in range(labels):
        images[:, 0, 4 * k : 4 * k + 3, :4] += 0.5 * known[:, k, None, None]
    images[:, 0, -2:] += 0.6 * codes[:, 0, None, None] / (groups - 1 or 1)
    table = pd.DataFrame({f"attribute {k}": np.array(list(NAMES))[codes[:, k]] for k in range(attributes)})
    if unknown:
        known[rng.random(known.shape) < 0.2] = np.nan
        table = table.mask(rng.random(table.shape) < 0.2)
    images = images.astype(np.float32)
    worse = (images + rng.normal(0, 0.1, images.shape)).astype(np.float32)
    return mitigation.Cases(worse, known, table, images if clean else None)


def network(labels: int = 1, *, seed: int = 0, channels: int = 1) -> nn.Module:
    """Classifier with batch norm, in evaluation mode."""
    return learn.classifier("small", labels, channels=channels, seed=seed).eval()


def restorer(*, seed: int = 0) -> nn.Module:
    """Network from image to image."""
    return learn.plain_unet(features=(4, 8), output="linear", seed=seed).eval()


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    """All that a model keeps, statistics of batch norm included, as a copy."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Whether two states are equal to the bit."""
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


def batch(
    logits_of: int, *, labels: int = 1, groups: int = 2, attributes: int = 1, seed: int = 0, **given: torch.Tensor
) -> mitigation.Batch:
    """A batch of flat images, of which a linear network makes logits."""
    rng = np.random.default_rng(seed)
    values = {
        "images": torch.from_numpy(rng.normal(size=(logits_of, 3)).astype(np.float32)),
        "labels": torch.from_numpy(rng.integers(0, 2, (logits_of, labels)).astype(np.float32)),
        "known": torch.ones(logits_of, labels),
        "codes": torch.from_numpy(rng.integers(0, groups, (logits_of, attributes))),
        "joint": torch.from_numpy(rng.integers(0, groups, logits_of)),
    }
    return mitigation.Batch(**values | given)


def linear(labels: int = 1, *, seed: int = 0) -> nn.Module:
    """A network of one layer."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return nn.Sequential(nn.Linear(3, labels))


def loss_of(objective: Objective, given: mitigation.Batch) -> dict[str, torch.Tensor]:
    """All that an objective says of a batch."""
    return objective.loss(objective(given.images), given)
