"""Files and arrays as users have them, each with the right value: the tests and a page of the book are made from it.

Run `python -m tests.files` to write the tables of book/how-to/files.md anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.conftest import ROOT

PAGE = ROOT / "book" / "how-to" / "files.md"
BEGIN, END = "<!-- {name}: this table is kept equal to tests/files by a test -->", "<!-- end of {name} -->"


class Case(NamedTuple):
    """A file or an array: its table on the page, description, result in words, source, and the test that shows it."""

    table: str
    given: str
    result: str
    source: str
    check: Callable[[Path], None]


CASES: dict[str, Case] = {}


def case(table: str, given: str, result: str, source: str = "") -> Callable:
    """Enter a test into the list; its name is that of the case."""

    def enter(check: Callable[[Path], None]) -> Callable[[Path], None]:
        assert check.__name__ not in CASES, f"{check.__name__} is twice"
        CASES[check.__name__] = Case(table, given, result, source, check)
        return check

    return enter


def table_of(name: str) -> str:
    """Write the cases of one table of the page, with a link to each public report."""
    rows = [case for case in CASES.values() if case.table == name]
    cells = [[case.given, case.result, _link(case.source)] for case in rows]
    lines = ["| given | result | reported in |", "|---|---|---|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in cells])


def _link(source: str) -> str:
    found = re.sub(
        r"([\w.-]+/[\w.-]+)#(\d+)",
        lambda m: f"[{m[1].split('/')[1]} {m[2]}](https://github.com/{m[1]}/issues/{m[2]})",
        source,
    )
    return found.replace("; ", ", ")


def page(text: str) -> str:
    """Replace the tables of a page by those of the list."""
    for name in dict.fromkeys(case.table for case in CASES.values()):
        begin, end = BEGIN.format(name=name), END.format(name=name)
        head, rest = text.split(begin)
        text = f"{head}{begin}\n\n{table_of(name)}\n\n{end}{rest.split(end)[1]}"
    return text


if __name__ == "__main__":
    from tests import files, files_of_masks, files_of_tables  # noqa: F401  (two enter their cases)

    files.PAGE.write_text(files.page(files.PAGE.read_text(encoding="utf-8")), encoding="utf-8")
