"""Right answers that depend on a run's results, computed from its frames when a student has given an answer."""

from __future__ import annotations

import pandas as pd
from numpy.typing import ArrayLike

from helpers import stats


def hidden_gap_p(success: ArrayLike, silver: pd.DataFrame, *, group: str, n: int, seed: int) -> float | None:
    """Compute the p-value of the largest gap between groups within any source.

    Parameters
    ----------
    success : (cases,) array
        True for each case that is a success.
    silver : DataFrame
        One row per case, with the column `group` and ``dataset``.
    group : str
        The attribute.
    n, seed : int
        Number of permutations and seed of the study.

    Returns
    -------
    float or None
        None if no source has two groups that are large enough.
    """
    return stats.hidden_gap(success, groups=silver[group], sources=silver["dataset"], n=n, seed=seed)["p"]


def ruler_change(both: pd.DataFrame, cases: pd.DataFrame, *, group: str, a: str, b: str) -> float | None:
    """Subtract the gap ``b - a`` in mean score against the gold reference from the gap against the silver reference.

    Parameters
    ----------
    both : DataFrame
        Columns ``silver`` and ``gold``: scores of one set of predictions against the two references, one row per case.
    cases : DataFrame
        The same cases in the same order, with the column `group`.
    group, a, b : str
        The attribute and two of its groups.

    Returns
    -------
    float or None
        None if a group has no case.
    """
    means = (both["silver"] - both["gold"]).groupby(cases[group].to_numpy()).mean()
    return float(means[b] - means[a]) if {a, b} <= set(means.index) else None
