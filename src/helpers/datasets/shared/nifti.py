"""Reader of volumes in NIfTI format; a file that cannot be read raises `InputError`."""

from __future__ import annotations

import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from helpers.errors import InputError

SLACK = 0.01  # mm: two grids are equal if no corner of the image is further apart than this


def read_nifti(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Read the voxels (three axes) and the affine (4, 4), in mm, of a NIfTI file.

    Raises
    ------
    InputError
        The file is missing, truncated, not NIfTI or not three-dimensional, or its header has no usable affine.
    """
    try:
        image = nib.load(path)
        voxels = np.asanyarray(image.dataobj)
    except (OSError, EOFError, zlib.error, ImageFileError, WrapStructError, HeaderDataError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            path,
            f"is truncated or not a NIfTI file ({reason})",
            "Copy or download the file again, or leave the case out",
        ) from error
    if voxels.ndim != 3:
        raise InputError(path, f"expected a three-dimensional volume, found shape {voxels.shape}", "Save one volume")
    affine = np.asarray(image.affine, float)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise InputError(
            path, "the header holds no usable affine, so lengths in mm are unknown", "Copy the header of the image"
        )
    return voxels, affine


def axes(path: str | Path) -> str:
    """Return the directions of a readable NIfTI file's axes, such as "RAS" (to the right, to the front, upwards)."""
    return "".join(letter or "?" for letter in nib.aff2axcodes(nib.load(path).affine))


def check_same_grid(
    first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray], *, where: str, fix: str
) -> tuple[float, ...]:
    """Check that two volumes (each its voxels and affine) have the same grid, and return their voxel size in mm.

    Raises
    ------
    InputError
        Shape, voxel size or position differ. In the message, `where` names both files and `fix` is the advice.
    """
    (here_voxels, here), (there_voxels, there) = first, second
    if here_voxels.shape != there_voxels.shape:
        raise InputError(where, f"the shapes differ: {here_voxels.shape} and {there_voxels.shape}", fix)
    spacing, other = nib.affines.voxel_sizes(here), nib.affines.voxel_sizes(there)
    corners = np.array(np.meshgrid(*[(0, n) for n in here_voxels.shape])).reshape(3, -1)
    shift = np.linalg.norm((here - there)[:3, :3] @ corners + (here - there)[:3, 3:], axis=0).max()
    if not shift <= SLACK:
        sizes = [" x ".join(f"{v:.4g}" for v in s) for s in (spacing, other)]
        what = (
            f"the voxel sizes differ: {sizes[0]} and {sizes[1]} mm"
            if not np.allclose(spacing, other, rtol=0, atol=1e-4)
            else f"the affines differ: positions are up to {shift:.3g} mm apart at the same voxel size"
        )
        raise InputError(where, what, fix)
    return tuple(float(v) for v in spacing)
