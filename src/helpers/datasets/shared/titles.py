"""Header of a table below lines of a title."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from helpers.errors import InputError

LOOKED_AT = 40  # lines or rows in which the header is looked for
NEAR = 5  # full rows below the first among which the header may be


def width(fields: Sequence[str]) -> int:
    """Count the fields of a row up to the last with a text."""
    return max((k for k, text in enumerate(fields, 1) if text.strip()), default=0)


def header_row(widths: Sequence[int]) -> int:
    """Find the header among the numbers of fields of the first rows: the first row that is as wide as most are.

    A title has one field; a first row of several fields is the header.
    """
    if not widths or widths[0] > 1:
        return 0
    usual, _ = max(Counter(w for w in widths[1:] if w > 1).items(), key=lambda item: item[1], default=(0, 0))
    return next((k for k, wide in enumerate(widths) if usual and wide >= usual), 0)


def skipped(head: int) -> list[str]:
    """Report that lines above the header were skipped."""
    where = "line 1 was" if head == 1 else f"lines 1 to {head} were"
    return [f"{where} skipped as a title: the header is in line {head + 1}"] if head else []


def check_header(rows: Sequence[Sequence[str]], head: int, path: Path) -> None:
    """Refuse a header if a row below it looks more like one.

    That row has a text for each column, none twice, and a text above the numbers of a column. The header has no names
    of its last columns; or, if it is as wide, that row is one of the next ones and repeats none of its columns' texts.

    Raises
    ------
    InputError
        It names that row.
    """
    wide = max(map(width, rows), default=0)
    full = [k for k, row in enumerate(rows) if k > head and width(row) == wide]
    if width(rows[head]) < wide:
        below = full[0] if full and _is_header(rows, full[0], wide) else None
        seen = f"line {head + 1} has names of {width(rows[head])} columns"
    else:
        near = [k for k in full[:NEAR] if _is_header(rows, k, wide) and not _recurs(rows, head, k, wide)]
        below = near[0] if near and (wide > 2 or has_number(rows[head])) else None
        seen = f"line {head + 1} may be a title"
    if below is not None:
        seen += f", line {below + 1} has {wide} texts"
        raise InputError(path.name, seen, f"Is line {below + 1} the header? Then leave the lines above it out")


def _is_header(rows: Sequence[Sequence[str]], at: int, wide: int) -> bool:
    """Return whether a row has a text for each column, none twice and no number, and a column of numbers below it."""
    names = [text.strip() for text in rows[at][:wide]]
    columns = [_column(rows[at + 1 :], k) for k in range(wide)]
    numbers = any(column and all(has_number([text]) for text in column) for column in columns)
    return numbers and len(set(names) - {""}) == wide and not has_number(names)


def _recurs(rows: Sequence[Sequence[str]], head: int, at: int, wide: int) -> bool:
    """Return whether another row below the header repeats a text of this row in its column, as groups do."""
    others = [*rows[head + 1 : at], *rows[at + 1 :]]
    return any(rows[at][k].strip() in _column(others, k) for k in range(wide))


def _column(rows: Sequence[Sequence[str]], k: int) -> list[str]:
    return [row[k].strip() for row in rows if len(row) > k and row[k].strip()]


def has_number(names: Sequence[str]) -> bool:
    """Return whether one of several texts has digits and no letter."""
    return any(re.search(r"\d", name) and not re.search(r"[^\W\d]", name) for name in names)
