"""Simulated tumour masks of a given volume, each with an automatic mask that has a given Dice against it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

Spacing = tuple[float, float, float]


def noise(rng: np.random.Generator, shape: tuple[int, ...], spacing: Sequence[float], scale_mm: float) -> np.ndarray:
    """Draw smooth noise with mean near 0 and standard deviation 1, float32.

    `scale_mm` is the standard deviation of the Gaussian filter, in the unit of `spacing`; at least 0.6 voxels are used.
    """
    field = rng.standard_normal(shape, dtype=np.float32)
    field = gaussian_filter(field, [max(scale_mm / step, 0.6) for step in spacing], mode="wrap", truncate=3)
    return field / field.std()


def _smallest(field: np.ndarray, count: int) -> np.ndarray:
    """Return the mask of the `count` voxels with the smallest values."""
    mask = np.zeros(field.size, dtype=bool)
    if count > 0:
        mask[np.argpartition(field, count - 1, axis=None)[:count]] = True
    return mask.reshape(field.shape)


def _quota(field: np.ndarray, inside: np.ndarray, hits: int, count: int) -> np.ndarray:
    """Return a mask of `count` voxels with small values, exactly `hits` of them in `inside`."""
    hit = _smallest(np.where(inside, field, np.inf), hits)
    return hit | _smallest(np.where(inside, np.inf, field), count - hits)


class Tumour(NamedTuple):
    """Mask of a tumour, and the parts from which it was made."""

    mask: np.ndarray
    radius: float  # mm, of a sphere of the same volume
    centre: np.ndarray  # mm
    ellipsoid: Callable[[np.ndarray], np.ndarray]  # distance of each voxel from a given centre, 1 near the surface
    irregular: np.ndarray  # factor on that distance


def tumour(rng: np.random.Generator, *, shape: tuple[int, int, int], spacing: Spacing, cc: float) -> Tumour:
    """Draw an irregular ellipsoid of `cc` cm^3, exact to one voxel, at a random place inside the volume.

    It has at least 27 voxels and at most half of the volume.
    """
    voxel_cc = float(np.prod(spacing)) / 1000
    limit = int(0.5 * np.prod(shape))
    count = int(np.clip(round(cc / voxel_cc), 27, limit))
    radius = (3 * count * voxel_cc * 1000 / (4 * np.pi)) ** (1 / 3)
    size = np.array(shape) * spacing
    room = np.maximum(size / 2 - 1.3 * radius, 0)
    centre = size / 2 + rng.uniform(-1, 1, 3) * room
    axes = [(np.arange(n, dtype=np.float32) + 0.5) * s for n, s in zip(shape, spacing, strict=True)]
    stretch = np.exp(rng.normal(0, 0.15, 3))
    stretch /= np.prod(stretch) ** (1 / 3)

    def ellipsoid(middle: np.ndarray) -> np.ndarray:
        x, y, z = (((a - m) / (radius * s)) ** 2 for a, m, s in zip(axes, middle, stretch, strict=True))
        return np.sqrt(x[:, None, None] + y[None, :, None] + z[None, None, :])

    irregular = np.exp(0.15 * noise(rng, shape, spacing, 0.5 * radius))
    return Tumour(_smallest(ellipsoid(centre) * irregular, count), radius, centre, ellipsoid, irregular)


def pair(
    rng: np.random.Generator,
    *,
    shape: tuple[int, int, int],
    spacing: Spacing,
    expert_cc: float,
    automatic_cc: float,
    dice: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw an expert mask and an automatic mask that have the requested volumes and Dice.

    The expert mask is an irregular ellipsoid. The automatic mask is the same shape, displaced and deformed by an amount
    that is found by bisection. Voxels at its edge are then exchanged until the overlap is the requested whole number of
    voxels.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of every random choice.
    shape : tuple of int
        Voxels along x, y, z.
    spacing : tuple of float
        Voxel size in mm along x, y, z.
    expert_cc, automatic_cc : float
        Volumes in cm^3, exact to one voxel. If `dice` does not allow the automatic volume, the nearest possible one is
        used.
    dice : float
        Requested Dice, 0 to 1. It is reached within ``1 / voxels``, with the voxels of both masks together. Exactly 0
        gives an empty automatic mask, and exactly 1 a copy of the expert mask. No other value gives either.

    Returns
    -------
    expert, automatic : ndarray of bool, `shape`
    """
    expert, radius, centre, ellipsoid, irregular = tumour(rng, shape=shape, spacing=spacing, cc=expert_cc)
    count, limit, size = np.count_nonzero(expert), int(0.5 * np.prod(shape)), np.array(shape) * spacing
    if dice <= 0:
        return expert, np.zeros(shape, dtype=bool)
    if dice >= 1:
        return expert, expert.copy()

    ratio = np.clip(automatic_cc / expert_cc, dice / (2 - dice), (2 - dice) / dice)
    predicted = int(np.clip(round(count * ratio), 2, limit))
    # The overlap is not empty and the masks are not identical; Dice is as near the requested one as whole voxels allow.
    hits = int(np.clip(round(dice * (count + predicted) / 2), 1, min(count, predicted) - (count == predicted)))
    away = size / 2 - centre + rng.normal(0, 0.3, 3) * radius
    away *= radius / max(float(np.linalg.norm(away)), 1e-6)
    deform = noise(rng, shape, spacing, 0.6 * radius)

    def moved(amount: float) -> np.ndarray:
        return ellipsoid(centre + amount * away) * irregular * np.exp(0.35 * min(amount, 1.0) * deform)

    low, high = 0.0, 2.5
    for _ in range(7):
        amount = (low + high) / 2
        if np.count_nonzero(_smallest(moved(amount), predicted) & expert) > hits:
            low = amount
        else:
            high = amount
    return expert, _quota(moved((low + high) / 2), expert, hits, predicted)


def phases(rng: np.random.Generator, tumour: np.ndarray, *, spacing: Spacing) -> tuple[np.ndarray, np.ndarray]:
    """Draw the pre-contrast and the first post-contrast image of a breast with this tumour, int16, shape of `tumour`.

    Smooth noise divides the breast into fat and parenchyma. The tumour takes up most of the contrast agent, its core
    less, and parenchyma a little.
    """
    texture = noise(rng, tumour.shape, spacing, 8.0)
    parenchyma = 1 / (1 + np.exp(-4 * texture))
    edge = gaussian_filter(tumour.astype(np.float32), 0.7)
    core = gaussian_filter(tumour.astype(np.float32), 2.0)
    before = 120 + 160 * parenchyma + 40 * edge
    uptake = 50 * parenchyma + edge * (420 - 120 * core)
    grain = 12 * rng.standard_normal((2, *tumour.shape), dtype=np.float32)
    return tuple(np.round(image / 4).astype(np.int16) * 4 for image in (before + grain[0], before + uptake + grain[1]))
