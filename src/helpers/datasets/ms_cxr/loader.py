"""Loader of MS-CXR, real or simulated: phrases of reports with the boxes that radiologists drew for them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.datasets.ms_cxr import layout
from helpers.datasets.shared.files import Notes, find, read_csv, refuse_first
from helpers.datasets.shared.grounded import Grounded, merged
from helpers.datasets.shared.splits import part_of
from helpers.errors import InputError

_FIX = "Correct the cell, or take the table again"


def load_ms_cxr(root: str | Path) -> Grounded:
    """Load the phrases and boxes of MS-CXR.

    The table has a row for each box, here merged by picture, category and text. Boxes are rescaled to the square in the
    centre of an image, so that images of another release, which are narrower, can be used.

    Parameters
    ----------
    root : str or Path
        Folder of the table, with the folder ``files`` of MIMIC-CXR-JPG, and maybe MIMIC-IV's table of patients.

    Returns
    -------
    Grounded
        Paths of files that are absent are kept: look by `helpers.datasets.check_pictures`.

    Raises
    ------
    InputError
        The table is missing, lacks a column, or a cell is empty, unknown or no number; a box has no area or leaves its
        image; or every box is lost by the crop.
    """
    folder = Path(root).expanduser()
    path = next((place for name in layout.TABLES if (place := find(folder, name)) is not None), None)
    if path is None:
        raise InputError(folder, f"there is no {layout.TABLES[0]}", "Give the folder of the download")
    table = read_csv(path)
    table.index = table.index + 2
    if absent := [name for name in layout.COLUMNS if name not in table]:
        raise InputError(f"{path.name}, column {absent[0]}", "there is no such column", "Give the published table")
    if table.empty:
        raise InputError(path, "has a header and no rows", "Give the published table")
    notes: Notes = []
    rows = pd.DataFrame({"picture": table[layout.PICTURE], "category": _category(table, path)})
    rows["text"] = _present(table, layout.TEXT, path).str.strip()
    places = table[layout.PATH].str.extract(f"^{layout.PLACE}$")[0]
    expected = "a path such as files/p10/p10000000/s50000000/name.jpg"
    refuse_first(places.isna(), table[layout.PATH], path, layout.PATH, expected, _FIX)
    rows["patient"] = places
    rows["file"] = [str(folder / place[place.index("files/") :]) for place in table[layout.PATH]]
    rows["split"] = _split(table, path, notes)
    rows["sex"] = _sex(folder, places, notes)
    names = (*("x", "y", "width", "height"), *layout.SIZE)
    for name, column in zip(names, (*layout.BOX, *layout.SIZE), strict=True):
        rows[name] = pd.to_numeric(_present(table, column, path), errors="coerce")
        refuse_first(rows[name].isna(), table[column], path, column, "a number of pixels", _FIX)
    return merged(rows, path, notes)


def _present(table: pd.DataFrame, column: str, path: Path) -> pd.Series:
    refuse_first(table[column].isna(), table[column], path, column, "a value", _FIX)
    return table[column]


def _category(table: pd.DataFrame, path: Path) -> pd.Series:
    known = table[layout.CATEGORY].isin(layout.CATEGORIES)
    expected = f"one of {', '.join(layout.CATEGORIES)}"
    refuse_first(~known, table[layout.CATEGORY], path, layout.CATEGORY, expected, _FIX)
    return table[layout.CATEGORY]


def _split(table: pd.DataFrame, path: Path, notes: Notes) -> pd.Series:
    if layout.SPLIT not in table:
        notes.append((path.name, "no column split: all test, and a network may have been trained on them", len(table)))
        return pd.Series("test", index=table.index)
    parts = table[layout.SPLIT].fillna("").map(part_of)
    refuse_first(parts.isna(), table[layout.SPLIT], path, layout.SPLIT, "train, val or test", _FIX)
    return parts


def _sex(folder: Path, patients: pd.Series, notes: Notes) -> pd.Series:
    """Read sex from MIMIC-IV's patients, in the folder; missing without that table."""
    path = next((place for name in layout.PATIENTS if (place := find(folder, name)) is not None), None)
    if path is None:
        notes.append((layout.PATIENTS[0], "no such file: sex missing", patients.nunique()))
        return pd.Series(None, index=patients.index, dtype="str")
    sheet = read_csv(path)
    if absent := [name for name in (layout.PATIENT, layout.SEX) if name not in sheet]:
        raise InputError(f"{path.name}, column {absent[0]}", "there is no such column", "Give MIMIC-IV's table")
    sheet = sheet.drop_duplicates(layout.PATIENT)
    known = sheet.set_index("p" + sheet[layout.PATIENT].str.strip())[layout.SEX]
    sex = patients.map(known.where(known.isin(layout.SEXES))).astype("str")
    notes.append((path.name, "patient without a sex", int(patients[sex.isna()].nunique())))
    return sex
