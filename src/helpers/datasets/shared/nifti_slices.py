"""Reader of one slice of a NIfTI file, without reading the rest of an uncompressed volume."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from helpers.datasets.shared import formats
from helpers.datasets.shared.formats import Header, Picture, Spacing
from helpers.datasets.shared.nifti import MM
from helpers.errors import InputError


def read(path: Path, number: int | None = None) -> Picture:
    """Read a slice along the last axis, by default the middle one, transposed: rows run along the second axis.

    Raises
    ------
    InputError
        The file is cut off or no NIfTI, is not two- or three-dimensional, has no such slice, or holds values that are
        not finite.
    """
    image = _opened(path)
    frames = _shape(image, path)[2]
    number = formats.check_frame(path, frames // 2 if number is None else number, frames, word="slice")
    try:
        cut = (slice(None), slice(None), number, *[0] * max(len(image.shape) - 3, 0))
        values = np.asarray(image.dataobj[cut[: len(image.shape)]])
    except Exception as error:
        # nibabel has no common error class: the error that a broken file raises depends on where it is broken.
        raise _broken(path, error) from None
    if values.dtype.kind not in "uif":
        raise InputError(path, f"holds values of type {values.dtype}, expected numbers", "Save it as grey values")
    with np.errstate(over="ignore"):  # becomes infinite, which is refused
        values = values.T if values.dtype.kind in "ui" else values.T.astype(np.float32)
    where = f"{path}, slice {number}"
    return formats.check_finite(Picture(np.ascontiguousarray(values), _bits(image), "grey", _spacing(image)), where)


def header(path: Path) -> Header:
    """Read size, bits and number of slices; errors as in `read`, where the header shows them."""
    image = _opened(path)
    width, height, frames = _shape(image, path)
    return Header(width, height, _bits(image), "grey", frames, _spacing(image))


def _opened(path: Path) -> nib.spatialimages.SpatialImage:
    try:
        return nib.load(path)
    except Exception as error:
        raise _broken(path, error) from None


def _broken(path: Path, error: Exception) -> InputError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    fix = "Copy or download the file again, or leave the case out"
    return InputError(path, f"is truncated or not a NIfTI file ({reason})", fix)


def _shape(image: nib.spatialimages.SpatialImage, path: Path) -> tuple[int, int, int]:
    shape = image.shape
    if len(shape) < 2 or 0 in shape or any(n != 1 for n in shape[3:]):
        raise InputError(path, f"expected two or three dimensions, found shape {shape}", "Save one slice or volume")
    return shape[0], shape[1], shape[2] if len(shape) > 2 else 1


def _bits(image: nib.spatialimages.SpatialImage) -> int:
    return image.get_data_dtype().itemsize * 8


def _spacing(image: nib.spatialimages.SpatialImage) -> Spacing:
    across, down = (float(v) for v in image.header.get_zooms()[:2])
    unit = int(image.header["xyzt_units"]) & 7 if isinstance(image, nib.Nifti1Pair) else 0
    factor = MM.get(unit, 1.0)
    across, down = factor * across, factor * down
    return (down, across) if np.isfinite([down, across]).all() and min(down, across) > 0 else None
