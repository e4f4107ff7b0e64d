"""Reader and writer of one table of the review: plain rows of text, or one line that names the cell at fault."""

from __future__ import annotations

import csv
import io
import re
from itertools import zip_longest
from pathlib import Path

import pandas as pd

from helpers.datasets.review.layout import TABLES
from helpers.datasets.shared.files import at, find, one_line
from helpers.errors import InputError

MARKERS = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")
_HTML = re.compile(r"<\s*[a-z/!?]|&(?:#x?[0-9a-f]+|[a-z]+);", re.I)
# A spreadsheet would compute the cell. A plain number with a sign, and words after it, are left.
_FORMULA = re.compile(r"[=@]|[+-](?!\.?\d[^|!+*/]*$)")
_CASE = re.compile(
    r"\b(?:DUKE|ISPY[12]|NACT)_\d+|\bUCSF-PDGM-\d+|\b\d{8}_\d{3}\b|\bPAT_\d+_\d+|\b[0-9a-f]{32}\b"
    r"|\b1\.[23]\.\d+(?:\.\d+){3,}|\b(?:patient|case|subject)(?:\s+(?:no\.|number|id))?[\s_#]*\d+",
    re.I,
)
_BAD = {
    "no HTML": (_HTML, "Write plain text"),
    "no formula": (_FORMULA, "Begin the cell with a letter or a digit"),
    "no identifier of a case": (_CASE, "Describe the cases by a property, and count them"),
}


def file_of(name: str) -> str:
    """Return the file name of a table."""
    return f"{name}.csv"


def written(table: pd.DataFrame) -> str:
    """Write a table as the text of its file: comma-separated, quotes where needed, each line ended by LF."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.itertuples(index=False))
    return text.getvalue()


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """Read a table of the review.

    Parameters
    ----------
    folder : Path
    name : str
        A table of `layout.TABLES`.

    Returns
    -------
    DataFrame
        Columns of text; an empty cell is "". The index has the numbers of the lines in the file.

    Raises
    ------
    InputError
        The file is missing, is not UTF-8, or has a byte order mark, Windows lines, semicolons, the marker of a merge,
        other columns, a row of another length, or quotes that are not needed; or a cell has HTML, a formula, a line
        break, blanks at an end or the identifier of a case.
    """
    path, columns = find(folder, file_of(name)), TABLES[name].columns
    if path is None or not path.is_file():
        raise InputError(folder, f"there is no {file_of(name)}", f"Give a table with the columns {', '.join(columns)}")
    text = _text(path)
    rows = _rows(path, text)
    _check_header(path, rows[0], columns)
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(columns):
            problem = f"has {len(row)} cells, expected {len(columns)}"
            raise InputError(f"{path.name}, row {number}", problem, "Put a cell that has a comma into quotes")
        for column, cell in zip(columns, row, strict=True):
            if cell:
                _check_cell(path, number, column, cell)
    table = pd.DataFrame(rows[1:], columns=list(columns), index=range(2, len(rows) + 1), dtype=object)
    if (plain := written(table)) != text:
        pairs = zip_longest(plain.splitlines(keepends=True), text.splitlines(keepends=True), fillvalue="")
        number, line = next((k, a) for k, (a, b) in enumerate(pairs, start=1) if a != b)
        raise InputError(f"{path.name}, row {number}", "is not in the one plain form", f"Write it as {line!r}")
    return table


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        text = content.decode("utf-8")
    except (OSError, UnicodeError) as error:
        raise InputError(path, f"cannot be read ({one_line(error)})", "Save it as CSV in UTF-8") from error
    if text.startswith("\ufeff"):
        raise InputError(path, "begins with a byte order mark", "Save it as UTF-8 without one")
    if "\r" in text:
        number = text[: text.index("\r")].count("\n") + 1
        raise InputError(f"{path.name}, row {number}", "ends as lines of Windows do", "Save it with line ends LF")
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith(MARKERS):
            raise InputError(f"{path.name}, row {number}", f"has the marker of a merge, {line[:7]}", "Finish the merge")
    if not text.strip():
        raise InputError(path, "the file is empty", "Give at least the header")
    return text


def _rows(path: Path, text: str) -> list[list[str]]:
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        for row in reader:
            rows.append(row)
            if reader.line_num != len(rows):
                raise InputError(f"{path.name}, row {len(rows)}", "a cell has a line break", "Write it in one line")
    except csv.Error as error:
        where = f"{path.name}, row {len(rows) + 1}"
        raise InputError(where, f"cannot be read as CSV ({one_line(error)})", "Correct the quotes") from error
    return rows


def _check_header(path: Path, header: list[str], columns: tuple[str, ...]) -> None:
    if len(header) == 1 and ";" in header[0]:
        raise InputError(f"{path.name}, row 1", "has semicolons between the columns", "Save it with commas")
    if absent := [column for column in columns if column not in header]:
        raise InputError(f"{path.name}, column {absent[0]}", "there is no such column", "Give every column")
    if tuple(header) != columns:
        other = next((name for name in header if name not in columns), "")
        problem = f"there is no column {other!r} in the layout" if other else "the columns have another order or repeat"
        raise InputError(f"{path.name}, row 1", problem, f"Write {','.join(columns)}")


def _check_cell(path: Path, number: int, column: str, cell: str) -> None:
    where = at(path, number, column)
    if cell != cell.strip() or not cell.isprintable():
        raise InputError(where, f"holds {cell[:60]!r}, expected no blanks at its ends and no control sign", "Trim it")
    for expected, (pattern, fix) in _BAD.items():
        found = pattern.match(cell) if pattern is _FORMULA else pattern.search(cell)
        if found:
            raise InputError(where, f"holds {cell[:60]!r}, expected {expected}", fix)
