"""Two masks from disk, on one grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from helpers.datasets.shared.nifti import Spacing
from helpers.errors import InputError
from helpers.scores.grids import Pair, on_one_grid
from helpers.scores.labels import EACH, check_value, chosen
from helpers.scores.volumes import read_volume, rounded


def read_pair(
    expert: str | Path, predicted: str | Path, *, value: str | int = ""
) -> tuple[np.ndarray, np.ndarray, Spacing]:
    """Read two masks and bring them to one grid.

    Parameters
    ----------
    expert, predicted : path
        Files of masks, in formats that may differ: NIfTI, FreeSurfer (``.mgz``), MetaImage and NRRD (both by
        SimpleITK), DICOM segmentation, PNG, TIFF, BMP, NumPy (``.npy``), or a folder with a series of pictures.
    value : str or int
        The structure: a label, labels together as ``"1,4"``, or the name of a segment. May be empty if each mask has
        one.

    Returns
    -------
    expert, predicted : ndarray, three-dimensional
        0 or False, and one positive value each. Axes, flips and extents are the expert mask's; nothing is interpolated.
    spacing : tuple of float, or ndarray (3, 3)
        Voxel size in mm, in the order of the arrays' axes. For a sheared grid a matrix, whose columns are the steps in
        mm along each axis. 1 where neither file has a voxel size: distances are then in voxels.

    Raises
    ------
    InputError
        A file cannot be read or holds several labels and no value is given, or the grids differ.
    """
    value = check_value(value)
    if value == EACH:
        raise InputError("value", "'each' is for score_folders", "Give one label")
    pair = read_aligned(expert, predicted, whole=True)
    first = chosen(pair.expert, value, pair.predicted, where=expert)
    second = chosen(pair.predicted, value, pair.expert, where=predicted)
    return first, second, pair.spacing


def read_aligned(expert: str | Path, predicted: str | Path, *, whole: bool) -> Pair:
    """Read two masks with all their labels, and bring them to one grid; the notes name the folder they are about.

    With `whole`, labels that are nearly whole are rounded, which takes as long as reading.
    """
    first, second = read_volume(expert), read_volume(predicted)
    if whole:
        first, second = rounded(first), rounded(second)
    pair = on_one_grid(first, second, where=f"{expert} and {predicted}")
    notes = [f"{side} masks: {note}" for side, v in (("expert", first), ("predicted", second)) for note in v.notes]
    return pair._replace(notes=(*notes, *pair.notes))
