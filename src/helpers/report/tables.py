"""Tables as a reader sees them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.report import claims as claims_
from helpers.report.recording import SMALLEST_CELL, is_size


def show(frame: pd.DataFrame, *, digits: int = 3) -> pd.DataFrame:
    """A table ready to be shown: rounded, and with groups under 10 suppressed.

    Parameters
    ----------
    frame : DataFrame
        Columns `n`, `n_<group>` and `count` hold sizes of groups; a row with a size of 1 to 9 loses its numbers.
    digits : int
        Digits behind the point.
    """
    table = frame.astype(object)
    table.index = table.index.set_names([None] * table.index.nlevels)  # a name takes a line of the table
    for column in frame.select_dtypes("float"):
        table[column] = [_number(x, digits) for x in frame[column]]
    sizes = [c for c in frame.select_dtypes("number") if is_size(str(c))]
    small = frame[sizes].ge(1) & frame[sizes].lt(SMALLEST_CELL)
    numbers = [c for c in frame.select_dtypes("number") if c not in sizes]
    table.loc[small.any(axis=1), numbers] = "suppressed"
    for column in sizes:
        table.loc[small[column], column] = f"<{SMALLEST_CELL}"
    return table


def _number(value: float, digits: int) -> str:
    if pd.isna(value):
        return "–"
    if value and abs(value) < 1e-3:
        text = f"{value:.{digits - 1}e}"
    else:
        text = f"{value:.{digits}f}" if abs(value) < 100 else f"{value:.0f}"
    return text.replace("-", "−")  # a minus sign, where no line breaks


def _interval(row: Any) -> str:
    span = "" if pd.isna(row.low) else f" [{_number(row.low, 3)}, {_number(row.high, 3)}]"
    return _number(row.ours, 3) + span


def claims_table(claims: list[dict[str, Any]] | pd.DataFrame) -> pd.DataFrame:
    """The claims of a study, one line each, for a notebook."""
    frame = claims_.table(claims)
    shown = frame[["statement", "published", "verdict", "why"]].copy()
    shown.insert(2, "ours [95% interval]", [_interval(row) for row in frame.itertuples()])
    return shown.set_index("statement").rename_axis(None)
