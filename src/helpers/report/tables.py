"""Tables formatted for readers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from helpers.disclosure import SMALLEST_CELL
from helpers.report import claims as claims_
from helpers.report.recording import is_size

if TYPE_CHECKING:
    from IPython.display import HTML

# Parts of an estimate that is shown with its 95% interval in one cell.
ENDS = ("low", "high", "low90", "high90", "seeds_share")


def show(frame: pd.DataFrame, *, estimate: str = "", digits: int = 3, hide: Sequence[object] = ()) -> pd.DataFrame:
    """Prepare a table for display: round its numbers and suppress groups under 10.

    Parameters
    ----------
    frame : DataFrame
        Columns `n`, `n_<group>` and `count` hold group sizes. A size of 1 to 9 is shown as "<10", and the statistics in
        its row as "suppressed".
    estimate : str
        Column to be shown together with `low` and `high` in one cell: "0.05 [0.03, 0.08]".
    digits : int
        Digits after the decimal point.
    hide : sequence
        Index labels of further rows to hide, because a suppressed row could be recovered from them (complementary
        suppression).
    """
    table = frame.astype(object)
    table.index = table.index.set_names([None] * table.index.nlevels)  # an index name would take a line of the table
    for column in frame.select_dtypes("float"):
        table[column] = [_number(x, digits) for x in frame[column]]
    missing = table.isna()
    if missing.to_numpy().any():
        table = table.mask(missing, "–")
    if estimate:
        table[estimate] = [
            interval(*row, digits) for row in zip(frame[estimate], frame["low"], frame["high"], strict=True)
        ]
        table = table.rename(columns={estimate: f"{estimate} [95% interval]"})
    sizes = [c for c in frame.select_dtypes("number") if is_size(str(c))]
    small = frame[sizes].ge(1) & frame[sizes].lt(SMALLEST_CELL)
    small = pd.DataFrame(small.to_numpy(bool, na_value=False), columns=sizes)  # no size is not a small one
    names = dict(zip(frame.columns, table.columns, strict=True))
    numbers = [names[c] for c in frame.select_dtypes("number") if c not in sizes]
    _fill(table, small.to_numpy().any(axis=1), numbers, "suppressed")
    for column in sizes:
        whole = [int(n) if pd.notna(n) else "–" for n in frame[column]]
        table[column] = pd.Series(whole, index=table.index, dtype=object)
        _fill(table, small[column].to_numpy(), column, f"<{SMALLEST_CELL}")
    _fill(table, np.array([label in hide for label in frame.index], bool), numbers + sizes, "suppressed")
    return table.drop(columns=[c for c in ENDS if c in table]) if estimate else table


def _fill(table: pd.DataFrame, rows: np.ndarray, columns: str | list[str], text: str) -> None:
    """Write a text into cells; pandas takes its time over no rows, too."""
    if rows.any():
        table.loc[rows, columns] = text


def _number(value: float, digits: int, like: float | None = None) -> str:
    """Format `value` in the notation that suits the size of `like`."""
    if pd.isna(value):
        return "–"
    size = abs(value if like is None else like)
    if 1e-12 < size < 10**-digits:  # smaller values are rounding errors and are shown as 0
        text = f"{value:.{digits - 1}e}"
    else:
        text = f"{value:.{digits}f}" if size < 100 else f"{value:.0f}"
    return text.replace("-", "−")  # no line break can follow a minus sign, unlike a hyphen


def interval(value: float, low: float, high: float, digits: int = 3) -> str:
    """Format an estimate and its interval in one notation, "0.05 [0.03, 0.08]"; "–" if there is no estimate."""
    if pd.isna(value) or pd.isna(low) or pd.isna(high):
        return _number(value, digits)
    like = max(abs(value), abs(low), abs(high))
    if 1e-4 <= like < math.inf:
        digits = max(digits, 1 - math.floor(math.log10(like)))  # at least two significant digits
    return f"{_number(value, digits, like)} [{_number(low, digits, like)}, {_number(high, digits, like)}]"


def ours(row: Any) -> str:
    """Format our value for a claim with its 95% interval and, if the claim is of no effect, its 90% interval.

    It has as many decimals as the published number, and at least three. If that is a percentage, ours is one too, with
    as many decimals.
    """
    percent = row.published.endswith("%")
    decimals = len(row.published.rstrip("%").lower().partition("e")[0].partition(".")[2])
    parts = (row.ours, row.low, row.high, row.low90, row.high90)
    values = [float("nan") if pd.isna(x) else x * (100 if percent else 1) for x in parts]
    digits = decimals if percent else max(decimals, 3)
    text = interval(*values[:3], digits)
    if not pd.isna(row.low90):
        text += f", 90% {interval(values[0], *values[3:], digits).partition(' ')[2]}"
    return f"{text} %" if percent and not pd.isna(row.ours) else text


def verdict(row: Any) -> str:
    """Return the verdict of a claim, with "in simulation" where it is of a method in a simulated world."""
    simulated = row.where == claims_.IN_SIMULATION
    return f"{row.verdict} {row.where}" if simulated else row.verdict


def reason(row: Any) -> str:
    """Return the reason of a verdict, with the place if that is other data than the paper's, and its power."""
    place = row.where if row.where == claims_.PLACES[1] else ""
    return "; ".join(filter(None, (place, row.why, power(row))))


def power(row: Any) -> str:
    """Describe how small an effect or a margin a run could settle, and what an inconclusive one is short of."""
    if pd.isna(row.detectable):
        return ""
    percent = row.published.endswith("%")
    least = f"{_number(100 * row.detectable, 1)} %" if percent else _number(row.detectable, 3)
    text = f"80% power from an effect of {least}"
    if row.kind != "effect":
        text = f"passes a margin from {least} on"
    if not row.short or pd.isna(row.short):
        return text
    if row.short == "neither":
        return f"{text}; large enough by the size that is asked for"
    many = "more" if pd.isna(row.needed) else f"about {row.needed:,.0f}"
    return f"{text}; needs {many} {row.short}"


def world_table(rates: Mapping[str, Mapping[str, Any]], *, digits: int = 2) -> pd.DataFrame:
    """Arrange rates of worlds for display: a row for each world and statistic that can hold.

    Parameters
    ----------
    rates : dict
        From `helpers.stats.world_values`, or as a record holds them.
    digits : int
        Digits after the decimal point.

    Returns
    -------
    DataFrame
        Share with Wilson's interval, number of data sets, and the mean of the estimates; empty without rates.
    """
    rows = {
        (world, name): {"share": part["estimate"], "low": part["low"], "high": part["high"], "n": part["n"]}
        | {"mean": found["mean"]["estimate"]}
        for world, by_name in rates.items()
        for name, found in by_name.items()
        if (part := found.get("holds"))
    }
    if not rows:
        return pd.DataFrame()
    table = pd.DataFrame(rows).T.astype(float)
    sets = table.pop("n").astype(int)
    table.insert(3, "data sets", sets)  # no size of a group of patients, and so not suppressed
    return show(table, estimate="share", digits=digits)


def filterable(frame: pd.DataFrame) -> HTML:
    """Show a long table as text in a box that scrolls, with the filter of the claims page above it.

    The book's script `filter.js` adds the filter: choices for the headings that it lists, and a search for words.

    Parameters
    ----------
    frame : DataFrame
        Columns of text; its index is not shown.
    """
    from IPython.display import HTML

    with pd.option_context("display.max_colwidth", None):
        table = frame.to_html(index=False, border=0, classes="filterable")
    table = table.replace("dataframe filterable", "table filterable", 1)
    return HTML(f'<div class="long-table" tabindex="0" role="region" aria-label="Table">{table}</div>')


def claims_table(claims: list[dict[str, Any]] | pd.DataFrame) -> pd.DataFrame:
    """Tabulate the claims of a study for a notebook, one row each."""
    frame = claims_.table(claims)
    columns = {
        "claim": frame["statement"],
        "published": frame["published"],
        "ours [95% interval]": [ours(c) for c in frame.itertuples()],
        "verdict": [f"{verdict(c)}: {reason(c)}" for c in frame.itertuples()],
    }
    return pd.DataFrame(columns).set_index("claim").rename_axis(None)
