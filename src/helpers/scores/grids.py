"""Two masks on one grid: axes reordered, cropped extents filled with background; nothing is interpolated."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from helpers.datasets.shared.nifti import PLANE, RIGHT, Spacing, check_same_grid, distance, slack, steps
from helpers.errors import InputError
from helpers.scores.volumes import Volume

FIX = "Resample the prediction to the expert mask's grid (nearest neighbour)"
BY_ORDER = "one of the two masks has no position: voxels were matched by their order"
TURNED = "axes of the predicted mask were flipped or permuted to those of the expert mask, at the same positions"
FILLED = "a mask that covers a part of the other's grid was filled with background"
CUT = "background of the predicted mask outside the expert mask's grid was cut off"


class Pair(NamedTuple):
    """Two masks on one grid: volumes of one shape, the voxel size (see `nifti.steps`), and notes."""

    expert: Volume
    predicted: Volume
    spacing: Spacing
    notes: tuple[str, ...] = ()


def on_one_grid(expert: Volume, predicted: Volume, *, where: str) -> Pair:
    """Arrange two masks on one grid without interpolation.

    Axes are permuted and flipped where the positions stay the same. Where the grids coincide at whole voxels, a
    prediction that covers a part of the expert mask's grid is filled with background, and background outside it is cut
    off. A format that keeps only the part with foreground (`Volume.cropped`) extends the grid in the same way. An empty
    mask without a grid gets that of the other.

    Raises
    ------
    InputError
        The grids differ in another way, or neither mask has one; `where` names both files.
    """
    expert, predicted = _with_grid(expert, predicted, where), _with_grid(predicted, expert, where)
    for plane, other in ((expert, predicted), (predicted, expert)):
        if PLANE in plane.notes and min(other.shape) > 1:
            problem = f"one mask is a plane of {plane.shape[0]} x {plane.shape[1]} pixels, the other a volume"
            raise InputError(where, problem, "Give two planes or two volumes; save a slice of a volume with three axes")
    if not (expert.placed and predicted.placed):
        return _by_order(expert, predicted, where)
    if expert.shape == predicted.shape and _agree(expert.affine, predicted.affine, expert.shape):
        return Pair(expert, predicted, steps(expert.affine))
    expert = _thick(expert, predicted)
    predicted = _thick(predicted, expert)
    moved = _turned(predicted, expert.affine)
    fitted = None if moved is None else _fitted(expert, moved, where)
    if fitted is None:
        here, there = ((volume.layers[0], volume.affine) for volume in (expert, predicted))
        return Pair(expert, predicted, check_same_grid(here, there, where=where, fix=FIX))
    return fitted._replace(notes=(TURNED,) * (moved is not predicted) + fitted.notes)


def _with_grid(volume: Volume, other: Volume, where: str) -> Volume:
    """Give a volume without planes, which is empty, the grid of the other mask."""
    if 0 not in volume.shape:
        return volume
    if 0 in other.shape:
        fix = "Leave the case out, and count it: both masks are empty"
        raise InputError(where, "both are segmentations without frames, so their grid is unknown", fix)
    nothing = np.zeros(other.shape, volume.layers[0].dtype)
    return volume._replace(layers=(nothing,), affine=other.affine, sized=other.sized, placed=other.placed)


def _agree(first: np.ndarray, second: np.ndarray, shape: tuple[int, ...]) -> bool:
    return distance(first, second, shape) <= slack(first)


def _by_order(expert: Volume, predicted: Volume, where: str) -> Pair:
    """Match voxels by their order, where a file has no position; a voxel size is taken from either."""
    if expert.shape != predicted.shape:
        hint = FIX
        if expert.shape == predicted.shape[::-1]:
            hint = "The order of the axes seems reversed (z, y, x): transpose one of the two"
        raise InputError(where, f"the shapes differ: {expert.shape} and {predicted.shape}", hint)
    if expert.sized and predicted.sized:
        sizes = [np.linalg.norm(volume.affine[:3, :3], axis=0) for volume in (expert, predicted)]
        if (np.abs(sizes[0] - sizes[1]) * expert.shape).max() > slack(expert.affine):
            shown = [" x ".join(f"{v:.4g}" for v in size) for size in sizes]
            raise InputError(where, f"the voxel sizes differ: {shown[0]} and {shown[1]} mm", FIX)
    known = max((expert, predicted), key=lambda volume: (volume.placed, volume.sized))
    return Pair(expert, predicted, steps(known.affine), (BY_ORDER,) * (expert.placed or predicted.placed))


def _thick(volume: Volume, other: Volume) -> Volume:
    """Give a single plane the step of the other mask along its normal, if the distance to the next plane is unknown.

    That is so in a file of two axes, which has no place along the normal either: it gets that of the other's plane.
    """
    plane = PLANE in volume.notes and other.shape[2] == 1
    alone = volume.cropped and volume.shape[2] == 1 < other.shape[2]
    if not plane and not alone:
        return volume
    units = other.affine[:3, :3] / np.linalg.norm(other.affine[:3, :3], axis=0)
    normal = volume.affine[:3, 2] / np.linalg.norm(volume.affine[:3, 2])
    along = normal @ units
    axis = int(np.abs(along).argmax())
    if abs(along[axis]) < 1 - RIGHT:
        return volume
    affine = volume.affine.copy()
    affine[:3, 2] = np.sign(along[axis]) * other.affine[:3, axis]
    if plane:
        affine[:3, 3] += normal * (normal @ (other.affine[:3, 3] - affine[:3, 3]))
    return volume._replace(affine=affine)


def _turned(volume: Volume, onto: np.ndarray) -> Volume | None:
    """Arrange the axes of a volume, permuted and flipped, like those of an affine; None if they are not parallel."""
    ratio = np.linalg.solve(onto[:3, :3], volume.affine[:3, :3])
    target = np.abs(ratio).argmax(axis=0)  # the axis of `onto` along which each axis of the volume runs
    whole = np.zeros((3, 3))
    whole[target, range(3)] = np.sign(ratio[target, range(3)])
    if sorted(target) != [0, 1, 2] or np.abs(ratio - whole).max() > 0.01:
        return None
    if (whole == np.eye(3)).all():
        return volume
    source = np.argsort(target)
    affine, cut = volume.affine[:, [*source, 3]], []
    for axis in range(3):
        flipped = whole[axis, source[axis]] < 0
        cut.append(slice(None, None, -1 if flipped else None))
        if flipped:
            affine[:, 3] += (volume.shape[source[axis]] - 1) * affine[:, axis]
            affine[:, axis] *= -1
    layers = tuple(layer.transpose(source)[tuple(cut)] for layer in volume.layers)
    return volume._replace(layers=layers, affine=affine)


def _fitted(expert: Volume, predicted: Volume, where: str) -> Pair | None:
    """Give two masks with parallel axes one extent; None if the grids do not coincide at whole voxels."""
    start = np.rint(np.linalg.solve(expert.affine, predicted.affine[:, 3])[:3]).astype(int)
    end, shape = start + predicted.shape, np.array(expert.shape)
    inside, around = (start >= 0) & (end <= shape), (start <= 0) & (end >= shape)
    if not ((inside | around).all() or predicted.cropped):
        return None
    low, high = np.zeros(3, int), shape
    if expert.cropped:
        low, high = np.minimum(start, 0), np.maximum(end, shape)
    size = tuple(int(n) for n in high - low)
    affine = expert.affine.copy()
    affine[:, 3] = expert.affine @ [*low, 1]
    moved = predicted.affine.copy()
    moved[:, 3] = predicted.affine @ [*(low - start), 1]
    if not _agree(affine, moved, size):
        return None
    first, _ = _placed(expert, -low, size, affine)
    second, lost = _placed(predicted, start - low, size, affine)
    if lost:
        raise InputError(where, "the predicted mask has foreground outside the expert mask's grid", FIX)
    notes = (FILLED,) * (not (around.all() or predicted.cropped)) + (CUT,) * (not (inside.all() or expert.cropped))
    return Pair(first, second, steps(affine), notes)


def _placed(volume: Volume, start: np.ndarray, size: tuple[int, ...], affine: np.ndarray) -> tuple[Volume, bool]:
    """Set a volume at `start` into a grid of background; also return whether foreground is outside that grid."""
    if volume.shape == size and not start.any():
        return volume._replace(affine=affine), False
    ends = np.minimum(start + volume.shape, size)
    here = tuple(slice(max(a, 0), max(b, 0)) for a, b in zip(start, ends, strict=True))
    there = tuple(slice(s.start - a, max(s.stop, s.start) - a) for s, a in zip(here, start, strict=True))
    layers, lost = [], False
    for layer in volume.layers:
        wide = np.zeros(size, layer.dtype)
        wide[here] = layer[there]
        lost |= np.count_nonzero(wide) < np.count_nonzero(layer)
        layers.append(wide)
    return volume._replace(layers=tuple(layers), affine=affine), bool(lost)
