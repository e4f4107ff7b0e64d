"""The one notation of an estimate in results: a mapping with the keys `estimate`, `low`, `high` and `n`.

An estimate that a claim of no effect asks for also has its 90% interval, `low90` and `high90`, which decides such a
claim (two one-sided tests, see `helpers.report.verdicts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.errors import InputError

SEEDS = {"seeds": ("seeds", "runs"), "seeds_share": ("seeds_share",)}  # names of the parts
NO_NUMBER = "Give it, or n=None where no number of units is defined"


def estimate(
    found: object,
    centre: str = "estimate",
    low: str = "low",
    high: str = "high",
    *,
    n: str | float | None = "n",
    units: str | float | None = None,
    null: bool = False,
) -> dict[str, float | int | None]:
    """Write an estimate and its interval as results hold them.

    Parameters
    ----------
    found : Interval, Effect, Mapping or pandas.Series
        A value with an interval, or a row of a table.
    centre, low, high : str
        Names of its parts.
    n : str, number or None
        Number of patients (or of cases or images, where these are the units), or the name of the part that holds it.
        None leaves it out, for an estimate without a number of units.
    units : str or number, optional
        Number of other units, such as simulated cohorts, worlds, runs or tests, or the name of the part that holds it.
        It is written as `n` in place of that of patients.
    null : bool
        Whether to write the 90% interval too, from the parts named as `low` and `high` with 90 at the end, and where
        they are there `seeds` (or `runs`) and `seeds_share`, the number of training seeds and their share of the
        variance.

    Returns
    -------
    dict
        Keys `estimate, low, high` (None where not defined) and `n`; with `null` also `low90, high90`. A number of
        patients is an integer, which a record suppresses if it is small, and the estimate with it. A number of other
        units is a float, which is kept.

    Raises
    ------
    InputError
        A part is not there.
    """
    if isinstance(found, pd.Series):
        found = found.to_dict()
    parts = found if isinstance(found, Mapping) else vars(found)
    if null and hasattr(found, "null_ends"):
        parts = {**parts, **dict(zip((f"{low}90", f"{high}90"), found.null_ends(), strict=True))}
    wanted = {"estimate": centre, "low": low, "high": high}
    wanted |= {"low90": f"{low}90", "high90": f"{high}90"} if null else {}
    if null:
        wanted |= {key: name for key, names in SEEDS.items() for name in names if _number(parts.get(name)) is not None}
    if absent := [name for name in (*wanted.values(), units, n if units is None else None) if _lacks(parts, name)]:
        raise InputError(f"estimate, {absent[0]}", f"only {', '.join(map(str, parts))} are there", NO_NUMBER)
    written: dict[str, float | int | None] = {key: _number(parts[name]) for key, name in wanted.items()}
    count, kind = (n, int) if units is None else (units, float)
    if count is not None:
        written["n"] = kind(parts[count] if isinstance(count, str) else count)
    return written


def estimates(
    table: pd.DataFrame,
    centre: str = "estimate",
    low: str = "low",
    high: str = "high",
    *,
    n: str | float | None = "n",
    units: str | float | None = None,
    null: bool = False,
) -> dict[Any, dict[str, Any]]:
    """Write each row of a table by `estimate`, with the row's other columns after it.

    Parameters
    ----------
    table : pandas.DataFrame
        One estimate a row.
    centre, low, high, n, units, null
        As in `estimate`.

    Returns
    -------
    dict
        Name of the row to its estimate. Without `null`, 90% intervals are left out.
    """
    named = {name for name in (centre, low, high, n, units, f"{low}90", f"{high}90") if isinstance(name, str)}
    named |= {*SEEDS} if null else {"seeds_share"}
    rows = table.to_dict("index")
    others = {k: {name: v for name, v in row.items() if name not in named} for k, row in table.T.to_dict().items()}
    return {k: estimate(row, centre, low, high, n=n, units=units, null=null) | others[k] for k, row in rows.items()}


def _lacks(parts: Mapping[str, Any], name: object) -> bool:
    return isinstance(name, str) and name not in parts


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
