"""Rates over the rows of a table, such as the rates of hits and of false alarms over repeated studies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from statsmodels.stats.proportion import proportion_confint

_HOLDS = "(holds)"  # a name that no column has


def rates_by(rows: pd.DataFrame, holds: ArrayLike, *, by: Sequence[str], unit: str | None = None) -> pd.DataFrame:
    """Compute the share of rows in which something holds, for each combination of columns.

    Parameters
    ----------
    rows : DataFrame
        One row for each study, or several.
    holds : array_like of bool, shape (n,)
        True for a row in which it holds, such as a study that names the cause.
    by : sequence of str
        Columns that define the combinations to compare; these keep the order of their first rows.
    unit : str, optional
        Column of the independent unit, if rows are not independent: rows that share a value count as one unit in the
        interval.

    Returns
    -------
    DataFrame
        Columns of `by`, then ``rate, low, high`` (Wilson's 95% interval) and ``n`` (rows, or units).
    """
    marked = rows.assign(**{_HOLDS: np.asarray(holds, bool)})
    groups = marked.groupby(list(by), sort=False, observed=True)
    found = groups.agg(rate=(_HOLDS, "mean"), count=(_HOLDS, "sum"), size=(_HOLDS, "size"))
    n = found["size"] if unit is None else groups[unit].nunique()
    count = found["count"] if unit is None else found["rate"] * n
    low, high = proportion_confint(count, n, method="wilson")
    return found[["rate"]].assign(low=low, high=high, n=n).reset_index()
