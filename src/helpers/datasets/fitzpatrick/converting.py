"""Conversion of a Fitzpatrick17k download, real or simulated, to a table of images."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.datasets.fitzpatrick.loader import load_fitzpatrick17k
from helpers.datasets.image_table.loading import ImageTable, converted
from helpers.errors import InputError


def skin_table(root: str | Path, *, progress: bool = False) -> ImageTable:
    """Load the images of light and dark skin in a Fitzpatrick17k download as a table, with its classes as labels.

    The data set names no patient, so every image counts as one. `progress` shows a bar while pictures are decoded.

    Raises
    ------
    InputError
        As in `load_fitzpatrick17k`, or there is no image of light or dark skin.
    """
    cases, dropped = load_fitzpatrick17k(root, progress=progress)
    there = cases["file"].notna() & cases["group"].notna()
    left = {"image missing": cases["file"].isna().sum(), "skin type 3, 4 or unknown": cases["group"].isna().sum()}
    more = pd.DataFrame([{"table": "images", "reason": reason, "n": int(n)} for reason, n in left.items() if n])
    rows = cases[there].rename(columns={"md5hash": "case"}).reset_index(drop=True)
    if rows.empty:
        raise InputError(root, "there is no image of light or dark skin", "Download the images as well as the table")
    classes = sorted({*rows["three"].dropna(), *rows["nine"].dropna()})
    named = {name: ((rows["three"] == name) | (rows["nine"] == name)).astype(float) for name in classes}
    rows = rows.drop(columns=[*named, "label"], errors="ignore").assign(patient_id=rows["case"], **named)
    rows["group"] = rows["group"].astype(str)
    dropped = pd.concat([dropped, more], ignore_index=True)
    return converted(rows, groups=["group"], labels=classes, dropped=dropped, has_patients=False)
