"""Ratios of the means, SDs and variances of a measure between two groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.stats.inputs import group_scores
from helpers.stats.resample import bootstrap


def ratios(
    values: ArrayLike, *, groups: ArrayLike, a: object, b: object, n_boot: int = 10_000, seed: int = 0
) -> dict[str, float]:
    """Compute ratios of group `a` over group `b`: of means (with an interval), of SDs and of variances.

    Parameters
    ----------
    values : array_like of shape (n,)
        A positive measure; cases without a value are left out.
    groups : array_like of shape (n,)
    n_boot, seed : int
        Replicates and seed of the bootstrap interval of the ratio of means.

    Returns
    -------
    dict of str to float
        ``n_a, n_b, mean_ratio, low, high, sd_ratio, variance_ratio``.

    Raises
    ------
    InputError
        A group has fewer than two cases, or `b` does not vary.
    """
    values, groups = np.asarray(values, float), np.asarray(groups, object)
    known = np.isfinite(values)
    data = group_scores(values[known], groups[known])
    first, second = (data.values[data.codes == data.code(name)] for name in (a, b))
    if min(len(first), len(second)) < 2 or second.std() == 0:
        problem = f"{a} has {len(first)} and {b} {len(second)} cases, or {b} does not vary"
        raise InputError("values", problem, "Give two groups of two cases and more.")
    mean = bootstrap(data.values, groups=groups[known], a=a, b=b, statistic="ratio", n_boot=n_boot, seed=seed)
    sd = float(first.std(ddof=1) / second.std(ddof=1))
    found = {"n_a": len(first), "n_b": len(second), "mean_ratio": mean.estimate, "low": mean.low, "high": mean.high}
    return found | {"sd_ratio": sd, "variance_ratio": sd**2}


def ratio_table(form: pd.DataFrame, *, groups: ArrayLike, a: object, b: object, **options: int) -> pd.DataFrame:
    """Tabulate `ratios` of several measures, one row each; a measure that does not vary within `b` is left out.

    Parameters
    ----------
    form : DataFrame
        One column a measure.
    groups, a, b, **options
        As in `ratios`.
    """
    inside = form[np.asarray(groups, object) == b]
    varying = [name for name in form if inside[name].nunique() > 1]
    rows = {name: ratios(form[name], groups=groups, a=a, b=b, **options) for name in varying}
    columns = ["n_a", "n_b", "mean_ratio", "low", "high", "sd_ratio", "variance_ratio"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).astype({"n_a": int, "n_b": int})
