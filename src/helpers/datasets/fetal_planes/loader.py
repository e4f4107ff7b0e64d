"""Loader of a FETAL_PLANES_DB download, real or simulated, as one documented data frame.

The data set is that of Burgos-Artizzu et al., Scientific Reports 10:10200 (2020), Zenodo 3904280.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.datasets.fetal_planes import layout
from helpers.datasets.fetal_planes.pictures import with_pictures
from helpers.datasets.shared.files import Notes, dropped_frame, find, read_csv, refuse_first
from helpers.errors import InputError

_CORRECT = "Correct the cell, or download the table again"
_NAME = r"patient(?P<patient>\d+)_plane(?P<digit>\d)_\d+_of_\d+"


def load_fetal_planes(
    root: str | Path, *, images: bool = True, workers: int = 1, progress: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Load the cases of a FETAL_PLANES_DB download, one row for each image.

    Parameters
    ----------
    root : str or Path
        Folder that holds ``FETAL_PLANES_DB_data.csv``, or the path of such a table. Images are in the folder
        ``Images`` next to it, or anywhere below.
    images : bool
        Look for the images and decode each one. With False, only the table is needed.
    workers : int
        Number of processes that decode images.
    progress : bool
        Show a progress bar.

    Returns
    -------
    cases : pandas.DataFrame
        ``image`` (name in the table); ``patient``; ``plane``, ``brain_plane``, ``operator`` and ``machine`` by the
        names of `helpers.datasets.fetal_planes.layout`, in which the four meanings of ``Other`` have four names, and
        ``brain_plane`` is missing outside the brain; ``country`` (missing); ``part`` (``train`` or ``test``); ``file``
        and ``digest`` (MD5 of the file's bytes), both missing without images.
    dropped : pandas.DataFrame
        ``table, reason, n``: counts of rows that were left out or are odd. A row without a file that can be decoded to
        8 bits is left out. Files with the bytes of another row's file are kept and counted, and so are those among
        them that differ in plane or in patient; ``cases["digest"].duplicated()`` marks them.

    Raises
    ------
    InputError
        There is no table or no image, the table has commas or lacks a column, a cell holds an unknown value, an image
        is named twice, or a patient is in both parts. The error names file, row and column.
    """
    path = find_table(Path(root).expanduser(), layout.TABLE)
    table = read_table(path, layout.COLUMNS, sep=";")
    notes: Notes = []
    cases = _cases(table, path, notes)
    refuse_split_patients(cases, path, layout.COLUMNS[-1].strip())
    if images:
        cases = with_pictures(cases, path.parent, notes, workers=workers, progress=progress)
    return cases.reset_index(drop=True), dropped_frame(notes)


def find_table(root: Path, name: str) -> Path:
    path = find(root, name) if root.is_dir() else root
    if path is None or not path.is_file():
        problem = f"there is no {name}" if root.is_dir() else "there is no such file or folder"
        raise InputError(root, problem, "Give the folder of the download, or its table")
    return path


def read_table(path: Path, columns: tuple[str, ...], *, sep: str) -> pd.DataFrame:
    """Read a table as strings with rows as in the file; headers may have blanks around them and any case."""
    table = read_csv(path, sep=sep)
    if len(table.columns) == 1:
        problem = f"the header is not separated by {'semicolons' if sep == ';' else 'commas'}"
        raise InputError(path, problem, "Give the table as it was downloaded, not as a spreadsheet saved it")
    table.index = table.index + 2
    named = {column.strip().lower(): column.strip() for column in columns}
    table.columns = [named.get(name.lower(), name) for name in table.columns]
    for column in named.values():
        if column not in table:
            raise InputError(f"{path.name}, column {column}", "there is no such column", "Give the table as downloaded")
    if table.empty:
        raise InputError(path, "has a header and no rows", "Give the table of the download")
    return table.apply(lambda column: column.str.strip())


def _cases(table: pd.DataFrame, path: Path, notes: Notes) -> pd.DataFrame:
    cases = {"image": named_once(table["Image_name"], path), "patient": numbered(table, path)}
    for factor, values in layout.FACTORS.items():
        cases[factor] = coded(table[layout.HEADERS[factor]], values, path)
    cases["part"] = coded(table["Train"], layout.PARTS, path)
    frame = pd.DataFrame(cases, index=table.index).reindex(columns=list(layout.CASE_COLUMNS)).astype("str")
    brain = frame["plane"] == "brain"
    odd = {
        "a brain without a brain plane: kept": brain & frame["brain_plane"].isna(),
        "a brain plane, but no brain: kept": ~brain & frame["brain_plane"].notna(),
    }
    name = frame["image"].str.lower().str.extract(_NAME)
    known = name["digit"].notna()
    odd["file name has the class digit of another plane: kept"] = known & (
        pd.to_numeric(name["digit"]) != frame["plane"].map(layout.DIGITS)
    )
    odd["file name has another patient: kept"] = known & (
        pd.to_numeric(name["patient"]) != pd.to_numeric(frame["patient"])
    )
    notes += [(path.name, reason, int(rows.sum())) for reason, rows in odd.items()]
    return frame


def named_once(names: pd.Series, path: Path) -> pd.Series:
    """Return names of images; refuse an empty one, and one that two rows have."""
    refuse_first(names.isna(), names, path, str(names.name), "the name of an image", _CORRECT)
    refuse_first(names.duplicated(), names, path, str(names.name), "a name that no other row has", _CORRECT)
    return names


def numbered(table: pd.DataFrame, path: Path) -> pd.Series:
    """Return numbers of patients as text; refuse what is not a whole number."""
    given = table["Patient_num"]
    refuse_first(~given.str.fullmatch(r"\d+(\.0)?", na=False), given, path, "Patient_num", "a whole number", _CORRECT)
    return given.str.removesuffix(".0").astype(int).astype("str")


def coded(column: pd.Series, values: dict[str, str | None], path: Path) -> pd.Series:
    """Recode the values of a column, given in any case; refuse an unknown one."""
    known = {value.casefold(): name for value, name in values.items()}
    found = column.str.casefold()
    refuse_first(~found.isin(list(known)), column, path, str(column.name), " or ".join(values), _CORRECT)
    return found.map(known).astype("str")


def refuse_split_patients(cases: pd.DataFrame, path: Path, column: str) -> None:
    """Refuse a patient with images in both parts; the row is named, and the patient is not."""
    first = cases.groupby("patient")["part"].transform("first")
    refuse_first(cases["part"] != first, cases["part"], path, column, "one part for each patient", "Correct the parts")
