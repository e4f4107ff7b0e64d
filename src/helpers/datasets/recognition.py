"""Recognition of the published data sets by the size and a checksum of their tables."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from helpers.datasets.chexpert import layout as chexpert
from helpers.datasets.fitzpatrick import layout as fitzpatrick
from helpers.datasets.mama_mia import layout as mama_mia
from helpers.datasets.shared.files import find, read_csv, read_sheet
from helpers.datasets.ucsf_pdgm import layout as ucsf_pdgm
from helpers.errors import check_choice


class _Table(NamedTuple):
    """The table of a published data set: its places below the root, published columns, and what is known of them.

    n : number of different values of the first column
    checksum : of the columns; empty where the published table could not be read
    exam : pattern of the end that distinguishes the exams of a patient, which are counted once
    """

    places: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...]
    n: int
    checksum: str = ""
    exam: str = ""


_TABLES = {
    "mama-mia": _Table(
        ((mama_mia.SPREADSHEET,),), ("patient_id", "dataset", "age", "ethnicity"), 1_506, "5d7af2972c9d1c23"
    ),
    "fitzpatrick17k": _Table(
        ((fitzpatrick.TABLE,),),
        ("md5hash", "fitzpatrick_scale", "label", "nine_partition_label", "three_partition_label"),
        16_577,
        "3c0893a49b87e7f0",
    ),
    "ucsf-pdgm": _Table(((ucsf_pdgm.TABLE,), (ucsf_pdgm.IMAGES, ucsf_pdgm.TABLE)), ("ID",), 495, exam=r"_FU\d+d$"),
    "chexpert": _Table(
        ((chexpert.TRAIN,), *((folder, chexpert.TRAIN) for folder in chexpert.FOLDERS)), (chexpert.PATH,), 223_414
    ),
}


def is_published(place: str | Path, data: str, *, cases: int | None = None) -> bool:
    """Return True if a folder holds the table of a published data set, and not other data in the same layout.

    The table of MAMA-MIA or Fitzpatrick17k is recognised by its rows and a checksum of the columns that the papers
    used. The tables of UCSF-PDGM and CheXpert cannot be read here, so they are recognised by their size alone: 495
    patients, and 223,414 rows of ``train.csv``.

    Parameters
    ----------
    place : str or Path
        Folder of the data set, or its table.
    data : {"mama-mia", "fitzpatrick17k", "ucsf-pdgm", "chexpert"}
    cases : int, optional
        Number of cases that are used. If it is smaller than the data set, a part is used: other data than the paper's.

    Raises
    ------
    InputError
        There is no such data set, or the table cannot be read.
    """
    check_choice("data", data, tuple(_TABLES))
    known, root = _TABLES[data], Path(place).expanduser()
    found = [root] if root.is_file() else [file for parts in known.places if (file := find(root, *parts)) is not None]
    if not found or (cases is not None and cases != known.n):
        return False
    table = read_sheet(found[0], mama_mia.SHEET) if found[0].suffix.lower() == ".xlsx" else read_csv(found[0])
    if not set(known.columns) <= set(table):
        return False
    table = table[list(known.columns)].apply(lambda column: column.map(_text))
    keys = table.iloc[:, 0].str.replace(known.exam, "", regex=True) if known.exam else table.iloc[:, 0]
    return keys.nunique() == known.n and known.checksum in ("", _checksum(table))


def _text(cell: object) -> str:
    """Return a cell as text, equal for a whole number that a file stores as an integer or as a float."""
    if pd.isna(cell):
        return ""
    return f"{cell:g}" if isinstance(cell, float) else str(cell).strip()


def _checksum(table: pd.DataFrame) -> str:
    """Hash the rows of a table of texts, in any order."""
    lines = sorted("\t".join(row) for row in table.itertuples(index=False))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
