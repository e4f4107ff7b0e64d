"""Right answers that depend on a run's own numbers, computed from its frames when an answer is given."""

from __future__ import annotations

import pandas as pd
from numpy.typing import ArrayLike

from helpers import stats


def hidden_gap_p(success: ArrayLike, silver: pd.DataFrame, *, group: str, n: int, seed: int) -> float | None:
    """p of the largest gap between groups inside any source.

    Parameters
    ----------
    success : (cases,) array
        Whether a case is a success.
    silver : DataFrame
        One row per case, with the column `group` and ``dataset``.
    group : str
        The attribute.
    n, seed : int
        Permutations and seed of the study.

    Returns
    -------
    float or None
        None where no source has two groups large enough.
    """
    return stats.hidden_gap(success, groups=silver[group], sources=silver["dataset"], n=n, seed=seed)["p"]


def ruler_change(both: pd.DataFrame, cases: pd.DataFrame, *, group: str, a: str, b: str) -> float | None:
    """Gap ``b - a`` in mean score that silver shows, less the gap that gold shows.

    Parameters
    ----------
    both : DataFrame
        Columns ``silver`` and ``gold``: one set of predictions by two references, a row a case.
    cases : DataFrame
        The same cases in the same order, with the column `group`.
    group, a, b : str
        The attribute and two of its groups.

    Returns
    -------
    float or None
        None where a group has no case.
    """
    means = (both["silver"] - both["gold"]).groupby(cases[group].to_numpy()).mean()
    return float(means[b] - means[a]) if {a, b} <= set(means.index) else None
