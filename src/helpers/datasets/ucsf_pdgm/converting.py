"""Conversion of a UCSF-PDGM download, real or simulated, to a table of images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from helpers.datasets.image_table.loading import ImageTable, converted
from helpers.datasets.ucsf_pdgm.loader import load_ucsf_pdgm
from helpers.datasets.ucsf_pdgm.slices import load_flair_slices


def brain_table(root: str | Path, size: int, *, progress: bool = False) -> tuple[ImageTable, np.ndarray, np.ndarray]:
    """Load the FLAIR slices of a UCSF-PDGM download as a table of images, with their pictures and masks.

    A row is a slice, and its case is the exam. The pictures come with the table: the masks join some labels of a
    segmentation, which a table of images does not name.

    Parameters
    ----------
    root : str or Path
    size : int
        Side in pixels.
    progress : bool

    Returns
    -------
    table : ImageTable
        Groups ``sex, age_group``; labels ``grade4, glioblastoma``.
    images : float32 ndarray of shape (n, 1, size, size)
        0 to 1.
    masks : uint8 ndarray of shape (n, 1, size, size)
        0 or 1.

    Raises
    ------
    InputError
        As in `load_ucsf_pdgm` and `load_flair_slices`.
    """
    cases, dropped = load_ucsf_pdgm(root)
    slices, images, masks = load_flair_slices(cases, size, progress=progress)
    files = cases.set_index("exam")[["flair", "segmentation"]].rename(columns={"flair": "file", "segmentation": "mask"})
    rows = slices.join(files, on="exam").rename(columns={"exam": "case"})
    table = converted(rows, groups=["sex", "age_group"], labels=["grade4", "glioblastoma"], dropped=dropped)
    return table, images, masks
