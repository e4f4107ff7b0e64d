"""Comparison of two runs of one study to the last digit: values, dropped cases, and the rows of all cases.

Claims are left out: they follow from the values by a rule, and `helpers.book.rejudging` applies it again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from helpers.book.renames import ADDED, GONE, pattern, renamed
from helpers.report import recording
from helpers.report.run import CASES
from helpers.report.values import flatten

TIMES = {"seconds", "minutes"}  # names of values and columns that are left out: a run's duration is not a result


def differences(before: Path, after: Path, names: Mapping[str, Any] | None = None) -> list[str]:
    """List the differences between two complete runs, each with both values and the size of the difference.

    Parameters
    ----------
    before, after : Path
        Folders of the runs.
    names : mapping, optional
        Names that have changed since the first run, old to new: for values, the dotted path in the results or its
        beginning, or a pattern of the whole path, in which ``*`` matches any text; for columns of the cases,
        ``cases.<column>``. The key `added` lists paths, or patterns, at which the first run may have no value, and
        `gone` those at which the second may have none.

    Returns
    -------
    list of str
        One line each; empty if all values and rows are equal to the last digit.
    """
    names = names or {}
    first, second = (_flat(recording.read(run)) for run in (before, after))
    found = _compared(*_joined(first, names), second, names)
    return found + _rows(pd.read_parquet(before / CASES), pd.read_parquet(after / CASES), names)


def _joined(first: Mapping[str, Any], names: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Rename values; also list those that were not equal and now have one name."""
    values: dict[str, Any] = {}
    odd = []
    for path, value in first.items():
        new = renamed(path, names)
        if new in values and not _same(values[new], value):
            odd.append(f"{new}: was {values[new]!r}, and {value!r} as {path}")
        values.setdefault(new, value)
    return values, odd


def _flat(results: Mapping[str, Any]) -> dict[str, Any]:
    flat = flatten(results["values"]) | flatten({"dropped": results["dropped"]})
    return {path: value for path, value in flat.items() if path.rpartition(".")[2] not in TIMES}


def _compared(
    before: Mapping[str, Any], odd: list[str], after: Mapping[str, Any], names: Mapping[str, Any]
) -> list[str]:
    new, old = ([pattern(text) for text in names.get(key, ())] for key in (ADDED, GONE))
    free = {path for path in after if before.get(path) is None and any(p.fullmatch(path) for p in new)}
    free |= {path for path in before if after.get(path) is None and any(p.fullmatch(path) for p in old)}
    left, now = ({path: found[path] for path in found if path not in free} for found in (before, after))
    found = odd + [f"{path}: was {left[path]!r}, is gone" for path in left if path not in now]
    found += [f"{path}: was not there, is {now[path]!r}" for path in now if path not in left]
    for path in left:
        if path in now and not _same(left[path], now[path]):
            found.append(f"{path}: was {left[path]!r}, is {now[path]!r}{_by(left[path], now[path])}")
    return found


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return True
    kinds = {bool if isinstance(v, bool) else float if isinstance(v, int | float) else type(v) for v in (a, b)}
    return len(kinds) == 1 and a == b  # a count that is now stored as a float is the same number


def _by(a: Any, b: Any) -> str:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (a, b))
    return f", by {abs(b - a):.3g}" if numbers and math.isfinite(b - a) else ""


def _rows(before: pd.DataFrame, after: pd.DataFrame, names: Mapping[str, Any]) -> list[str]:
    before = before.rename(columns=lambda column: renamed(f"cases.{column}", names).removeprefix("cases."))
    if len(before) != len(after):
        return [f"cases: were {len(before)} rows, are {len(after)}"]
    new, old = ([pattern(text) for text in names.get(key, ())] for key in (ADDED, GONE))
    odd = [(f"cases.{c}", "is gone", old) for c in before if c not in after]
    odd += [(f"cases.{c}", "was not there", new) for c in after if c not in before]
    found = [f"{path}: {what}" for path, what, declared in odd if not any(p.fullmatch(path) for p in declared)]
    for column in before:
        if column not in after or column in TIMES:
            continue
        a, b = before[column], after[column]
        if str(a.dtype) != str(b.dtype):
            found.append(f"cases.{column}: was of type {a.dtype}, is of type {b.dtype}")
            continue
        differ = ~((a.to_numpy() == b.to_numpy()) | (a.isna() & b.isna()).to_numpy())
        if differ.any():
            k = int(np.flatnonzero(differ)[0])
            was, now = (v.iloc[[k]].tolist()[0] for v in (a, b))
            first = f"{was!r}, is {now!r}{_by(was, now)}"
            found.append(f"cases.{column}: {int(differ.sum())} of {len(a)} rows differ; row {k} was {first}")
    return found
