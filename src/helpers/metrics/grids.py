"""Positions of voxels in mm.

A grid is described by its spacing. This is one length for each axis, or a matrix whose columns are the steps from a
voxel to the next along each axis, as in the upper left part of a NIfTI affine. The matrix is needed where the axes are
not at right angles (a sheared grid). Columns at right angles only turn the grid, so their lengths describe it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.metrics.checks import as_numbers, shown

SQUARE = 1e-6  # largest cosine between two axes at right angles: affines are stored with 7 digits
FLAT = 1e-6  # smallest volume of a voxel over the product of its lengths


def check_spacing(spacing: ArrayLike, ndim: int) -> np.ndarray:
    """Return the voxel spacing of a grid with `ndim` axes.

    Parameters
    ----------
    spacing : array_like of shape (ndim,) or (ndim, ndim)
        Voxel lengths in mm, or a matrix whose columns are the steps in mm along each axis.
    ndim : int
        Number of axes of the mask.

    Returns
    -------
    ndarray of float
        The lengths, shape (ndim,), if the axes are at right angles; otherwise the matrix, shape (ndim, ndim).

    Raises
    ------
    InputError
        The values are neither `ndim` positive finite numbers nor such a matrix, or the columns of the matrix are in one
        plane.
    """
    try:
        values = np.atleast_1d(as_numbers(spacing, "spacing"))
    except InputError:
        values = np.empty(0)
    if values.dtype.kind != "b" and np.isfinite(values).all():
        values = values.astype(float)
        if values.shape == (ndim,) and (values > 0).all():
            return values
        if values.shape == (ndim, ndim) and values.any(axis=0).all():
            lengths = np.sqrt((values**2).sum(axis=0))
            axes = values / lengths
            if np.abs(axes.T @ axes - np.eye(ndim)).max() <= SQUARE:
                return lengths
            if abs(np.linalg.det(axes)) > FLAT:
                return values
    raise InputError(
        f"spacing = {shown(spacing)}",
        f"expected {ndim} positive lengths in mm, one for each axis of the mask, or an invertible {ndim} x {ndim} "
        "matrix of steps",
        "Give the voxel size in the order of the array's axes",
    )


def positions(indices: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Compute the positions in mm, shape (..., ndim), of voxel indices of that shape."""
    return indices * spacing if spacing.ndim == 1 else indices @ spacing.T


def voxel_volume(spacing: np.ndarray) -> float:
    """Compute the volume of a voxel in mm^3 (in 2-D: its area in mm^2)."""
    return float(spacing.prod() if spacing.ndim == 1 else abs(np.linalg.det(spacing)))


def diagonal(shape: Sequence[int], spacing: np.ndarray) -> float:
    """Compute the longest diagonal in mm of an image of that shape."""
    diagonals = (np.array(shape) * signs for signs in product((1, -1), repeat=len(shape)))
    return float(max(np.linalg.norm(positions(d, spacing)) for d in diagonals))


def as_matrix(spacing: np.ndarray) -> np.ndarray:
    """Return the matrix whose columns are the steps in mm along each axis."""
    return np.diag(spacing) if spacing.ndim == 1 else spacing


def heights(spacing: np.ndarray) -> np.ndarray:
    """Compute for each axis the distance in mm between two neighbouring planes of voxels.

    An index is ``inverse(M) @ position``, so planes of an axis are apart by 1 over the length of that row of the
    inverse.
    """
    return spacing if spacing.ndim == 1 else 1 / np.linalg.norm(np.linalg.inv(spacing), axis=1)


def scale_areas(vectors: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Transform vector areas, shape (n, 3), from unit spacing to mm^2, by the matrix of cofactors of the spacing."""
    if spacing.ndim == 1:
        return vectors * (spacing.prod() / spacing)
    return vectors @ (np.linalg.det(spacing) * np.linalg.inv(spacing))
