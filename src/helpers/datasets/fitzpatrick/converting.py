"""Conversion of a Fitzpatrick17k download, real or simulated, to a table of images."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.datasets.fitzpatrick import layout
from helpers.datasets.fitzpatrick.duplicates import load_clusters
from helpers.datasets.fitzpatrick.loader import load_fitzpatrick17k
from helpers.datasets.image_table.loading import ImageTable, converted
from helpers.errors import InputError


def skin_table(root: str | Path, *, progress: bool = False, **options: object) -> ImageTable:
    """Load the images of light and dark skin in a Fitzpatrick17k download as a table, with its classes as labels.

    `progress` shows a bar while pictures are decoded. For the options see `skin_cases_table`.

    Raises
    ------
    InputError
        As in `load_fitzpatrick17k` and `skin_cases_table`.
    """
    return skin_cases_table(*load_fitzpatrick17k(root, progress=progress), **options)


def skin_cases_table(
    cases: pd.DataFrame, dropped: pd.DataFrame, *, duplicates: str = "", conditions: bool = False
) -> ImageTable:
    """Convert loaded cases of Fitzpatrick17k to a table of the images of light and dark skin.

    The data set names no patient. Near-duplicates count as one patient, and every other image as another.

    Parameters
    ----------
    cases, dropped : DataFrame
        From `load_fitzpatrick17k`, with the images' files.
    duplicates : str
        CSV file of near-duplicates, see `load_clusters`; empty if none are known.
    conditions : bool
        Add a label ``condition=<name>`` for each of the finest conditions.

    Raises
    ------
    InputError
        As in `load_clusters`, or there is no image of light or dark skin.
    """
    grouped = cases["group"].notna()
    rows = cases[grouped].reset_index(drop=True)
    if rows.empty:
        fix = "Give a table with skin types 1, 2, 5 or 6"
        raise InputError("Fitzpatrick17k", "there is no image of light or dark skin", fix)
    found = {name: (rows["three"] == name) | (rows["nine"] == name) for name in _names(rows[["three", "nine"]])}
    if conditions:
        known = rows["label"].notna()
        found |= {f"condition={name}": (rows["label"] == name).where(known) for name in _names(rows[["label"]])}
    labels = pd.DataFrame(found, index=rows.index)
    clusters = load_clusters(duplicates) if duplicates else {}
    images = {
        "case": rows["md5hash"],
        "file": rows["file"],
        "group": rows["group"].cat.set_categories(layout.GROUP_NAMES),
    }
    images["patient_id"] = [clusters.get(name, name) for name in rows["md5hash"]]
    if left := int((~grouped).sum()):
        row = {"table": "images", "reason": "skin type 3, 4 or unknown", "n": left}
        dropped = pd.concat([dropped, pd.DataFrame([row])], ignore_index=True)
    found = pd.DataFrame(images).join(labels)
    return converted(found, groups=["group"], labels=list(labels), dropped=dropped, has_patients=bool(clusters))


def _names(columns: pd.DataFrame) -> list[str]:
    return sorted(set(columns.melt()["value"].dropna()))
