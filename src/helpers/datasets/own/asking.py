"""Names of columns as the user writes them in parameters, some of which hold commas, colons or semicolons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.shared.files import plain_name
from helpers.datasets.shared.tables import column
from helpers.errors import InputError

_QUOTED = re.compile(r"""(?P<quote>["'])(?P<name>.+?)(?P=quote)\s*""")
_MARK = re.compile(r"(?:\\ )*([,:;])(?:\\ )*")  # a mark in an escaped name, with its blanks, which may be left out


def take_name(text: str, columns: Sequence[str], marks: str) -> tuple[str, str, str]:
    """Take a column's name from the start of a text.

    It is the longest name that exists, whatever marks it holds, or a text in quotes, or else all before the first mark.

    Parameters
    ----------
    text : str
    columns : sequence of str
        Names that exist.
    marks : str
        Characters that end a name.

    Returns
    -------
    name, mark, rest : str
        The mark that ended the name, empty at the end of the text, and the text after it.
    """
    text = plain_name(text)
    starts = [(name, re.match(_MARK.sub(r"\\s*\1\\s*", re.escape(name)), text)) for name in columns if name]
    known = [(name, text[start.end() :].lstrip()) for name, start in starts if start]
    if quoted := _QUOTED.match(text):
        known.append((quoted["name"].strip(), text[quoted.end() :]))
    ended = [(name, rest) for name, rest in known if not rest or rest[0] in marks]
    if ended:
        name, rest = max(ended, key=lambda pair: len(pair[0]))
        return name, rest[:1], rest[1:]
    name, mark, rest = re.match(rf"([^{marks}]*)([{marks}]?)(.*)", text).groups()
    return name.strip(), mark, rest


def names_of(groups: str | Sequence[str], columns: Sequence[str]) -> list[str]:
    """List the columns that a text such as "sex, age" names; a sequence of names is taken as it is."""
    if not isinstance(groups, str):
        return [plain_name(name) for name in groups if name.strip()]
    found, rest = [], groups
    while rest.strip():
        name, _, rest = take_name(rest, columns, ",")
        found += [name] if name else []
    return found


def check_roles(roles: Mapping[str, str], names: Sequence[str], table: pd.DataFrame, path: Path) -> None:
    """Refuse columns that do not exist, and a column that is named for two purposes.

    Parameters
    ----------
    roles : mapping of str to str
        Parameter and the column that it names.
    names : sequence of str
        Columns of groups.
    """
    if not names:
        fix = f"Name columns as GROUPS=sex,age_group; the file has {', '.join(table.columns[:12])}"
        raise InputError("GROUPS", "no column of groups is named", fix)
    taken: dict[str, str] = {}
    for role, name in [*roles.items(), *(("GROUPS", name) for name in names)]:
        column(table, name, where=role, file=path)
        if name in taken:
            raise InputError(role, f"column {name!r} is also named by {taken[name]}", "Use each column once")
        taken[name] = role


def limits(span: str) -> tuple[float, float]:
    """Parse the lowest and the highest score, as "0, 1"; an empty text has no limits."""
    if not span.strip():
        return -np.inf, np.inf
    try:
        low, high = map(float, span.split(","))
    except ValueError:
        low = high = np.nan
    if not low < high:
        raise InputError("SPAN", f"{span!r} is not understood", 'Write the lowest and the highest score, as "0, 1"')
    return low, high
