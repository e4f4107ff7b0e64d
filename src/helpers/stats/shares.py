"""Rates over the rows of a table, such as hits and false alarms over repeated studies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from statsmodels.stats.proportion import proportion_confint


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
    """
    groups = pd.Series(np.asarray(holds, bool), index=rows.index).groupby([rows[name] for name in by], sort=False)
    count, n = groups.sum().to_numpy(int), groups.size().to_numpy(int)
    low, high = proportion_confint(count, n, alpha=1 - level, method="wilson")
    names = groups.size().index.to_frame(index=False)
    return names.assign(rate=count / n, low=low, high=high, n=n)
