"""Reader of volumes in NIfTI and FreeSurfer formats; a file that cannot be read raises `InputError`."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from helpers.errors import InputError
from helpers.metrics.cropping import nearly_whole

SLACK = 0.01  # mm: two grids are equal if no corner of the image is further apart than this
RIGHT = 1e-4  # cosine of the angle between two columns of an affine, up to which they are at right angles
MM = {1: 1000.0, 2: 1.0, 3: 0.001}  # NIfTI-1, xyzt_units: metre, millimetre, micron
PLANE = "a plane was read as a volume of one slice"
NO_UNIT = "the header names no unit of length: mm was taken"
NO_PLACE = "the header has voxel sizes and no position (neither sform nor qform): directions of the axes are a guess"
TWO_PLACES = "sform and qform put the voxels in different places: the sform was taken"
TWO_SIZES = "the voxel sizes of sform and pixdim differ: the sform was taken"
Spacing = tuple[float, ...] | np.ndarray


class Stored(NamedTuple):
    """A volume as a file stores it.

    values : ndarray, (x, y, z)
    affine : ndarray, (4, 4), from indices to positions in mm (RAS)
    notes : facts about the header that readers take in different ways
    placed : False if the header has the sizes of voxels, but no position
    """

    values: np.ndarray
    affine: np.ndarray
    notes: tuple[str, ...] = ()
    placed: bool = True


def read_nifti(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Read the voxels (three axes) and the affine (4, 4), in mm, of a NIfTI file; see `read_stored`."""
    stored = read_stored(path)
    return stored.values, stored.affine


def read_stored(path: str | Path) -> Stored:
    """Read a volume of a NIfTI (also Analyze) or FreeSurfer file, with lengths in mm whatever the header's unit.

    Raises
    ------
    InputError
        The file is missing, truncated, not NIfTI or not three-dimensional, holds colours or complex numbers, or its
        header has no usable affine.
    """
    try:
        image = nib.load(path)
        dtype = image.get_data_dtype()
        voxels = np.asanyarray(image.dataobj) if dtype.kind in "biuf" else None
    except (OSError, EOFError, zlib.error, ImageFileError, WrapStructError, HeaderDataError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        kind = "FreeSurfer" if str(path).lower().endswith((".mgz", ".mgh")) else "NIfTI"
        raise InputError(
            path,
            f"is truncated or not a {kind} file ({reason})",
            "Copy or download the file again, or leave the case out",
        ) from error
    if voxels is None:
        raise no_numbers(path, "colours" if dtype.fields else "complex numbers" if dtype.kind == "c" else str(dtype))
    values, shaped = as_volume(voxels, path)
    affine, notes, placed = _header(image, values.shape)
    if shaped and not affine[:3, 2].any():  # a plane needs no thickness
        normal = np.cross(affine[:3, 0], affine[:3, 1])
        affine[:3, 2] = normal / (np.linalg.norm(normal) or 1)
    return Stored(values, check_affine(affine, path), (*shaped, *notes), placed)


def no_numbers(path: object, what: str) -> InputError:
    """Make the error for a file with voxels that are no single real numbers."""
    return InputError(path, f"holds {what}, expected one number a voxel", "Save the labels as whole numbers")


def as_volume(values: np.ndarray, path: object) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return an array with three axes: trailing axes of one are left out, and a plane becomes one slice, with a note.

    Raises
    ------
    InputError
        The array has another number of axes.
    """
    shape = values.shape
    while values.ndim > 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim == 2:
        return values[..., None], (PLANE,)
    if values.ndim != 3:
        fix = "Save one volume"
        if values.ndim > 3 and shape[0] == 1:
            fix = f"Leave out the first axis, which has one entry: shape {shape[1:]}"
        raise InputError(path, f"expected a three-dimensional volume, found shape {shape}", fix)
    return values, ()


def check_affine(affine: np.ndarray, path: object) -> np.ndarray:
    """Return the affine; raise InputError if a column has no length, or if all three are in one plane."""
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    usable = np.isfinite(affine).all() and (lengths > 0).all()
    if not usable or abs(np.linalg.det(affine[:3, :3] / lengths)) < 1e-6:
        raise InputError(
            path, "the header holds no usable affine, so lengths in mm are unknown", "Copy the header of the image"
        )
    return affine


def _header(image: nib.spatialimages.SpatialImage, shape: tuple[int, ...]) -> tuple[np.ndarray, list[str], bool]:
    """Return the affine in mm, notes, and whether the header has a position."""
    affine = np.array(image.affine, float)
    if not isinstance(image, nib.Nifti1Pair):
        placed = isinstance(image, nib.MGHImage)
        return affine, [] if placed else [NO_PLACE], placed
    header, notes = image.header, []
    factor = MM.get(int(header["xyzt_units"]) & 7)
    if factor is None:
        notes.append(NO_UNIT)
    elif factor != 1:
        affine[:3] *= factor
    codes = int(header["sform_code"]), int(header["qform_code"])
    if not any(codes):
        return affine, [*notes, NO_PLACE], False
    if codes[0]:
        other = _qform(header, factor or 1) if codes[1] else None
        if other is not None and not distance(affine, other, shape) <= slack(affine):
            notes.append(TWO_PLACES)
        else:
            zooms = header.get_zooms()[:3]  # two of a plane
            sizes = nib.affines.voxel_sizes(image.affine)[: len(zooms)]
            notes += [TWO_SIZES] * (not np.allclose(sizes, zooms, rtol=1e-3, atol=0))
    return affine, notes, True


def _qform(header: nib.Nifti1Header, factor: float) -> np.ndarray | None:
    try:
        return np.diag([factor] * 3 + [1]) @ header.get_qform()
    except (HeaderDataError, ValueError):  # not a rotation, and not used: the sform is
        return None


def axes(path: str | Path) -> str:
    """Return the directions of a readable NIfTI file's axes, such as "RAS" (to the right, to the front, upwards)."""
    return "".join(letter or "?" for letter in nib.aff2axcodes(nib.load(path).affine))


def round_labels(values: np.ndarray) -> np.ndarray:
    """Round labels that are within 0.001 of whole numbers, as scaled or resampled files hold them.

    The same array is returned if there is nothing to round: numbers that are whole already, or shares between them.
    """
    near = nearly_whole(values)
    return values if near is None or not near.any() or np.array_equal(near, values) else near


def steps(affine: np.ndarray) -> Spacing:
    """Return the voxel size in mm: three lengths, or for a sheared grid the affine's matrix (3, 3) of steps."""
    lengths = nib.affines.voxel_sizes(affine)
    units = affine[:3, :3] / lengths
    if np.abs(units.T @ units - np.eye(3)).max() > RIGHT:
        return np.array(affine[:3, :3])
    return tuple(float(v) for v in lengths)


def slack(affine: np.ndarray) -> float:
    """Return the distance in mm up to which positions agree: 0.01 mm, or for small voxels a tenth of their side."""
    return min(SLACK, 0.1 * float(nib.affines.voxel_sizes(affine).min()))


def distance(first: np.ndarray, second: np.ndarray, shape: tuple[int, ...]) -> float:
    """Return the largest distance in mm between the positions that two affines give a corner of an image."""
    corners = np.array(np.meshgrid(*[(0, n) for n in shape])).reshape(3, -1)
    return float(np.linalg.norm((first - second)[:3, :3] @ corners + (first - second)[:3, 3:], axis=0).max())


def check_same_grid(
    first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray], *, where: str, fix: str
) -> Spacing:
    """Check that two volumes (each its voxels and affine) have the same grid, and return their voxel size by `steps`.

    Raises
    ------
    InputError
        Shape, voxel size or position differ. In the message, `where` names both files and `fix` is the advice.
    """
    (here_voxels, here), (there_voxels, there) = first, second
    if here_voxels.shape != there_voxels.shape:
        raise InputError(where, f"the shapes differ: {here_voxels.shape} and {there_voxels.shape}", fix)
    shift = distance(here, there, here_voxels.shape)
    if not shift <= slack(here):
        sizes = [nib.affines.voxel_sizes(affine) for affine in (here, there)]
        shown = [" x ".join(f"{v:.4g}" for v in s) for s in sizes]
        what = (
            f"the voxel sizes differ: {shown[0]} and {shown[1]} mm"
            if not np.allclose(*sizes, rtol=0, atol=min(1e-4, slack(here)))
            else f"the affines differ: positions are up to {shift:.3g} mm apart at the same voxel size"
        )
        raise InputError(where, what, fix)
    return steps(here)
