"""Conversion of a CheXpert download, real or simulated, to a table of images."""

from __future__ import annotations

from pathlib import Path

from helpers.datasets.chexpert.loader import FINDINGS, load_chexpert
from helpers.datasets.image_table.loading import ImageTable, converted


def chest_table(root: str | Path, *, progress: bool = False) -> ImageTable:
    """Load a CheXpert download as a table of images, with the twelve findings as labels.

    Age and sex are those of a patient's first image. `progress` has no effect: no picture is read.

    Raises
    ------
    InputError
        As in `load_chexpert`.
    """
    cases, dropped = load_chexpert(root)
    first = ["sex", "age", "age_group"]
    cases[first] = cases.groupby("patient_id")[first].transform("first")
    rows = cases.rename(columns={"image": "case"})
    return converted(rows, groups=["sex", "age_group", "race"], labels=list(FINDINGS), dropped=dropped)
