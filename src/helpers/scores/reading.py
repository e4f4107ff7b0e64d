"""Two masks from disk, on one grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from helpers.datasets.shared.nifti import check_same_grid, read_nifti


def read_pair(expert: str | Path, predicted: str | Path) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    """Read two masks that must be on one grid.

    Returns
    -------
    expert, predicted : ndarray, three-dimensional
    spacing : tuple of float
        Voxel size in mm, in the order of the arrays' axes.

    Raises
    ------
    InputError
        A file cannot be read, or shape, voxel size or position differ.
    """
    first, second = read_nifti(expert), read_nifti(predicted)
    fix = "Resample the prediction to the expert mask's grid (nearest neighbour)"
    spacing = check_same_grid(first, second, where=f"{expert} and {predicted}", fix=fix)
    return first[0], second[0], spacing
