"""Simulated images of a breast, from easy to hard to segment, controlled by a few parameters that imitate physics.

A breast (`anatomy`) consists of its tumour and of smooth fields that describe its tissue. A rendering (`render`) is one
acquisition of it. Its difficulty, between 0 and 1, sets all parameters of `PHYSICS` at once. Nothing here is fitted to
patients: the parameters are named after causes of difficulty in real images, and their values are chosen.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit, ndtri

from helpers.datasets.shared import masks
from helpers.errors import InputError

# Parameter of a rendering: (value at difficulty 0, value at difficulty 1, description).
PHYSICS: dict[str, tuple[float, float, str]] = {
    "density": (0.15, 0.60, "share of the breast that is parenchyma"),
    "background": (60.0, 400.0, "uptake of the parenchyma's most active spots, grey values"),
    "uptake": (400.0, 220.0, "uptake of the tumour, grey values"),
    "core": (0.10, 0.70, "share of the uptake that the middle of the tumour lacks"),
    "patches": (0.10, 0.60, "standard deviation of the uptake inside the tumour, as a share of it"),
    "leak": (0.07, 0.33, "spread of the logarithm of the distance to which the agent reaches"),
    "margin": (0.5, 2.0, "width of the blur of the tumour's margin, mm"),
    "noise": (15.0, 50.0, "standard deviation of the noise of either phase, grey values"),
}


class Anatomy(NamedTuple):
    """One breast: all properties that two acquisitions of it share. The arrays have one shape, of any dimension.

    `tumour` is the gold mask. `distance` from the tumour's centre is 1 at its surface. Three fields have mean 0 and
    standard deviation 1: `tissue` (location of parenchyma), `spots` (uptake of contrast agent by tissue) and `patches`
    (unevenness inside the tumour). `radius` in mm is that of a sphere with the tumour's volume.
    """

    tumour: np.ndarray
    distance: np.ndarray
    tissue: np.ndarray
    spots: np.ndarray
    patches: np.ndarray
    radius: float


def anatomy(
    rng: np.random.Generator, *, shape: tuple[int, int, int], spacing: tuple[float, float, float], cc: float
) -> Anatomy:
    """Draw a breast with one tumour.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of every random choice.
    shape : tuple of int
        Voxels along x, y, z.
    spacing : tuple of float
        Voxel size in mm along x, y, z.
    cc : float
        Volume of the tumour in cm^3, exact to one voxel.

    Returns
    -------
    Anatomy
        Arrays of shape `shape`.
    """
    drawn = masks.tumour(rng, shape=shape, spacing=spacing, cc=cc)
    distance = (drawn.ellipsoid(drawn.centre) * drawn.irregular).astype(np.float32)
    tissue, spots, patches = (masks.noise(rng, shape, spacing, scale) for scale in (8.0, 5.0, 3.0))
    return Anatomy(drawn.mask, distance / distance[drawn.mask].max(), tissue, spots, patches, float(drawn.radius))


def physics(difficulty: float) -> dict[str, float]:
    """Compute the parameters of a rendering, named as in `PHYSICS`; each is linear in the difficulty."""
    if isinstance(difficulty, bool) or not isinstance(difficulty, int | float | np.number) or not 0 <= difficulty <= 1:
        raise InputError("difficulty", f"{difficulty!r} is not a number from 0 to 1", "Give 0 for easy, 1 for hardest")
    return {name: easy + float(difficulty) * (hard - easy) for name, (easy, hard, _) in PHYSICS.items()}


def density_codes(difficulty: np.ndarray) -> np.ndarray:
    """Compute the code of breast density a to d (0 to 3) of renderings: four equal steps of the range in `PHYSICS`."""
    return np.minimum(np.floor(4 * difficulty), 3).astype(np.int8)


def render(rng: np.random.Generator, breast: Anatomy, *, difficulty: float) -> np.ndarray:
    """Render one acquisition of a breast: the pre-contrast and the first post-contrast image.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the noise. All else is determined by the breast and the difficulty.
    breast : Anatomy
        From `anatomy`, or with arrays of any dimension, such as a slice of one.
    difficulty : float
        From 0 (easy) to 1 (hardest). A harder image has more parenchyma with more uptake; a tumour with less and uneven
        uptake and a dark core; a blurred margin that the contrast agent crosses or does not reach; and more noise.

    Returns
    -------
    ndarray of int16, shape (2, *shape)

    Raises
    ------
    InputError
        `difficulty` is not a number from 0 to 1.
    """
    set_to = physics(difficulty)
    # Shift by a normal quantile, so that the requested share of the field is above 0.
    parenchyma = expit(4 * (breast.tissue + float(ndtri(set_to["density"]))))
    active = expit(3 * (breast.spots - 0.6))
    # The contrast agent leaks out of the tumour where tissue is active and does not fill the tumour elsewhere.
    depth = 1 - breast.distance * np.exp(-set_to["leak"] * breast.spots)
    filled = expit(depth * breast.radius / set_to["margin"])
    rim = 1 - set_to["core"] * expit(10 * (depth - 0.4))
    patchy = np.clip(1 + set_to["patches"] * breast.patches, 0.1, 2)
    before = 120 + 160 * parenchyma * (1 - filled) + 160 * filled
    uptake = set_to["background"] * parenchyma * active * (1 - filled) + set_to["uptake"] * filled * rim * patchy
    grain = set_to["noise"] * rng.standard_normal((2, *breast.tumour.shape), dtype=np.float32)
    # Grey values in steps of 4, as from a scanner with few bits, halve the size of the files.
    return np.round((np.stack([before, before + uptake]) + grain) / 4).astype(np.int16) * 4
