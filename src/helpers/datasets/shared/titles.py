"""Header of a table below lines of a title."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from helpers.errors import InputError

LOOKED_AT = 40  # lines or rows in which the header is looked for


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
    """Refuse a header without names of its last columns, if a row below it looks more like one.

    That row has a text for each column, none twice, and a text above the numbers of a column.

    Raises
    ------
    InputError
        It names that row.
    """
    wide = max(map(width, rows), default=0)
    below = next((k for k, row in enumerate(rows) if k > head and width(row) == wide), head)
    if below == head or width(rows[head]) == wide:
        return
    names = [text.strip() for text in rows[below][:wide]]
    columns = [[row[k] for row in rows[below + 1 :] if len(row) > k and row[k].strip()] for k in range(wide)]
    numbers = any(column and all(has_number([text]) for text in column) for column in columns)
    if numbers and len(set(names) - {""}) == wide and not has_number(names):
        seen = f"line {head + 1} has names of {width(rows[head])} columns, line {below + 1} has {wide} texts"
        raise InputError(path.name, seen, f"Is line {below + 1} the header? Then leave the lines above it out")


def has_number(names: Sequence[str]) -> bool:
    """Return whether one of several texts has digits and no letter."""
    return any(re.search(r"\d", name) and not re.search(r"[^\W\d]", name) for name in names)
