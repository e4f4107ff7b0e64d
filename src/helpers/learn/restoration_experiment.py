"""The restoration experiment: networks are trained on a cohort and applied to its held-out images."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from helpers import degrade
from helpers.errors import InputError, check_choice
from helpers.keep.processor import Device
from helpers.learn import downstream, loop, restoration_training
from helpers.learn.restoring import restore
from helpers.stats.inputs import need_columns

ARMS = {
    "unet": restoration_training.fit_unet,
    "pix2pix": restoration_training.fit_pix2pix,
    "sde": restoration_training.fit_sde,
}
VALIDATED = ("unet", "classifier")
Settings = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Outputs:
    """Results for the m held-out images, by arm: "original", "degraded" and each reconstruction.

    Attributes
    ----------
    rows : ndarray of m int
        Positions of the images in the table of cases.
    images : dict of str to float32 ndarray of shape (m, 1, h, w)
    probabilities : dict of str to float32 ndarray of shape (m, k)
        Probabilities of the labels; empty without labels.
    masks : dict of str to uint8 ndarray of shape (m, 1, h, w)
        Predicted masks; empty without masks.
    """

    rows: np.ndarray
    images: dict[str, np.ndarray] = field(repr=False)
    probabilities: dict[str, np.ndarray] = field(repr=False)
    masks: dict[str, np.ndarray] = field(repr=False)


def run(
    cases: pd.DataFrame,
    clean: np.ndarray,
    degraded: np.ndarray,
    *,
    networks: Settings,
    optimisation: Settings,
    sampling: Mapping[str, Any],
    seed: int,
    labels: np.ndarray | None = None,
    separate: bool = False,
    masks: np.ndarray | None = None,
    trained_on: Mapping[str, np.ndarray] | None = None,
    arms: Sequence[str] = tuple(ARMS),
    keep: Path | None = None,
    level: str = "",
    device: Device = "auto",
    progress: bool = True,
) -> Outputs:
    """Train reconstructions, classifiers and segmenter on the training split, and apply them to the other two splits.

    Classifiers and segmenter are trained on clean images and then applied to every arm: originals, degraded images and
    reconstructions. Validation is returned together with test, so that thresholds can be chosen on it.

    Parameters
    ----------
    cases : pandas.DataFrame
        One row per image, with ``split``: "train", "validation" or "test".
    clean, degraded : float32 ndarray of shape (n, 1, h, w)
        Images in the order of the cases, 0 to 1.
    networks, optimisation : mapping
        Settings of "unet", "pix2pix", "sde", "classifier" and "segmenter", such as
        ``NETWORKS["small"]["chexpert"]``; "unet" and "classifier" are validated if they have `patience`.
    sampling : mapping
        Options to apply the SDE, see `restore`, such as ``{"sampler": "posterior", "steps": 5}``.
    seed : int
        Seed of all networks and random draws.
    labels : ndarray of shape (n, k), optional
        0, 1 or NaN (unknown).
    separate : bool
        Whether to train a separate classifier for each label, which can then be balanced.
    masks : uint8 ndarray of shape (n, 1, h, w), optional
        0 or 1.
    trained_on : mapping of str to ndarray, optional
        Other degraded images to train an arm on, as in the published study; default `degraded`.
    arms : sequence of str
        Reconstructions, from "unet", "pix2pix" and "sde".
    keep : Path, optional
        Folder for checkpoints and reconstructions, such as from `helpers.keep.cache.folder`; a second call resumes.
    level : str
        Name of the degradation level. With different names, several levels can share a folder, and with it the
        classifiers and segmenter.
    device, progress
        As `helpers.learn.fit` takes them.

    Returns
    -------
    Outputs
        Results for validation and test images, in the order of the cases.

    Raises
    ------
    InputError
        Cases, images, labels or masks do not fit each other, or a split is empty; there is no such arm; also the errors
        of the functions that train and apply the networks.
    """
    inside, held_out = _rows(cases, clean, degraded, labels, masks)
    validating = cases["split"].to_numpy() == "validation"
    for arm in arms:
        check_choice("arms", arm, ARMS)
    rest = np.flatnonzero(held_out)

    def fit(part: str, function: Callable[..., loop.Fitted], x: np.ndarray, y: np.ndarray, name: str) -> nn.Module:
        options = {**networks[part], **optimisation[part], "seed": seed, "device": device, "progress": progress}
        if "patience" in options and part in VALIDATED:
            options["validation"] = (x[validating], y[validating])
        place = None if keep is None else keep / "networks" / f"{name}-{_settings(networks[part], optimisation[part])}"
        return function(x[inside], y[inside], checkpoint=place, **options).model

    images = {"original": clean[rest], "degraded": degraded[rest]}
    for arm in arms:
        model = fit(arm, ARMS[arm], (trained_on or {}).get(arm, degraded), clean, f"{level}{arm}")
        # The steps and the noise of an SDE are settings, not weights.
        folder = None if keep is None else keep / "images" / _settings(networks[arm], optimisation[arm])
        images[arm] = _restored(model, degraded[rest], rest, seed, sampling, folder)

    found: dict[str, list[np.ndarray]] = {arm: [] for arm in images}
    columns = [] if labels is None else np.split(labels, labels.shape[1], axis=1) if separate else [labels]
    for place, column in enumerate(columns):
        model = fit("classifier", downstream.fit_classifier, clean, column, f"classifier{place}")
        for arm, shown in images.items():
            found[arm].append(downstream.probabilities(model, shown))
    drawn: dict[str, np.ndarray] = {}
    if masks is not None:
        model = fit("segmenter", downstream.fit_segmenter, clean, masks, "segmenter")
        drawn = {arm: downstream.predicted_masks(model, shown) for arm, shown in images.items()}
    return Outputs(rest, images, {arm: np.hstack(each) for arm, each in found.items() if each}, drawn)


def _rows(cases: pd.DataFrame, *arrays: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return which cases are for training, and which are held out."""
    need_columns(cases, ["split"])
    for name, array in zip(("clean", "degraded", "labels", "masks"), arrays, strict=True):
        if array is not None and len(array) != len(cases):
            raise InputError(name, f"expected {len(cases)} rows, one a case, found {len(array)}", "Give all in order")
    split = cases["split"]
    for name in ("train", "validation", "test"):
        if not (split == name).any():
            raise InputError("split", f"there is no case of {name}", "Split with helpers.datasets.split_patients")
    return (split == "train").to_numpy(), split.isin(["validation", "test"]).to_numpy()


def _restored(
    model: nn.Module,
    degraded: np.ndarray,
    cases: np.ndarray,
    seed: int,
    sampling: Mapping[str, Any],
    folder: Path | None,
) -> np.ndarray:
    def make(rows: slice) -> np.ndarray:
        return restore(model, degraded[rows], seed=seed, cases=cases[rows], **sampling)

    if folder is None:
        return make(slice(None))
    weights = (weight.cpu().numpy() for weight in model.state_dict().values())
    key = {"weights": _hash(weights), "images": _hash([degraded, cases]), "seed": seed, **sampling}
    return degrade.stored(make, len(degraded), folder=folder, key=key)


def _settings(*tables: Mapping[str, Any]) -> str:
    """Compute a hash of settings, with functions by name; needed because a checkpoint does not record its loss."""
    text = json.dumps(tables, sort_keys=True, default=lambda value: getattr(value, "__qualname__", str(value)))
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def _hash(arrays: Iterable[np.ndarray]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()
