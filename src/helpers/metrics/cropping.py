"""Two masks, checked and cropped to the bounding box of both.

A tumour fills a thousandth of its image, and no distance between two surfaces needs a voxel outside the bounding box of
both. So every metric works on that box.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.errors import InputError
from helpers.metrics.checks import as_numbers

WHOLE = 1e-3  # largest distance from a whole number to a value that is taken as this number


@dataclass(frozen=True)
class Pair:
    """Two masks on their common bounding box, with a margin of one voxel around it.

    Attributes
    ----------
    expert, predicted : ndarray of bool
        The masks on the box; the margin is background. Shape (1, ..., 1) if both masks are empty.
    shape : tuple of int
        Shape of the whole image.
    """

    expert: np.ndarray
    predicted: np.ndarray
    shape: tuple[int, ...]

    @property
    def empty(self) -> bool:
        """Return True if one mask is empty, or both are."""
        return not (self.expert.any() and self.predicted.any())


def crop(expert: np.ndarray, predicted: np.ndarray) -> Pair:
    """Check two masks and crop both to their common bounding box.

    A mask holds 0 and one positive number. Values within 0.001 of a whole number are also taken as this number, as
    resampling and scaling leave a label of 1 at 0.9999999.

    Raises
    ------
    InputError
        The shapes differ, or a mask has other values.
    """
    expert, predicted = as_numbers(expert, "expert mask"), as_numbers(predicted, "predicted mask")
    if expert.shape != predicted.shape or expert.ndim == 0 or not expert.size:
        raise InputError(
            "expert and predicted mask",
            f"expected voxels in two masks of one shape, found {expert.shape} and {predicted.shape}",
            "Resample one mask to the other's grid first",
        )
    boxes = [box for box in (_box(expert), _box(predicted)) if box is not None]
    if not boxes:
        nothing = np.zeros((1,) * expert.ndim, bool)
        return Pair(nothing, nothing, expert.shape)
    low = np.min([box[0] for box in boxes], axis=0)
    high = np.max([box[1] for box in boxes], axis=0)
    where = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    return Pair(_binary(expert[where], "expert mask"), _binary(predicted[where], "predicted mask"), expert.shape)


def _box(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Find the first foreground index, and one past the last, on each axis; return None for an empty mask."""
    if mask.dtype.itemsize != 1:
        mask = mask != 0
    axes = np.argsort(mask.strides, kind="stable")[::-1]  # slowest axis in memory first: Fortran order costs no copy
    ordered = np.ascontiguousarray(mask.transpose(axes))
    hits = np.flatnonzero(ordered.view(bool).reshape(len(ordered), -1).any(axis=1))  # stops at a layer's first voxel
    if not hits.size:
        return None
    low, high = np.empty(mask.ndim, int), np.empty(mask.ndim, int)
    low[axes[0]], high[axes[0]] = hits[0], hits[-1] + 1
    shadow = np.bitwise_or.reduce(ordered[hits[0] : hits[-1] + 1].view(np.uint8), axis=0)
    for position, axis in enumerate(axes[1:]):
        others = tuple(i for i in range(shadow.ndim) if i != position)
        hits = np.flatnonzero(shadow.any(axis=others))
        low[axis], high[axis] = hits[0], hits[-1] + 1
    return low, high


def _binary(box: np.ndarray, name: str) -> np.ndarray:
    """Return the box as bool with a margin of one background voxel; its values must be 0 and one positive number."""
    wide = np.zeros([n + 2 for n in box.shape], box.dtype)  # in one piece, which is faster to read than the box
    wide[(slice(1, -1),) * box.ndim] = box
    found = _one_label(wide)
    if found is None and (near := nearly_whole(wide)) is not None:
        found = _one_label(near)
    if found is None:
        values = np.unique(box).tolist()
        shown = ", ".join(_distinct(values[:6])) + (", ..." if len(values) > 6 else "")
        raise InputError(
            name,
            f"expected a binary mask (0 and one positive value), found the values {shown}",
            "Threshold probabilities, or keep one label, first",
        )
    return found


def nearly_whole(values: np.ndarray) -> np.ndarray | None:
    """Round floats if all are within 0.001 of whole numbers; return None for others, and for other types."""
    if values.dtype.kind != "f" or not values.size:
        return None
    near = np.rint(values)
    with np.errstate(invalid="ignore"):  # infinite values
        off = np.abs(values - near).max()
    return near if off <= WHOLE else None  # not if it is NaN


def _one_label(box: np.ndarray) -> np.ndarray | None:
    """Mark the foreground; return None if it has several values, or one that is not positive and finite."""
    found = box != 0
    if box.dtype != bool and (count := np.count_nonzero(found)):
        value = box.flat[found.argmax()]
        if not (value > 0 and np.isfinite(value) and np.count_nonzero(box == value) == count):
            return None
    return found


def _distinct(values: list[float]) -> list[str]:
    """Write different numbers with as few digits as tell them apart, 6 or more."""
    written = ([f"{v:.{digits}g}" for v in values] for digits in range(6, 40))
    return next(texts for texts in written if len(set(texts)) == len(values))
