"""Reader of any table that a user brings: CSV with commas, semicolons or tabs, Excel, Parquet or Feather."""

from __future__ import annotations

import csv
import difflib
import io
import itertools
import re
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.shared.files import one_line, plain_name
from helpers.errors import InputError

# File endings of tables that are not text, and the format of each.
_BINARY = {".xlsx": "excel", ".xlsm": "excel", ".parquet": "parquet", ".pq": "parquet", ".feather": "feather"}
SUFFIXES = (".csv", ".tsv", ".txt", *_BINARY)
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_LOOKED_AT = 40  # lines or rows in which the header is looked for
_FORMULA = b"<f"  # how a sheet begins a formula


def read_table(file: str | Path, parameter: str) -> tuple[pd.DataFrame, list[str]]:
    """Read a table as strings (a blank cell is missing), with notes in words about what had to be assumed.

    Parameters
    ----------
    file : str or Path
        CSV in UTF-8 (with or without a byte-order mark), in UTF-16 with a byte-order mark, or in Windows-1252, with
        commas, semicolons or tabs between the columns; the first sheet of an Excel file (.xlsx); or a Parquet or
        Feather file. A line such as ``sep=;`` and lines of a title above the header are skipped.
    parameter : str
        Name of the parameter that names the file, for messages.

    Returns
    -------
    frame : DataFrame of str
        The index is the row number in a spreadsheet; a header in the first row is row 1.
    notes : list of str

    Raises
    ------
    InputError
        The file does not exist, cannot be read or is empty, two columns have the same name, rows have more fields than
        the header, or a formula in an Excel file has no stored value.
    """
    frame, notes = _read(Path(file).expanduser(), parameter)
    for name in frame.columns:
        frame[name] = frame[name].map(plain_name, na_action="ignore").astype("str").replace("", pd.NA)
    frame = frame.dropna(how="all")
    if frame.empty:
        raise InputError(Path(file).name, "it has a header and no rows", "Write one row a case")
    return frame, notes


def columns_of(file: str | Path, parameter: str) -> list[str]:
    """List the columns of a table; arguments and errors as in `read_table`, but rows may be absent."""
    return list(_read(Path(file).expanduser(), parameter)[0].columns)


def _read(path: Path, parameter: str) -> tuple[pd.DataFrame, list[str]]:
    if not path.is_file():
        problem = "is a folder, not a file" if path.is_dir() else "there is no such file"
        fix = "Give a CSV, .xlsx, .parquet or .feather file; a relative name is looked for from here or DATA_ROOT"
        raise InputError(f"{parameter} = {path}", problem, fix)
    kind = _BINARY.get(path.suffix.lower())
    frame, notes = _typed(path, kind) if kind else _csv(path, parameter)
    frame.columns = [plain_name(name) for name in frame.columns]
    _check_names(list(frame.columns), path)
    return frame, notes


def _check_names(names: list[str], path: Path) -> None:
    twice = sorted({name for name, n in Counter(names).items() if n > 1 and name})
    if twice:
        raise InputError(path.name, f"two columns are called {twice[0]!r}", "Give each column a different name")


def _typed(path: Path, kind: str) -> tuple[pd.DataFrame, list[str]]:
    """Read a file whose cells have types, and write each cell as text; a whole number gets no decimal point."""
    notes = []
    try:
        if kind == "excel":
            # Without a header: pandas would rename the second of two equal names.
            look = {"keep_default_na": False, "na_values": [""]}  # a cell "None" is a value, as in CSV
            cells = pd.read_excel(path, dtype=object, header=None, engine="openpyxl", **look)
            head = _header_row(cells.head(_LOOKED_AT).notna().sum(axis=1).tolist())
            notes = _skipped(head)
            names = cells.iloc[head].fillna("").tolist() if len(cells) else []
            frame = cells.iloc[head + 1 :].set_axis(names, axis=1)
            frame.index = frame.index + 1
        else:
            frame = {"parquet": pd.read_parquet, "feather": pd.read_feather}[kind](path).reset_index(drop=True)
            frame.index = frame.index + 2
    except Exception as error:  # the readers have no common error: a broken file raises what its broken part raises
        problem = f"cannot be read as {path.suffix.lower()} ({one_line(error)})"
        raise InputError(path.name, problem, "Save it again, or save it as CSV (UTF-8)") from None
    if kind == "excel":
        _check_formulas(path)
    return frame.apply(lambda column: column.astype(object).map(_cell, na_action="ignore")), notes


def _cell(value: object) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _header_row(widths: list[int]) -> int:
    """Find the header among the numbers of fields of the first rows: the first row that is as wide as most are.

    A title has one field; a first row of several fields is the header.
    """
    if not widths or widths[0] > 1:
        return 0
    usual, _ = max(Counter(w for w in widths[1:] if w > 1).items(), key=lambda item: item[1], default=(0, 0))
    return next((k for k, width in enumerate(widths) if usual and width >= usual), 0)


def _skipped(head: int) -> list[str]:
    """Report that lines above the header were skipped."""
    where = "line 1 was" if head == 1 else f"lines 1 to {head} were"
    return [f"{where} skipped as a title: the header is in line {head + 1}"] if head else []


def _check_formulas(path: Path) -> None:
    """Refuse formulas without a stored value: a program that does not compute has written them, and they read as empty.

    Raises
    ------
    InputError
        There is one on the first sheet.
    """
    with zipfile.ZipFile(path) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        if not any(_FORMULA in archive.read(name) for name in sheets):
            return
    from openpyxl import load_workbook

    written, stored = (load_workbook(path, read_only=True, data_only=only).worksheets[0] for only in (False, True))
    rows = zip(written.iter_rows(), stored.iter_rows(), strict=True)
    for cell, value in itertools.chain.from_iterable(zip(*pair, strict=True) for pair in rows):
        if cell.data_type == "f" and value.value is None:
            fix = "Open the file in a spreadsheet program and save it, or write the values"
            raise InputError(f"{path.name}, cell {cell.coordinate}", "holds a formula without a stored value", fix)


def _csv(path: Path, parameter: str) -> tuple[pd.DataFrame, list[str]]:
    whole, notes = _text(path, parameter)
    lines = whole.split("\n")
    separator, head, skipped = _layout(lines)
    notes += skipped
    if separator != ",":
        notes.append(f"columns are separated by {SEPARATORS.get(separator, repr(separator))}")
    text = "\n".join(lines[head:])
    _check_names([plain_name(name) for name in _fields(lines[head], separator)], path)
    try:
        look = {"dtype": str, "skipinitialspace": True, "keep_default_na": False, "na_values": [""]}
        look |= {"skip_blank_lines": False}  # so that rows keep their numbers
        frame = pd.read_csv(io.StringIO(text), sep=separator, **look)
    except (ValueError, csv.Error) as error:
        problem = f"cannot be read as CSV ({one_line(error)})"
        raise InputError(path.name, problem, "Quote texts with commas; write decimals with a point") from None
    if not isinstance(frame.index, pd.RangeIndex):
        raise _too_wide(path, lines, separator, head)
    frame.index = frame.index + head + 2
    return frame, notes


def _layout(lines: list[str]) -> tuple[str, int, list[str]]:
    """Find the separator of a text and the position of its header among the lines, with notes."""
    first = next(k for k, line in enumerate(lines) if line.strip())
    if named := re.fullmatch(r'"?sep=(.)"?[,;\t]*', lines[first].strip(" "), re.IGNORECASE):
        after = next((k for k, line in enumerate(lines) if k > first and line.strip()), first)
        return named[1], after, []
    separator = max(SEPARATORS, key=lines[first].count)
    if separator in lines[first]:
        return separator, first, []
    near = range(first, min(len(lines), first + _LOOKED_AT))
    widths = {sign: [len(_fields(lines[k], sign)) for k in near] for sign in SEPARATORS}
    found = {sign: _header_row(of) for sign, of in widths.items()}
    separator = max(
        SEPARATORS, key=lambda sign: (found[sign] > 0) * sum(w == widths[sign][found[sign]] for w in widths[sign])
    )
    head = first + found[separator]
    if any(re.search(r"\d", name) and not re.search(r"[^\W\d]", name) for name in _fields(lines[head], separator)):
        return ",", first, []  # numbers, so it is a row: the table has one column, with decimal commas
    return separator, head, _skipped(head) if head > first else []


def _fields(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])


def _too_wide(path: Path, lines: list[str], separator: str, head: int) -> InputError:
    """Describe the first row that has more fields than the header."""
    names = len(_fields(lines[head], separator))
    row = next((k for k in range(head + 1, len(lines)) if len(_fields(lines[k], separator)) > names), head)
    seen = f"line {row + 1} has {len(_fields(lines[row], separator))}, line {head + 1} has {names}"
    fix = "Give one header name for each field; write decimals with a point, or separate by semicolons"
    return InputError(
        path.name, f"rows have more fields than the header: {seen}", f"{fix}. Is line {row + 1} the header?"
    )


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


def alike(values: pd.Series, name: str) -> list[str]:
    """Report values that differ only by case, blanks or punctuation, and count as different ones.

    Signs at an end have a meaning, as in ER+ and ER-, and with digits all have, as in <60 and >60.
    """
    spelled: dict[str, list[str]] = {}
    for label in values.dropna().unique():
        digits = any(c.isdigit() for c in label)
        plain = re.sub(r"\s+" if digits else r"(?<=\w)[\W_]+(?=\w)|[.,;:]$", "", label.casefold())
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
