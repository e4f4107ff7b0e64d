"""Rates over the rows of a table, such as hits and false alarms over repeated studies."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.stats.inputs import check_success
from helpers.stats.intervals import wilson


def rates_by(rows: pd.DataFrame, holds: ArrayLike, *, by: Sequence[str], level: float = 0.95) -> pd.DataFrame:
    """Compute the share of rows in which something holds, for each combination of columns.

    Parameters
    ----------
    rows : DataFrame
        One row for each study, or several; rows of one combination must be independent.
    holds : array_like of bool, shape (n,)
        Whether it holds in a row, such as whether a cause is named.
    by : sequence of str
        Columns whose combinations are compared; they come in the order of their first rows.
    level : float
        Coverage of Wilson's interval.

    Returns
    -------
    DataFrame
        Columns of `by`, then ``rate, low, high`` (Wilson) and ``n`` (rows).

    Raises
    ------
    InputError
        `holds` has missing values or another length than `rows`, or a value of `by` is missing.
    """
    values = check_success(holds, "holds")
    if len(values) != len(rows):
        raise InputError("holds", f"{len(values)} values for {len(rows)} rows", "Give one value per row")
    if missing := [name for name in by if rows[name].isna().any()]:
        raise InputError(f"column {missing[0]}", "a value is missing", "Leave such rows out, or name the missing value")
    groups = pd.Series(values, index=rows.index).groupby([rows[name] for name in by], sort=False)
    count, n = groups.sum().to_numpy(int), groups.size().to_numpy(int)
    low, high = wilson(count, n, alpha=1 - level)
    names = groups.size().index.to_frame(index=False)
    return names.assign(rate=count / n, low=low, high=high, n=n)
