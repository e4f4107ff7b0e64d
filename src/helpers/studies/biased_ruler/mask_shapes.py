"""Shape of every mask in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import pandas as pd

from helpers import datasets, metrics
from helpers.datasets.shared.nifti import read_nifti, round_labels, steps
from helpers.errors import InputError


def shapes(root: str | Path, patient_ids: Sequence[str]) -> pd.DataFrame:
    """Measure size and shape of the expert's masks by `helpers.metrics.geometry`.

    The surface is smoothed by the largest voxel length, so that steps between thick slices do not count as roughness.

    Parameters
    ----------
    root : path
        Folder with ``segmentations/expert``.
    patient_ids : sequence of str

    Returns
    -------
    DataFrame
        One row per patient, in their order: ``volume_cc, sphericity, elongation, surface_to_volume`` (1/mm). The values
        are NaN if the mask is empty or too small to have a shape.

    Raises
    ------
    InputError
        There is no such folder, or a mask is missing or cannot be read.
    """
    rows = []
    for patient in patient_ids:
        path = datasets.mask_file(root, "expert", patient)
        voxels, affine = read_nifti(path)
        longest = float(max(nib.affines.voxel_sizes(affine)))
        try:
            rows.append(metrics.shape(round_labels(voxels), spacing=steps(affine), smooth=longest))
        except InputError as error:
            if not error.where.startswith("mask"):
                raise InputError(path, error.problem, error.fix) from None
            rows.append({})
    columns = ["volume_cc", "sphericity", "elongation", "surface_to_volume"]
    return pd.DataFrame(rows, columns=columns).astype(float)
