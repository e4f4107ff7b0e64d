"""Find and read files of a data set, whatever the case of their names; what cannot be read is an `InputError`."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from helpers.errors import InputError

Notes = list[tuple[str, str, int]]


def find(root: str | Path, *parts: str) -> Path | None:
    """Path below `root` whose parts equal `parts` but for case; None where there is none."""
    path = Path(root)
    for part in parts:
        if not path.is_dir():
            return None
        exact = path / part
        matches = [exact] if exact.exists() else [p for p in sorted(path.iterdir()) if p.name.lower() == part.lower()]
        if not matches:
            return None
        path = matches[0]
    return path


def one_line(error: object) -> str:
    """Message of another library's error on one line, without its final full stop."""
    return re.sub(r"\s+", " ", str(error)).strip().rstrip(".")[:160] or type(error).__name__


def read_csv(path: Path, source: object = None, *, rows: int | None = None) -> pd.DataFrame:
    """Table of strings (missing where blank) from a CSV file or an open `source` named by `path`."""
    try:
        frame = pd.read_csv(path if source is None else source, dtype=str, nrows=rows, skipinitialspace=True)
    except pd.errors.EmptyDataError as error:
        raise InputError(path, "the file is empty", "Give a CSV file with a header and rows") from error
    except (OSError, UnicodeError, ValueError) as error:
        raise InputError(path, f"cannot be read as CSV ({one_line(error)})", "Give a CSV file in UTF-8") from error
    if not isinstance(frame.index, pd.RangeIndex):
        raise InputError(path, "rows have more fields than the header", "Give one header name for each field")
    frame.columns = [" ".join(str(name).split()) for name in frame.columns]
    return frame


def read_sheet(path: Path, sheet: str) -> pd.DataFrame:
    """Sheet of an xlsx file with its values as they stand; the index is the row number in the spreadsheet."""
    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            names = {str(name).strip().lower(): name for name in book.sheet_names}
            found = names.get(sheet.lower())
            frame = None if found is None else pd.read_excel(book, sheet_name=found, dtype=object)
    except Exception as error:
        # openpyxl has no error of its own: what a broken file raises depends on where it is broken.
        problem = f"cannot be read as an xlsx spreadsheet ({one_line(error)})"
        raise InputError(path, problem, "Download the file again") from error
    if frame is None:
        listed = ", ".join(map(str, names.values()))
        raise InputError(path, f"has no sheet '{sheet}'; it has {listed}", f"Name the patients' sheet '{sheet}'")
    frame.columns = [" ".join(str(name).split()).lower() for name in frame.columns]
    frame.index = frame.index + 2
    return frame.dropna(how="all")


def patient_ids(names: pd.Series) -> pd.Series:
    """Ids in one spelling: no folder, no image suffix, no blanks at the ends, upper case; missing stays missing."""
    names = names.astype("str").str.strip().str.replace(r"^.*[\\/]", "", regex=True)
    return names.str.replace(r"\.nii(\.gz)?$", "", regex=True, case=False).str.upper()


def at(path: Path | str, row: object, column: str) -> str:
    """Name of a cell: file, row and column."""
    return f"{Path(path).name}, row {row}, column {column}"


def refuse_first(bad: pd.Series, values: pd.Series, path: Path | str, column: str, expected: str, fix: str) -> None:
    """Raise for the first True in `bad`, whose index holds row numbers."""
    if bad.any():
        row = bad.index[bad.to_numpy()][0]
        value = values.loc[row]
        shown = "is empty" if pd.isna(value) else f"holds {str(value)[:60]!r}"
        raise InputError(at(path, row, column), f"{shown}, expected {expected}", fix)


def dropped_frame(notes: Notes) -> pd.DataFrame:
    """Notes as the frame ``table, reason, n``: those of one table and reason added up, those of nothing gone."""
    frame = pd.DataFrame([note for note in notes if note[2]], columns=["table", "reason", "n"])
    frame = frame.groupby(["table", "reason"], sort=False, as_index=False).sum()
    return frame.astype({"table": "str", "reason": "str", "n": "int64"})
