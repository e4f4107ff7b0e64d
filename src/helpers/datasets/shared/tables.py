"""Reader of any table that a user brings: CSV with commas, semicolons or tabs, Excel, Parquet or Feather."""

from __future__ import annotations

import csv
import difflib
import io
import re
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.shared.files import at, one_line
from helpers.errors import InputError

# Missing values in a column of numbers. In a column of groups they are names like any other, such as disease "None".
NO_NUMBER = ("NA", "N/A", "n/a", "NaN", "nan", "None", "NULL", "null", "#N/A", "<NA>")
# File endings of tables that are not text, and the format of each.
_BINARY = {".xlsx": "excel", ".xlsm": "excel", ".parquet": "parquet", ".pq": "parquet", ".feather": "feather"}
SUFFIXES = (".csv", ".tsv", ".txt", *_BINARY)
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")


def read_table(file: str | Path, parameter: str) -> tuple[pd.DataFrame, list[str]]:
    """Read a table as strings (a blank cell is missing), with notes in words about what had to be assumed.

    Parameters
    ----------
    file : str or Path
        CSV in UTF-8 (with or without a byte-order mark), in UTF-16 with a byte-order mark, or in Windows-1252, with the
        separator (comma, semicolon or tab) that is most frequent in the header; the first sheet of an Excel file
        (.xlsx); or a Parquet or Feather file.
    parameter : str
        Name of the parameter that names the file, for messages.

    Returns
    -------
    frame : DataFrame of str
        The index is the row number in a spreadsheet; the header is row 1.
    notes : list of str

    Raises
    ------
    InputError
        The file does not exist, cannot be read or is empty, or two columns have the same name.
    """
    path = Path(file).expanduser()
    if not path.is_file():
        problem = "is a folder, not a file" if path.is_dir() else "there is no such file"
        fix = "Give a CSV, .xlsx, .parquet or .feather file; a relative name is looked for from here or DATA_ROOT"
        raise InputError(f"{parameter} = {path}", problem, fix)
    kind = _BINARY.get(path.suffix.lower())
    frame, notes = (_typed(path, kind), []) if kind else _csv(path, parameter)
    frame.columns = [_tidy(name) for name in frame.columns]
    twice = sorted(frame.columns[frame.columns.duplicated() & (frame.columns != "")])
    if twice:
        raise InputError(path.name, f"two columns are called {twice[0]!r}", "Give each column a different name")
    for name in frame.columns:
        frame[name] = frame[name].map(_tidy, na_action="ignore").astype("str").replace("", pd.NA)
    frame.index = frame.index + 2
    frame = frame.dropna(how="all")
    if frame.empty:
        raise InputError(path.name, "it has a header and no rows", "Write one row a case")
    return frame, notes


def _typed(path: Path, kind: str) -> pd.DataFrame:
    """Read a file whose cells have types, and write each cell as text; a whole number gets no decimal point."""
    try:
        if kind == "excel":
            # Without a header: pandas would rename the second of two equal names.
            look = {"keep_default_na": False, "na_values": [""]}  # a cell "None" is a value, as in CSV
            cells = pd.read_excel(path, dtype=object, header=None, engine="openpyxl", **look)
            frame = cells.iloc[1:].set_axis(cells.iloc[0].fillna("").tolist(), axis=1).reset_index(drop=True)
        else:
            frame = {"parquet": pd.read_parquet, "feather": pd.read_feather}[kind](path).reset_index(drop=True)
    except Exception as error:  # the readers have no common error: a broken file raises what its broken part raises
        problem = f"cannot be read as {path.suffix.lower()} ({one_line(error)})"
        raise InputError(path.name, problem, "Save it again, or save it as CSV (UTF-8)") from None
    return frame.apply(lambda column: column.astype(object).map(_cell, na_action="ignore"))


def _cell(value: object) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _csv(path: Path, parameter: str) -> tuple[pd.DataFrame, list[str]]:
    whole, notes = _text(path, parameter)
    text = whole.lstrip("\n")
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    if separator != ",":
        notes.append(f"columns are separated by {'semicolons' if separator == ';' else 'tabs'}")
    _check_header(path, head, separator)
    try:
        look = {"dtype": str, "skipinitialspace": True, "keep_default_na": False, "na_values": [""]}
        look |= {"skip_blank_lines": False}  # so that rows keep their numbers
        frame = pd.read_csv(io.StringIO(text), sep=separator, **look)
    except (ValueError, csv.Error) as error:
        problem = f"cannot be read as CSV ({one_line(error)})"
        raise InputError(path.name, problem, "Quote texts with commas; write decimals with a point") from None
    if not isinstance(frame.index, pd.RangeIndex):
        fix = "Give one header name for each field; write decimals with a point, or separate by semicolons"
        raise InputError(path.name, "rows have more fields than the header", fix)
    frame.index = frame.index + len(whole) - len(text)
    return frame, notes


def _text(path: Path, parameter: str) -> tuple[str, list[str]]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{parameter} = {path}", f"cannot be read ({error.strerror})", "Make it readable") from None
    if raw.startswith((b"PK", b"\xd0\xcf")):
        raise InputError(path.name, "it is a spreadsheet, but is not named .xlsx", "Save it as .xlsx or CSV")
    text, notes = _decoded(path, raw)
    if not text.strip():
        raise InputError(path.name, "the file is empty", "Give a CSV with a header and one row a case")
    if "\0" in text:
        raise InputError(path.name, "it is not a text file", "Give a CSV")
    return text.replace("\r\n", "\n").replace("\r", "\n"), notes


def _decoded(path: Path, raw: bytes) -> tuple[str, list[str]]:
    marked = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return raw.decode("utf-16" if marked else "utf-8-sig"), []
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("cp1252"), [
            "the file is not UTF-8 and was read as Windows-1252: look whether names are right"
        ]
    except UnicodeDecodeError:
        raise InputError(path.name, "the encoding is not known", "Save it as CSV (UTF-8)") from None


def _check_header(path: Path, head: str, separator: str) -> None:
    names = [_tidy(name) for name in next(csv.reader([head], delimiter=separator, skipinitialspace=True))]
    twice = sorted({name for name in names if names.count(name) > 1 and name})
    if twice:
        raise InputError(path.name, f"two columns are called {twice[0]!r}", "Give each column a different name")


def _tidy(text: str) -> str:
    """Normalise a text: compose Unicode letters (NFC), make every blank single, and strip blanks at the ends."""
    return " ".join(unicodedata.normalize("NFC", str(text)).split())


def alike(values: pd.Series, name: str) -> list[str]:
    """Report values that differ only by case, blanks or punctuation, and count as different ones.

    With digits, punctuation has a meaning, as in <60 and >60.
    """
    spelled: dict[str, list[str]] = {}
    for label in values.dropna().unique():
        digits = any(c.isdigit() for c in label)
        plain = "".join(c for c in label.casefold() if c.isalnum() or (digits and not c.isspace()))
        spelled.setdefault(plain or label, []).append(label)
    return [
        f"{name}: {' and '.join(map(repr, same))} differ only by case, blanks or hyphens, and are kept apart"
        for same in spelled.values()
        if len(same) > 1
    ]


def column(frame: pd.DataFrame, name: str, *, where: str, file: Path) -> pd.Series:
    """Return a column by its name, or raise an InputError that suggests the nearest name."""
    if name in frame.columns:
        return frame[name]
    near = difflib.get_close_matches(name.lower(), [c.lower() for c in frame.columns], n=1, cutoff=0.5)
    hint = next((c for c in frame.columns if near and c.lower() == near[0]), "")
    names = ", ".join(frame.columns[:12]) + (", ..." if len(frame.columns) > 12 else "")
    fix = (f"Did you mean {hint}? " if hint else "") + f"The columns are {names}"
    raise InputError(f"{where}, {file.name}", f"there is no column {name!r}", fix)


def outcomes(values: pd.Series) -> pd.Series:
    """Write "True" as 1 and "False" as 0 if a column has only these, in any case; other columns stay as they are."""
    words = values.str.casefold()
    return words.map({"true": "1", "false": "0"}) if words.dropna().isin(("true", "false")).all() else values


def numbers(values: pd.Series, file: Path) -> tuple[pd.Series, list[str]]:
    """Convert a column to floats, with notes; missing cells and texts such as "NA" (`NO_NUMBER`) are NaN.

    Decimal commas are read as points, and a note reports that.

    Raises
    ------
    InputError
        A cell is neither empty nor a finite number.
    """
    values = values.mask(values.isin(NO_NUMBER))
    notes, known = [], values.dropna()
    commas = known[known.map(lambda text: bool(DECIMAL_COMMA.fullmatch(text)))]
    if len(commas):
        values = values.where(~values.index.isin(commas.index), values.str.replace(",", ".", regex=False))
        notes.append(f"{values.name}: decimal commas were read as points")
    found = pd.to_numeric(values, errors="coerce").astype(float)
    bad = values.index[(values.notna() & ~found.abs().lt(float("inf"))).to_numpy()]
    if len(bad):
        more = f" (and {len(bad) - 1} more cells)" if len(bad) > 1 else ""
        problem = f"holds {str(values[bad[0]])[:60]!r}, expected a number{more}"
        raise InputError(at(file, bad[0], str(values.name)), problem, "Correct the cell, or leave it empty")
    return found, notes
