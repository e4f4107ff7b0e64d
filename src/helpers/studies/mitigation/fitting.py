"""Shared parts of all methods: the cases they learn from, and one call of the training loop."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn

from helpers import learn
from helpers.errors import InputError
from helpers.studies.mitigation.groups import Bins, attribute_groups, balanced_weights, joint_groups
from helpers.studies.mitigation.objectives import Batch, Objective


class Cases(NamedTuple):
    """Cases that a method learns from.

    images : float32 ndarray of shape (n, c, h, w)
    labels : ndarray of shape (n, k), 0, 1 or NaN; cases without a known label are left out, except in a reconstruction
    attributes : DataFrame of shape (n, attributes), group labels; cases with missing ones are not compared by group
    clean : float32 ndarray of shape (n, c, h, w), optional: target images of a reconstruction
    bins : edges of numeric attributes, see `joint_groups`
    """

    images: np.ndarray
    labels: np.ndarray
    attributes: pd.DataFrame
    clean: np.ndarray | None = None
    bins: Bins | None = None

    def rows(self, chosen: np.ndarray) -> Cases:
        """Select some of the cases."""
        clean = None if self.clean is None else self.clean[chosen]
        return Cases(self.images[chosen], self.labels[chosen], self.attributes.iloc[chosen], clean, self.bins)


class Mitigated(NamedTuple):
    """A fine-tuned network, in evaluation mode, and the cost of its training.

    model : torch.nn.Module
    history : DataFrame, see `helpers.learn.fit`
    seconds : float, of training
    cases : int, number of cases it learned from
    """

    model: nn.Module
    history: pd.DataFrame
    seconds: float
    cases: int


class Prepared(NamedTuple):
    """Arrays of the cases, as in `Batch`, and the number of groups of each attribute."""

    images: np.ndarray
    labels: np.ndarray
    known: np.ndarray
    codes: np.ndarray
    joint: np.ndarray
    groups: list[int]
    clean: np.ndarray | None
    teacher: np.ndarray | None = None

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays that are not None, by the names of `Batch`."""
        found = {name: getattr(self, name) for name in Batch._fields}
        return {name: array for name, array in found.items() if array is not None}


def prepare(cases: Cases, reader: nn.Module | None) -> Prepared:
    """Check the cases and convert them to arrays; for the errors see `helpers.studies.mitigation.plain`."""
    labels = np.asarray(cases.labels, float)
    n = len(cases.images)
    if labels.ndim != 2 or len(labels) != n:
        raise InputError("labels", f"expected ({n}, labels), found {labels.shape}", "Give one row for each image")
    wrong = ~np.isnan(labels) & ~np.isin(labels, (0, 1))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise InputError(f"labels[{row}, {column}]", f"found {labels[row, column]:g}", "Use 0, 1 or NaN for unknown")
    if len(cases.attributes) != n:
        raise InputError("attributes", f"{len(cases.attributes)} rows for {n} images", "Give one row for each image")
    if (cases.clean is None) != (reader is None):
        raise InputError("clean, reader", "one is given without the other", "A reconstruction needs both")
    if cases.clean is not None and cases.clean.shape != cases.images.shape:
        problem = f"expected the shape of images, {cases.images.shape}, found {cases.clean.shape}"
        raise InputError("clean", problem, "Give one clean image for each degraded one")
    if reader is None:  # an image without a label teaches a classifier nothing, and would count with zero loss
        told = ~np.isnan(labels).all(axis=1)
        if not told.any():
            raise InputError("labels", "no label is known", "Give labels for some images")
        cases, labels = cases.rows(np.flatnonzero(told)), labels[told]
    bins: Mapping[str, Any] = cases.bins or {}
    joint = joint_groups(cases.attributes, bins=bins)
    if not joint.names:
        raise InputError("attributes", "no case has all of them", "Leave out the one that is missing most")
    each = [attribute_groups(cases.attributes[name], bins=bins.get(name)) for name in cases.attributes]
    known = ~np.isnan(labels)
    codes = np.stack([part.codes for part in each], axis=1)
    values, there = np.where(known, labels, 0).astype(np.float32), known.astype(np.float32)
    sizes = [len(part.names) for part in each]
    return Prepared(cases.images, values, there, codes, joint.codes, sizes, cases.clean)


def fit(objective: Objective, prepared: Prepared, training: Mapping[str, Any]) -> Mitigated:
    """Train the network of an objective, with Adam unless the caller names another optimizer."""
    arrays = prepared.arrays()
    names = list(arrays)
    options = {"optimizer": torch.optim.Adam, "progress": False} | dict(training)
    if (score := options.get("validate")) is not None:
        options["validate"] = lambda whole: score(whole.model)

    def loss(net: nn.Module, given: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
        batch = Batch(**dict(zip(names, given, strict=True)))
        return objective.loss(net(batch.images), batch)

    began = time.perf_counter()
    fitted = learn.fit(objective, tuple(arrays.values()), loss, **options)
    return Mitigated(objective.model, fitted.history, time.perf_counter() - began, len(prepared.images))


def some_batches(prepared: Prepared, training: Mapping[str, Any], count: int, device: str) -> list[Batch]:
    """Draw `count` batches by the sampling weights in `training`, with its seed."""
    rng = np.random.default_rng(training["seed"])
    share = training["weights"] / training["weights"].sum()
    arrays = prepared.arrays()
    found = []
    for _ in range(count):
        rows = rng.choice(len(share), training["batch_size"], p=share)
        found.append(Batch(**{name: torch.from_numpy(array[rows]).to(device) for name, array in arrays.items()}))
    return found


def by_group_and_class(prepared: Prepared) -> np.ndarray:
    """Compute sampling weights that make all joint groups and classes of the first label equally likely; unknown: 0."""
    label = np.where(prepared.known[:, 0] > 0, prepared.labels[:, 0], -1).astype(int)
    there = (label >= 0) & (prepared.joint >= 0)
    if not there.any():
        raise InputError("cases", "no case has a known label and a known group", "Give some that have both")
    weights = np.zeros(len(label))
    weights[there] = balanced_weights((2 * prepared.joint + label)[there])
    return weights
