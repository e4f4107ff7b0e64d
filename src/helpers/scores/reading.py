"""Two masks from disk, on one grid."""

from __future__ import annotations

import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from helpers.errors import InputError

SLACK = 0.01  # mm: two grids are one if no corner of the image is further apart


def read_pair(expert: str | Path, predicted: str | Path) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    """Read two masks that lie on one grid.

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
    (first, here), (second, there) = _read(Path(expert)), _read(Path(predicted))
    where = f"{expert} and {predicted}"
    fix = "Resample the prediction to the expert mask's grid (nearest neighbour)"
    if first.shape != second.shape:
        raise InputError(where, f"the shapes differ: {first.shape} and {second.shape}", fix)
    spacing, other = nib.affines.voxel_sizes(here), nib.affines.voxel_sizes(there)
    corners = np.array(np.meshgrid(*[(0, n) for n in first.shape])).reshape(3, -1)
    shift = np.linalg.norm((here - there)[:3, :3] @ corners + (here - there)[:3, 3:], axis=0).max()
    if not shift <= SLACK:
        sizes = [" x ".join(f"{v:.4g}" for v in s) for s in (spacing, other)]
        what = (
            f"the voxel sizes differ: {sizes[0]} and {sizes[1]} mm"
            if not np.allclose(spacing, other, rtol=0, atol=1e-4)
            else f"the affines differ: positions are up to {shift:.3g} mm apart at the same voxel size"
        )
        raise InputError(where, what, fix)
    return first, second, tuple(float(v) for v in spacing)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Voxels and affine of a NIfTI file."""
    try:
        image = nib.load(path)
        voxels = np.asanyarray(image.dataobj)
    except (OSError, EOFError, zlib.error, ImageFileError, WrapStructError, HeaderDataError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            path, f"is truncated or no NIfTI file ({reason})", "Copy or download the file again, or leave the case out"
        ) from error
    if voxels.ndim != 3:
        raise InputError(path, f"expected a three-dimensional mask, found shape {voxels.shape}", "Save one volume")
    affine = np.asarray(image.affine, float)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise InputError(path, "its header holds no usable affine, so no length in mm", "Write the image's own header")
    return voxels, affine
