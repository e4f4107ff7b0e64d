"""Measures of a map against boxes: contrast to noise, overlap, the pointing game, and the share of a map's mass.

An image is the unit: every function returns one number an image, or one for each threshold. The area under the ROC
curve is `helpers.metrics.localisation`. A constant map names no place: its measures are NaN, except for shares of its
mass.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from helpers.errors import InputError

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5)  # of maps scaled to 0 to 1, as published for phrase grounding


def contrast_to_noise(maps: ArrayLike, part: ArrayLike) -> np.ndarray:
    """Compute the signed contrast-to-noise ratio: (mean inside - mean outside) / sqrt(variance inside + outside).

    The published score is its absolute value, which is the same for a map that is turned upside down.

    Parameters
    ----------
    maps : array_like of shape (n, ...)
    part : array_like of bool, shape (n, ...)
        Union of the boxes of each image, so that their order does not matter.

    Returns
    -------
    ndarray of shape (n,)
        NaN for a map that is constant inside and outside.

    Raises
    ------
    InputError
        Shapes differ, a part has no pixel or all of them, or a value is NaN or infinite.
    """
    values, inside = _checked(maps, part)
    means, variances = zip(*(_moments(values, where) for where in (inside, ~inside)), strict=True)
    noise = np.sqrt(variances[0] + variances[1])
    constant = noise <= 1e-9 * np.abs(values).max(1)
    return np.where(constant, np.nan, (means[0] - means[1]) / np.where(constant, 1, noise))


def map_overlap(maps: ArrayLike, part: ArrayLike, *, thresholds: Sequence[float] = THRESHOLDS) -> np.ndarray:
    """Compute the intersection over union of a part and the pixels of a map above thresholds.

    Each map is scaled to 0 to 1. The mean over the published thresholds is the *mean IoU*; with one threshold that was
    chosen on other images it is the IoU.

    Returns
    -------
    ndarray of shape (n, thresholds)
        NaN for a constant map.

    Raises
    ------
    InputError
        As in `contrast_to_noise`; or a threshold is not from 0 to 1.
    """
    values, inside = _checked(maps, part)
    levels = np.asarray(thresholds, float)
    if levels.ndim != 1 or not len(levels) or not ((levels >= 0) & (levels <= 1)).all():
        raise InputError("thresholds", f"{thresholds!r} are not numbers from 0 to 1", "Give (0.1, 0.2, 0.3, 0.4, 0.5)")
    least, span = values.min(1, keepdims=True), np.ptp(values, axis=1, keepdims=True)
    scaled = (values - least) / np.where(span > 0, span, np.nan)
    found = np.full((len(values), len(levels)), np.nan)
    there = span[:, 0] > 0
    for k, level in enumerate(levels):
        above = scaled[there] > level
        found[there, k] = (above & inside[there]).sum(1) / (above | inside[there]).sum(1)
    return found


def pointing(maps: ArrayLike, part: ArrayLike) -> np.ndarray:
    """Compute the pointing game: 1 where the largest value of a map is in the part, and 0 where it is not.

    Returns
    -------
    ndarray of shape (n,)
        The share of the largest values that are in the part, if several are equal; NaN for a constant map.

    Raises
    ------
    InputError
        As in `contrast_to_noise`.
    """
    values, inside = _checked(maps, part)
    top = values == values.max(1, keepdims=True)
    return np.where(top.all(1), np.nan, (top & inside).sum(1) / top.sum(1))


def mass_share(maps: ArrayLike, part: ArrayLike) -> np.ndarray:
    """Compute the share of a map's mass in a part, such as the named side of the image or the box of another phrase.

    Parameters
    ----------
    maps : array_like of shape (n, ...)
        Values of 0 or more, such as probabilities of attention.

    Returns
    -------
    ndarray of shape (n,)
        NaN for a map of zeros.

    Raises
    ------
    InputError
        As in `contrast_to_noise`; or a value is negative.
    """
    values, inside = _checked(maps, part)
    if (values < 0).any():
        raise InputError("maps", f"the least value is {values.min():.3g}", "Give maps of 0 or more, such as attention")
    total = values.sum(1)
    return np.divide((values * inside).sum(1), total, out=np.full(len(total), np.nan), where=total > 0)


def _checked(maps: ArrayLike, part: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return maps and parts as (n, pixels)."""
    values, inside = np.asarray(maps, float), np.asarray(part)
    if values.ndim < 2 or not values.size or inside.dtype != bool or inside.shape != values.shape:
        problem = f"maps {values.shape} and a part of {inside.dtype} {inside.shape}"
        raise InputError("maps", problem, "Give a map and a bool mask of each image, of one shape")
    values, inside = values.reshape(len(values), -1), inside.reshape(len(values), -1)
    if not np.isfinite(values).all():
        where = int(np.flatnonzero(~np.isfinite(values).all(1))[0])
        raise InputError(
            "maps", f"map {where} has NaN or infinite pixels", "Check the network's weights and the images"
        )
    size = inside.sum(1)
    if (bad := (size == 0) | (size == inside.shape[1])).any():
        where = int(np.flatnonzero(bad)[0])
        problem = f"image {where} has {'no box' if not size[where] else 'a box that covers all of it'}"
        raise InputError("part", problem, "Leave out such images, and count them")
    return values, inside


def _moments(values: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute mean and variance of the pixels of each map in a part."""
    count = where.sum(1)
    mean = (values * where).sum(1) / count
    return mean, (where * (values - mean[:, None]) ** 2).sum(1) / count
