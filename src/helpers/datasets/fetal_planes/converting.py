"""Conversion of a FETAL_PLANES_DB download to a table of images, and recognition of the published table."""

from __future__ import annotations

from pathlib import Path

from helpers.datasets.fetal_planes.loader import load_fetal_planes
from helpers.datasets.image_table.loading import ImageTable, converted

# Of the published table: images, patients, and images of each machine.
PUBLISHED = (12_400, 1_792, {"Voluson E6": 5_862, "Aloka": 5_114, "Voluson S10": 1_082, "other machines": 342})


def fetal_table(root: str | Path, *, images: bool = True) -> ImageTable:
    """Load a FETAL_PLANES_DB download as a table of images, with its planes as labels.

    Parameters
    ----------
    root : str or Path
    images : bool
        Look for the images, as in `load_fetal_planes`.

    Returns
    -------
    ImageTable
        Groups are operator and machine, and there is a label for each plane.

    Raises
    ------
    InputError
        As in `load_fetal_planes`.
    """
    cases, dropped = load_fetal_planes(root, images=images, progress=False)
    planes = sorted(cases["plane"].unique())
    rows = cases.rename(columns={"image": "case", "patient": "patient_id"})
    rows = rows.assign(site=rows["machine"], **{name: (cases["plane"] == name).astype(float) for name in planes})
    return converted(rows, groups=["operator", "machine"], labels=planes, dropped=dropped)


def is_fetal_release(root: str | Path) -> bool:
    """Return True if a folder holds the published table, by its numbers of images, patients and images by machine."""
    cases, _ = load_fetal_planes(root, images=False)
    counts = cases["machine"].value_counts()
    return (len(cases), cases["patient"].nunique(), counts.to_dict()) == PUBLISHED
