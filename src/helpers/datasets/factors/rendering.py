"""A caricature of a chest radiograph of 16 x 16 pixels, in which four factors can be seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from helpers.errors import InputError

SIDE = 16
SEEN = ("heart size", "opacity", "diaphragm height", "brightness")
LARGEST = 2.5  # standard deviations beyond which a factor is drawn as this one
EDGE = 0.6  # pixels over which an outline fades, so that part of a pixel counts


def draw_chests(factors: ArrayLike, *, noise: float = 4.0, seed: int = 0) -> np.ndarray:
    """Draw one caricature for each case.

    The heart is a disc whose radius grows with the first factor; the second makes one lung denser; the third lifts the
    diaphragm; the fourth brightens the whole picture.

    Parameters
    ----------
    factors : array_like, shape (n, d)
        With d from 1 to 4, of variance 1; factors that are not given are 0.
    noise : float
        Standard deviation of the noise of a pixel, of 255.
    seed : int
        Seed of the noise.

    Returns
    -------
    uint8 ndarray of shape (n, 1, 16, 16)

    Raises
    ------
    InputError
        There are more factors than can be drawn.
    """
    given = np.atleast_2d(np.asarray(factors, float))
    if given.shape[1] > len(SEEN):
        raise InputError("factors", f"{given.shape[1]} factors, {len(SEEN)} can be drawn", f"Give {', '.join(SEEN)}")
    full = np.zeros((len(given), len(SEEN)))
    full[:, : given.shape[1]] = np.clip(given, -LARGEST, LARGEST)
    heart, opacity, diaphragm, bright = (column[:, None, None] for column in full.T)
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    lungs = _inside(4.2 - np.abs(np.abs(x - 7.5) - 4)) * np.ones_like(heart)
    picture = 150 - 95 * lungs
    picture = picture + 22 * (opacity + LARGEST) / LARGEST * lungs * _inside(3 - np.hypot(x - 11.5, y - 4))
    picture = _over(picture, 190, _inside(3 + 0.6 * heart - np.hypot(x - 7.0, y - 8.5)))
    picture = _over(picture, 210, _inside(y - 13 + 0.8 * diaphragm))
    grain = np.random.default_rng(seed).normal(0, noise, picture.shape) if noise else 0
    return np.clip(picture + 12 * bright + grain, 0, 255).round().astype(np.uint8)[:, None]


def _inside(distance: np.ndarray) -> np.ndarray:
    """Return 1 well inside an outline and 0 well outside, from the distance to it in pixels."""
    return 1 / (1 + np.exp(-distance / EDGE))


def _over(picture: np.ndarray, shade: float, mask: np.ndarray) -> np.ndarray:
    return picture * (1 - mask) + shade * mask
