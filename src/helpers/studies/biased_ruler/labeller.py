"""Labeller that makes the silver masks of simulated cohorts: a network trained mostly on older women."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from helpers import datasets
from helpers.keep import fingerprint, processor
from helpers.studies.biased_ruler import slices

if TYPE_CHECKING:
    from torch import nn

Labeller = Callable[[np.ndarray, Sequence[float]], np.ndarray]

OLDER_LEANING = (0.05, 0.25, 0.70)  # shares of Young, Middle and Older in the cohort that the labeller is trained on
BALANCED = (0.4, 0.2, 0.4)  # the same shares in a cohort of the experiments
OTHERS = 3  # slices of each volume besides the one with most tumour, so that it learns slices without tumour


def world(name: str, n: int, *, seed: int = 0, steps: int = 300, device: str = "auto", workers: int = 1) -> Path:
    """Simulate a world with silver masks by a labeller trained with the same seed, and return its folder; made once.

    Parameters
    ----------
    name : str
        A key of `helpers.datasets.BREAST_WORLDS` or `helpers.datasets.RULERS`.
    n : int
        Number of patients, two in five of them Young and as many Older. The labeller's cohort has as many patients.
    seed : int
        Seed of the cohorts and of the labeller.
    steps, device
        Steps and device of the labeller's training.
    workers : int
        Processes that write cases.
    """
    labeller, key = silver_labeller(n, steps=steps, seed=seed, device=device)
    made = {"seed": seed, "labeller": labeller, "labeller_key": key, "age_shares": BALANCED, "workers": workers}
    return datasets.simulate_breast_mri_world(name, n, **made)


@lru_cache(maxsize=2)
def silver_labeller(n: int = 160, *, steps: int = 300, seed: int = 0, device: str = "auto") -> tuple[Labeller, str]:
    """Train a labeller for `helpers.datasets.simulate_breast_mri_world` on a separate simulated cohort.

    Parameters
    ----------
    n : int
        Number of patients of that cohort. Most of them are older, and the images of younger women are harder.
    steps, seed, device
        Options of training, see `helpers.learn.fit`.

    Returns
    -------
    labeller : callable
        ``labeller(phases, spacing) -> mask``, slice by slice; see `as_labeller`.
    key : str
        See `as_labeller`.
    """
    root = datasets.simulate_breast_mri_world("images", n, seed=seed + 10_000, age_shares=OLDER_LEANING)
    patients, _ = datasets.load_mama_mia(root)
    rng = np.random.default_rng((seed, 23))
    image, target = [], []
    for patient in patients["patient_id"]:
        volume = datasets.load_volume(root, patient)
        largest = int(volume.expert.sum(axis=(0, 1)).argmax())
        for k in {largest, *rng.choice(volume.expert.shape[2], OTHERS, replace=False).tolist()}:
            image.append(volume.image[..., k])
            target.append(volume.expert[..., k])
    model = slices.fit(np.stack(image), np.stack(target), steps=steps, seed=seed, device=device)
    return as_labeller(model)


def as_labeller(model: nn.Module) -> tuple[Labeller, str]:
    """Convert a trained network to the function that `helpers.datasets.simulate_breast_mri_world` takes, and its key.

    The function reads pre- and post-contrast volumes, float32 (2, x, y, z), and gives a mask, bool (x, y, z). It
    predicts slice by slice and keeps the largest connected part. The key is a hash of the weights, code and device.
    """

    def label(phases: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
        image = np.moveaxis(datasets.enhancement(phases), -1, 0)
        mask = np.moveaxis(slices.predict(model, np.ascontiguousarray(image)), 0, -1)
        parts, n = ndimage.label(mask)
        return parts == 1 + np.argmax(np.bincount(parts.ravel())[1:]) if n else mask

    where = processor.describe(next(model.parameters()).device.type)
    key = hashlib.sha256(json.dumps([fingerprint.made_by(__name__), where]).encode())
    for name, tensor in sorted(model.state_dict().items()):
        key.update(name.encode() + tensor.detach().cpu().numpy().tobytes())
    return label, key.hexdigest()[:12]
