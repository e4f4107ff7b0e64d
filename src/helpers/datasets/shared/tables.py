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
from helpers.datasets.shared.titles import LOOKED_AT, check_header, has_number, header_row, skipped, width
from helpers.errors import InputError

# File endings of tables that are not text, and the format of each.
_BINARY = {".xlsx": "excel", ".xlsm": "excel", ".parquet": "parquet", ".pq": "parquet", ".feather": "feather"}
SUFFIXES = (".csv", ".tsv", ".txt", *_BINARY)
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars ('|')"}
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf")  # gzip, bzip2, xz, zstd, 7z
_SHEETS = "other sheets"  # attribute of a frame
_FORMULA = b"<f"  # how a sheet begins a formula


def read_table(file: str | Path, parameter: str) -> tuple[pd.DataFrame, list[str]]:
    """Read a table as strings (a blank cell is missing), with notes in words about what had to be assumed.

    Parameters
    ----------
    file : str or Path
        CSV in UTF-8 (with or without a byte-order mark), in UTF-16 with a byte-order mark, or in Windows-1252, with
        commas, semicolons, tabs or bars between the columns; the first sheet of an Excel file (.xlsx); or a Parquet or
        Feather file, whose index is a column if it has a name. A line such as ``sep=;`` and lines of a title above the
        header, which have one text each, are skipped.
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
        the header, a later row may be the header, or a formula in an Excel file has no stored value.
    """
    frame, notes = _read(Path(file).expanduser(), parameter)
    for name in frame.columns:
        frame[name] = frame[name].map(plain_name, na_action="ignore").astype("str").replace("", pd.NA)
    frame = frame.dropna(how="all")
    if frame.empty:
        raise InputError(Path(file).name, "it has a header and no rows", "Write one row a case" + _elsewhere(frame))
    return frame, notes


def _elsewhere(frame: pd.DataFrame) -> str:
    """Name the sheets of a workbook that are not read, to be appended to a hint."""
    others = ", ".join(map(repr, frame.attrs.get(_SHEETS, ())))
    return f". The first sheet is read, and there are also {others}: move the right one to the front" if others else ""


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
    notes, sheets = [], []
    try:
        if kind == "excel":
            # Without a header: pandas would rename the second of two equal names.
            look = {"keep_default_na": False, "na_values": [""]}  # a cell "None" is a value, as in CSV
            with pd.ExcelFile(path, engine="openpyxl") as book:
                cells, sheets = pd.read_excel(book, dtype=object, header=None, **look), book.sheet_names[1:]
            near = cells.head(LOOKED_AT).astype(object).fillna("").astype(str).to_numpy().tolist()
            head = header_row([width(row) for row in near])
            check_header(near, head, path)
            notes = skipped(head)
            names = cells.iloc[head].fillna("").tolist() if len(cells) else []
            frame = cells.iloc[head + 1 :].set_axis(names, axis=1)
            frame.index = frame.index + 1
        else:
            frame = {"parquet": pd.read_parquet, "feather": pd.read_feather}[kind](path)
            unnamed = frame.index.names == [None] or set(frame.index.names) & set(frame.columns)
            frame = frame.reset_index(drop=bool(unnamed))
            frame.index = frame.index + 2
    except InputError:
        raise
    except Exception as error:  # the readers have no common error: a broken file raises what its broken part raises
        problem = f"cannot be read as {path.suffix.lower()} ({one_line(error)})"
        raise InputError(path.name, problem, "Save it again, or save it as CSV (UTF-8)") from None
    if kind == "excel":
        _check_formulas(path)
    frame = frame.apply(lambda column: column.astype(object).map(_cell, na_action="ignore"))
    frame.attrs[_SHEETS] = sheets
    return frame, notes


def _cell(value: object) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


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
    separator, head, said = _layout(lines)
    notes += said
    if separator != ",":
        notes.append(f"columns are separated by {SEPARATORS.get(separator, repr(separator))}")
    text = "\n".join(lines[head:])
    try:
        look = {"dtype": str, "skipinitialspace": True, "keep_default_na": False, "na_values": [""]}
        look |= {"skip_blank_lines": False}  # so that rows keep their numbers
        frame = pd.read_csv(io.StringIO(text), sep=separator, **look)
    except (ValueError, csv.Error) as error:
        if any(len(_fields(line, separator)) > len(_fields(lines[head], separator)) for line in lines[head:]):
            raise _too_wide(path, lines, separator, head) from None
        problem = f"cannot be read as CSV ({one_line(error)})"
        raise InputError(path.name, problem, "Quote texts with commas; write decimals with a point") from None
    if not isinstance(frame.index, pd.RangeIndex):
        raise _too_wide(path, lines, separator, head)
    check_header([_fields(line, separator) for line in lines[: head + LOOKED_AT]], head, path)
    _check_names([plain_name(name) for name in _fields(lines[head], separator)], path)  # pandas renames the second
    frame.index = frame.index + head + 2
    return frame, notes


def _layout(lines: list[str]) -> tuple[str, int, list[str]]:
    """Find the separator of a text and the position of its header among the lines, with notes."""
    first = next(k for k, line in enumerate(lines) if line.strip())
    if named := re.fullmatch(r'"?sep=(.)"?[,;\t]*', lines[first].strip(" "), re.IGNORECASE):
        after = next((k for k, line in enumerate(lines) if k > first and line.strip()), first)
        return named[1], after, []
    separator = max(
        SEPARATORS, key=lambda sign: (sign != "|", lines[first].count(sign)) if sign in lines[first] else ()
    )
    if separator in lines[first] and width(_fields(lines[first], separator)) > 1:
        return separator, first, []
    given = separator if separator in lines[first] else ","
    near = range(first, min(len(lines), first + LOOKED_AT))
    widths = {sign: [width(_fields(lines[k], sign)) for k in near] for sign in SEPARATORS}
    found = {sign: header_row(of) for sign, of in widths.items()}
    separator = max(
        SEPARATORS, key=lambda sign: (found[sign] > 0) * sum(w == widths[sign][found[sign]] for w in widths[sign])
    )
    head = first + found[separator]
    if head == first or has_number(_fields(lines[head], separator)):
        return given, first, []  # numbers, so it is a row: the table has one column, with decimal commas
    return separator, head, skipped(head)


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
    if raw.startswith(_PACKED) or (raw.startswith(b"PK") and _holds_texts(path)):
        raise InputError(path.name, "it is compressed", "Unpack it, and name the file inside")
    if raw.startswith((b"PK", b"\xd0\xcf")):
        raise InputError(path.name, "it is a spreadsheet, but is not named .xlsx", "Save it as .xlsx or CSV")
    text, notes = _decoded(path, raw)
    if not text.strip():
        raise InputError(path.name, "the file is empty", "Give a CSV with a header and one row a case")
    if "\0" in text:
        raise InputError(path.name, "it is not a text file", "Give a CSV")
    return text.replace("\r\n", "\n").replace("\r", "\n"), notes


def _holds_texts(path: Path) -> bool:
    """Return True for a zip archive of texts; a spreadsheet is an archive of other files."""
    return zipfile.is_zipfile(path) and all(n.lower().endswith(SUFFIXES[:3]) for n in zipfile.ZipFile(path).namelist())


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
    raise InputError(f"{where}, {file.name}", f"there is no column {name!r}", fix + _elsewhere(frame))


def outcomes(values: pd.Series) -> pd.Series:
    """Write "True" as 1 and "False" as 0 if a column has only these, in any case; other columns stay as they are."""
    words = values.str.casefold()
    return words.map({"true": "1", "false": "0"}) if words.dropna().isin(("true", "false")).all() else values
