"""Loader of the NIH label tables, real or simulated, with the panel's reading next to the labels mined from reports.

The mined labels are those of Wang et al., CVPR 2017, in the release of 2020; the panel's are those of Majkowska et al.,
Radiology 294:421 (2020).
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import paths
from helpers.datasets.nih_labels import layout
from helpers.datasets.shared.files import find, one_line, read_csv, refuse_first
from helpers.errors import InputError, check_choice

_CORRECT = "Correct the cell, or take the tables again by 'make real-labels'"


class NihLabels(NamedTuple):
    """Tables of the NIH labels.

    images : DataFrame
        One row an image: ``image, patient, age`` (years in the release of 2020; missing above 110), ``sex`` (F, M),
        ``view`` (AP, PA), and 0 or 1 for each of the fourteen mined findings and ``no_finding``.
    panel : DataFrame
        One row an image that the panel read: ``image, part`` (val, test), ``age_2019`` (years in the release of 2019;
        missing above 110), and 0 or 1 for ``pneumothorax, nodule_or_mass, airspace_opacity, fracture``.
    boxes : DataFrame
        One row a box: ``image, finding, x, y, width, height``, in pixels of an image of 1,024 x 1,024.
    ages_unknown : int
        Number of ages above 110, in both tables together.
    """

    images: pd.DataFrame
    panel: pd.DataFrame
    boxes: pd.DataFrame
    ages_unknown: int


def load_nih_labels(root: str | Path = "") -> NihLabels:
    """Load the three NIH label tables.

    Parameters
    ----------
    root : str or Path
        Folder of the tables. If empty, it is the one that ``make real-labels`` fills, the project's
        ``data/nih_labels``.

    Raises
    ------
    InputError
        A table is missing or damaged, lacks a column, or has no rows; a cell is empty or holds an unknown label, sex,
        view, part or age; an image has two rows; an image of the panel or a box is not in the NIH table; a patient has
        two sexes; or a box is outside the image. The error names file, row and column.
    """
    folder = Path(root).expanduser() if root else paths.data() / layout.FOLDER
    return checked(*(_read(folder, name) for name in layout.TABLES))


def panel_table(tables: NihLabels, mapping: str = "primary") -> pd.DataFrame:
    """Join the panel's reading of each image with the labels mined for it.

    Parameters
    ----------
    tables : NihLabels
    mapping : {"primary", "narrow", "narrow or infiltration"}
        Mined findings that count as one of the panel, see `NIH_MAPPING`.

    Returns
    -------
    DataFrame
        One row an image that the panel read: ``image, patient, sex, age, age_2019, view, part``, then
        ``<finding>_mined`` and ``<finding>_panel``, 0 or 1, for pneumothorax, nodule or mass, and airspace opacity.

    Raises
    ------
    InputError
        There is no such mapping.
    """
    check_choice("mapping", mapping, tuple(layout.MAPPING))
    rows = tables.panel.merge(tables.images, on="image", suffixes=("_panel", ""), validate="1:1")
    table = rows[["image", "patient", "sex", "age", "age_2019", "view", "part"]].copy()
    for finding, mined in layout.MAPPING[mapping].items():
        table[f"{finding}_mined"] = rows[list(mined)].max(axis=1)
        table[f"{finding}_panel"] = rows[f"{finding}_panel" if finding in tables.images else finding]
    return table


def checked(entries: pd.DataFrame, panel: pd.DataFrame, boxes: pd.DataFrame) -> NihLabels:
    """Check three tables in the published layout and convert them; errors as in `load_nih_labels`."""
    images, old = _images(_table(entries, layout.ENTRIES, layout.ENTRY_COLUMNS[:7]))
    read, old_too = _panel(panel, images)
    return NihLabels(images, read, _boxes(boxes, images), old + old_too)


def _read(folder: Path, name: str) -> pd.DataFrame:
    path = find(folder, name)
    if path is None or not path.is_file():
        fix = "Take the tables by 'make real-labels', or without make by 'python -m helpers.datasets.nih_labels'"
        raise InputError(folder, f"there is no {name}", fix)
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        fix = "Delete the file and take it again by 'make real-labels'"
        raise InputError(path, f"cannot be read as a gzip file ({one_line(error)})", fix) from error
    return read_csv(path, io.BytesIO(content))


def _table(table: pd.DataFrame, name: str, columns: Collection[str]) -> pd.DataFrame:
    """Return a table's columns with row numbers as its index; refuse a missing column and an empty cell or table."""
    if absent := [column for column in columns if column not in table]:
        raise InputError(f"{name}, column {absent[0]}", "there is no such column", "Give the published table")
    if table.empty:
        raise InputError(name, "has a header and no rows", "Give the published table")
    table = table[list(columns)].set_axis(table.index + 2)
    for column in columns:
        refuse_first(table[column].isna(), table[column], name, column, "a value", _CORRECT)
    return table


def _images(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    name = layout.ENTRIES
    _once(table, name)
    number = pd.to_numeric(table[layout.PATIENT], errors="coerce")
    whole = (number >= 0) & (number % 1 == 0)
    refuse_first(~whole, table[layout.PATIENT], name, layout.PATIENT, "a patient's number", _CORRECT)
    age, old = _ages(table, name)
    sex, view = (_one_of(table, name, *pair) for pair in ((layout.SEX, layout.SEXES), (layout.VIEW, layout.VIEWS)))
    columns = {"image": table[layout.IMAGE], "patient": number.astype("int64"), "age": age, "sex": sex, "view": view}
    images = pd.DataFrame(columns).join(_findings(table, name))
    first = images.groupby("patient")["sex"].transform("first")
    fix = "Give a patient one number and one sex"
    refuse_first(sex != first, sex, name, layout.SEX, "the sex of this patient's first row", fix)
    return images.reset_index(drop=True), old


def _findings(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Convert labels separated by bars to columns of 0 and 1."""
    cells = table[layout.LABELS]
    codes, kinds = pd.factorize(cells)
    parts = [set(kind.split("|")) for kind in kinds]
    wrong = [not part <= set(layout.FINDINGS) or (layout.NO_FINDING in part and len(part) > 1) for part in parts]
    expected = f"labels of NIH separated by '|', or '{layout.NO_FINDING}' alone"
    bad = pd.Series(np.array(wrong)[codes], index=cells.index)
    refuse_first(bad, cells, name, layout.LABELS, expected, _CORRECT)
    held = np.array([[label in part for label in layout.FINDINGS] for part in parts], dtype="int64")
    return pd.DataFrame(held[codes], index=cells.index, columns=list(layout.FINDINGS.values()))


def _panel(panel: pd.DataFrame, images: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    name = layout.PANEL
    columns = (layout.IMAGE, layout.PATIENT, layout.AGE, *layout.PANEL_FINDINGS, layout.PART)
    table = _table(panel, name, columns)
    _once(table, name)
    patient = images["patient"].to_numpy()[_rows(table, name, images)]
    other = pd.to_numeric(table[layout.PATIENT], errors="coerce") != patient
    refuse_first(other, table[layout.PATIENT], name, layout.PATIENT, "the patient of the NIH table", _CORRECT)
    age, old = _ages(table, name)
    read = pd.DataFrame({"image": table[layout.IMAGE], "part": _one_of(table, name, layout.PART, layout.PARTS)})
    read["age_2019"] = age
    for column, finding in layout.PANEL_FINDINGS.items():
        read[finding] = (_one_of(table, name, column, ("NO", "YES")) == "YES").astype("int64")
    return read.reset_index(drop=True), old


def _boxes(boxes: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    name = layout.BOXES
    table = _table(boxes, name, layout.BOX_COLUMNS)
    _rows(table, name, images)
    finding = _one_of(table, name, "Finding Label", tuple(layout.BOX_FINDINGS)).map(layout.BOX_FINDINGS)
    sides = table[list(layout.BOX_COLUMNS[2:])].apply(pd.to_numeric, errors="coerce")
    x, y, width, height = (sides[column] for column in sides)
    good = (x >= 0) & (y >= 0) & (width > 0) & (height > 0)
    good &= (x + width <= layout.SIDE) & (y + height <= layout.SIDE)
    first, *others = (table[column].astype(str) for column in sides)
    expected = f"x, y, width and height of a box within an image of {layout.SIDE} pixels"
    refuse_first(~good, first.str.cat(others, sep=", "), name, "Bbox [x,y,w,h]", expected, _CORRECT)
    columns = {"image": table[layout.IMAGE], "finding": finding, "x": x, "y": y, "width": width, "height": height}
    return pd.DataFrame(columns).reset_index(drop=True)


def _once(table: pd.DataFrame, name: str) -> None:
    image = table[layout.IMAGE]
    refuse_first(image.duplicated(), image, name, layout.IMAGE, "each image once", "Keep one row each")


def _rows(table: pd.DataFrame, name: str, images: pd.DataFrame) -> np.ndarray:
    """Find the row of each image in the NIH table; refuse an image that it lacks."""
    image, fix = table[layout.IMAGE], "Give tables of one release, or leave the row out"
    rows = pd.Index(images["image"].astype(object)).get_indexer(image.astype(object))
    refuse_first(pd.Series(rows < 0, image.index), image, name, layout.IMAGE, f"an image of {layout.ENTRIES}", fix)
    return rows


def _one_of(table: pd.DataFrame, name: str, column: str, choices: tuple[str, ...]) -> pd.Series:
    cells, listed = table[column], f"{', '.join(choices[:-1])} or {choices[-1]}"
    refuse_first(~cells.isin(choices), cells, name, column, listed, _CORRECT)
    return cells


def _ages(table: pd.DataFrame, name: str) -> tuple[pd.Series, int]:
    """Return ages in years, missing above `layout.OLDEST`, and how many are."""
    age = pd.to_numeric(table[layout.AGE], errors="coerce")
    bad = ~((age >= 0) & (age % 1 == 0))
    refuse_first(bad, table[layout.AGE], name, layout.AGE, "an age in whole years", _CORRECT)
    old = age > layout.OLDEST
    return age.astype(float).mask(old), int(old.sum())
