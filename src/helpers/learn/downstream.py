"""Downstream models after reconstruction: classifiers and a segmenter, trained on clean images and applied to any."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from helpers.errors import InputError, check_choice
from helpers.learn import classifiers, loop, networks, prediction

SEGMENTERS = {"small": networks.light_unet, "paper": networks.unet}


def fit_classifier(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    seed: int,
    kind: str = "small",
    pretrained: str | Path | None = None,
    balanced: bool = False,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    **options: Any,
) -> loop.Fitted:
    """Train a classifier of k labels with binary cross-entropy over the known labels.

    Parameters
    ----------
    images : float32 ndarray of shape (n, 1, h, w)
        Images, 0 to 1.
    labels : ndarray of shape (n, k)
        0 or 1; NaN if unknown.
    seed : int
        Seed of the initial weights and the order of images.
    kind, pretrained
        See `helpers.learn.classifier`; `pretrained` is its `weights`.
    balanced : bool
        Whether to draw both classes of a single label equally often; images with an unknown label are then not drawn.
    validation : pair of ndarray, optional
        Validation images and labels, for `patience`; the score is minus their loss.
    **options
        As `helpers.learn.fit` takes them: `epochs` or `steps`, `batch_size`, `lr`, `patience`, `checkpoint`, `device`,
        `progress`, ...; the optimizer is Adam.

    Returns
    -------
    helpers.learn.Fitted
        `probabilities` applies the model.

    Raises
    ------
    InputError
        Labels and images do not fit each other, or a label is neither 0 nor 1 or has only one class; also the errors of
        `helpers.learn.classifier` and `helpers.learn.fit`.
    """
    images, labels = _labelled("labels", images, labels)
    if balanced:
        options["weights"] = _equal_chances(labels)
    if validation is not None:
        held_out = _labelled("validation", *validation)
        options["validate"] = partial(_likelihood, held_out=held_out)
    known = ~np.isnan(labels)
    arrays = (images, np.where(known, labels, 0).astype(np.float32), known.astype(np.float32))
    model = classifiers.classifier(kind, labels.shape[1], weights=pretrained, seed=seed)
    return loop.fit(model, arrays, _masked_loss, seed=seed, optimizer=torch.optim.Adam, **options)


def probabilities(model: nn.Module, images: np.ndarray) -> np.ndarray:
    """Predict the probabilities of labels, float32 (n, k), with a model of `fit_classifier`."""
    return prediction.predict(model, images, activation=torch.sigmoid, batch_size=64, precision="32")


def fit_segmenter(
    images: np.ndarray,
    masks: np.ndarray,
    *,
    seed: int,
    network: str = "small",
    features: Sequence[int] = (16, 32, 64),
    mode: Literal["as_published", "corrected"] = "corrected",
    **options: Any,
) -> loop.Fitted:
    """Train a segmentation U-Net with half the Dice loss plus half the mean absolute error; masks may be empty.

    As published, the Dice loss applies a sigmoid to probabilities: the compared values are between 0.5 and 0.73, and
    the loss never comes near 0. Corrected, it uses the probabilities themselves. The published network is a U-Net with
    a ResNet-34 encoder; the networks here have other encoders.

    Parameters
    ----------
    images : float32 ndarray of shape (n, 1, h, w)
        Images, 0 to 1.
    masks : uint8 ndarray of shape (n, 1, h, w)
        0 or 1.
    seed : int
        Seed of the initial weights and the order of images.
    network : {"small", "paper"}
        `helpers.learn.light_unet` or `helpers.learn.unet`.
    features : sequence of int
        Argument of that builder.
    mode : {"as_published", "corrected"}
        Version of the Dice loss.
    **options
        As `helpers.learn.fit` takes them; the optimizer is Adam.

    Returns
    -------
    helpers.learn.Fitted
        `predicted_masks` applies the model.

    Raises
    ------
    InputError
        Masks and images do not fit each other, or a mask has values other than 0 and 1; there is no such network or
        mode; also the errors of the builders and of `helpers.learn.fit`.
    """
    check_choice("network", network, SEGMENTERS)
    check_choice("mode", mode, ("as_published", "corrected"))
    if masks.shape != images.shape or not np.isin(masks, (0, 1)).all():
        problem = f"expected 0 and 1 in shape {images.shape}, found {masks.shape} up to {masks.max(initial=0)}"
        raise InputError("masks", problem, "Give one mask for each image")
    model = SEGMENTERS[network](2, 1, 1, features=features, seed=seed)
    arrays = (images, masks.astype(np.float32))
    loss = partial(_overlap, twice=mode == "as_published")
    return loop.fit(model, arrays, loss, seed=seed, optimizer=torch.optim.Adam, **options)


def predicted_masks(model: nn.Module, images: np.ndarray) -> np.ndarray:
    """Predict masks, uint8 (n, 1, h, w), with a model of `fit_segmenter`: 1 if the probability is above one half."""
    return prediction.predict(model, images, activation=_above_half, batch_size=64, precision="32")


def _labelled(where: str, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    labels = np.asarray(labels, float)
    if labels.ndim != 2 or len(labels) != len(images):
        problem = f"expected ({len(images)}, labels), found {labels.shape}"
        raise InputError(where, problem, "Give one row for each image")
    wrong = ~np.isnan(labels) & ~np.isin(labels, (0, 1))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise InputError(f"{where}[{row}, {column}]", f"found {labels[row, column]:g}", "Use 0, 1 or NaN for unknown")
    for column, known in enumerate(~np.isnan(labels).T):
        if where == "labels" and len(np.unique(labels[known, column])) < 2:
            raise InputError(f"{where}[:, {column}]", "both classes are needed to train", "Leave this label out")
    return images, labels


def _equal_chances(labels: np.ndarray) -> np.ndarray:
    if labels.shape[1] != 1:
        raise InputError("balanced", f"there are {labels.shape[1]} labels", "Balance one label at a time")
    column = labels[:, 0]
    counts = {value: (column == value).sum() for value in (0, 1)}
    return np.select([column == value for value in counts], [1 / count for count in counts.values()], 0.0)


def _masked_loss(model: nn.Module, batch: Sequence[torch.Tensor]) -> torch.Tensor:
    images, labels, known = batch
    each = functional.binary_cross_entropy_with_logits(model(images), labels, weight=known, reduction="sum")
    return each / known.sum().clamp(min=1)


def _likelihood(model: nn.Module, *, held_out: tuple[np.ndarray, np.ndarray]) -> float:
    """Return minus the mean cross-entropy of the known labels."""
    images, labels = held_out
    logits = prediction.predict(model, images, precision="32")
    return -float(np.nanmean(np.logaddexp(0, logits) - labels * logits))


def _overlap(model: nn.Module, batch: Sequence[torch.Tensor], *, twice: bool) -> torch.Tensor:
    from monai.losses import DiceLoss

    images, masks = batch
    probability = model(images).sigmoid()
    dice = DiceLoss(sigmoid=twice, batch=True)  # computed over the batch, because images may have no tumour
    return (dice(probability, masks) + functional.l1_loss(probability, masks)) / 2


def _above_half(logits: torch.Tensor) -> torch.Tensor:
    return (logits > 0).to(torch.uint8)
