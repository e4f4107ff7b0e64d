"""Differences of a per-case score between groups, in the units of the score and as success rates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from statsmodels.stats.proportion import confint_proportions_2indep

from helpers.errors import InputError
from helpers.stats.inputs import check_scores, group_scores
from helpers.stats.intervals import half_width_of, wilson


def by_group(score: ArrayLike, *, groups: ArrayLike, level: float = 0.95, show_missing: bool = False) -> pd.DataFrame:
    """Describe the score in each group.

    Parameters
    ----------
    score, groups : array_like of shape (n,)
        One score and one label per case. Cases without a label are left out and counted.
    level : float
        Coverage of the t interval for the mean.
    show_missing : bool
        Append a row ``(missing)`` for the cases without a label.

    Returns
    -------
    pandas.DataFrame
        Index ``group``; columns ``n, mean, sd`` (ddof 1), ``low, high, median, q1, q3, note``.
        A group of one case has no SD and no interval: they are NaN and the note is "too few".
        ``attrs["missing"]`` is the number of cases without a label.
    """
    data = group_scores(score, groups, at_least=1)
    named = list(zip(data.levels, data.split(), strict=True))
    if show_missing and data.n_missing:
        named.append(("(missing)", data.values[data.codes < 0]))
    rows = []
    for group, values in named:
        n, mean = len(values), values.mean()
        sd = values.std(ddof=1) if n > 1 else np.nan
        half = half_width_of(sd, n, level=level) if n > 1 else np.nan
        q1, median, q3 = np.quantile(values, [0.25, 0.5, 0.75])
        note = "" if n > 1 else "too few"
        rows.append((group, n, mean, sd, mean - half, mean + half, median, q1, q3, note))
    columns = ["group", "n", "mean", "sd", "low", "high", "median", "q1", "q3", "note"]
    table = pd.DataFrame(rows, columns=columns).set_index("group")
    table.attrs["missing"] = data.n_missing
    return table


def gap(score: ArrayLike, *, groups: ArrayLike) -> float:
    """Compute the fairness gap: the largest minus the smallest group mean.

    It cannot be negative, and is biased upward if groups are small. Test it with `permutation`, and compute intervals
    for a signed `contrast` instead.
    """
    means = _means(score, groups)
    return float(means.max() - means.min())


def contrast(score: ArrayLike, *, groups: ArrayLike, a: object, b: object) -> float:
    """Compute the signed difference of two group means, ``mean(b) - mean(a)``."""
    data = group_scores(score, groups)
    first, second = (data.values[data.codes == data.code(level)] for level in (a, b))
    return float(second.mean() - first.mean())


def equity_scaled(score: ArrayLike, *, groups: ArrayLike, alpha: float = 1.0) -> float:
    """Compute the equity-scaled score, ``D / (1 + alpha * sum_g |D_g - D|)`` with D the mean over the labelled cases.

    The sum over groups grows with the number of groups, so compare values only within one attribute. Source: FairSeg,
    Tian et al. 2024.
    """
    data = group_scores(score, groups, at_least=1).labelled()
    overall = data.values.mean()
    spread = sum(abs(values.mean() - overall) for values in data.split())
    return float(overall / (1 + alpha * spread))


def success(
    score: ArrayLike, *, threshold: float | None = None, quantile: float | None = None
) -> tuple[np.ndarray, float]:
    """Mark the cases that are a success, and return the threshold used.

    Parameters
    ----------
    threshold : float, optional
        Success is ``score > threshold``.
    quantile : float, optional
        Success is ``score >= numpy.quantile(score, quantile)`` over all cases given: 0.75 is the top quarter.

    Returns
    -------
    success : ndarray of bool, shape (n,)
    threshold : float

    Raises
    ------
    InputError
        Neither of both is given, or both; or so many scores tie at the lowest that every case is in the top part, which
        is then undefined.
    """
    values = check_scores(score)
    if (threshold is None) == (quantile is None):
        raise InputError("threshold, quantile", "exactly one of them is needed", "Give threshold=0.8 or quantile=0.75.")
    if threshold is not None:
        return values > threshold, float(threshold)
    if not 0 < quantile < 1:
        raise InputError("quantile", f"{quantile} is not between 0 and 1", "Give 0.75 for the top quarter.")
    cut = float(np.quantile(values, quantile))
    if cut == values.min():  # every case would be a success
        tied = int((values == cut).sum())
        problem = f"the best {1 - quantile:.0%} is undefined, because {tied} of {len(values)} scores tie at {cut:g}"
        raise InputError("quantile", f"{problem}, the lowest", "Give a threshold instead.")
    return values >= cut, cut


def success_rates(success: ArrayLike, *, groups: ArrayLike, level: float = 0.95) -> pd.DataFrame:
    """Compute the number of successes, n, the success rate and its Wilson interval per group.

    Returns
    -------
    pandas.DataFrame
        Index ``group``; columns ``count, n, rate, low, high``; ``attrs["missing"]`` counts cases without a label.
    """
    data = group_scores(success, groups, at_least=1, name="success")
    parts = data.split()
    count, n = (np.array(v, dtype=int) for v in ([p.sum() for p in parts], [len(p) for p in parts]))
    low, high = wilson(count, n, alpha=1 - level)
    columns = {"count": count, "n": n, "rate": count / n, "low": low, "high": high}
    table = pd.DataFrame(columns, index=pd.Index(data.levels, name="group"))
    table.attrs["missing"] = data.n_missing
    return table


def demographic_parity_difference(success: ArrayLike, *, groups: ArrayLike) -> float:
    """Compute the demographic parity difference (DPD): the largest minus the smallest success rate over the groups.

    It is never negative; see `gap`.
    """
    rates = success_rates(success, groups=groups)["rate"]
    _need_two(rates)
    return float(rates.max() - rates.min())


def disparate_impact_ratio(success: ArrayLike, *, groups: ArrayLike) -> float:
    """Compute the disparate impact ratio (DIR): the smallest over the largest success rate.

    It is 0 if a group never succeeds, and undefined (InputError) if no group does.
    """
    rates = success_rates(success, groups=groups)["rate"]
    _need_two(rates)
    return _ratio(rates.min(), rates.max())


def rate_ratio(success: ArrayLike, *, groups: ArrayLike, a: object, b: object) -> float:
    """Compute the ratio of two success rates in this order, ``rate(a) / rate(b)``; infinite if only `b` never succeeds.

    Below 1, group `a` is worse off. Unlike `disparate_impact_ratio` it can exceed 1, so that an interval can cover 1.
    """
    data = group_scores(success, groups, name="success")
    rate_a, rate_b = (data.values[data.codes == data.code(level)].mean() for level in (a, b))
    return _ratio(rate_a, rate_b)


def threshold_sweep(
    score: ArrayLike,
    *,
    groups: ArrayLike,
    a: object,
    b: object,
    thresholds: Sequence[float] | None = None,
    quantiles: Sequence[float] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compute the rate difference and ratio of two groups for many definitions of success.

    Parameters
    ----------
    thresholds : sequence of float, optional
        Fixed thresholds (success is ``>``); by default 0.50 to 0.96 in steps of 0.02.
    quantiles : sequence of float, optional
        Quantiles of all scores instead of fixed thresholds (success is ``>=``). Include 0.75, which the papers use.

    Returns
    -------
    pandas.DataFrame
        Columns ``threshold, quantile, count_a, n_a, rate_a, count_b, n_b, rate_b, difference`` (b - a) with
        ``difference_low, difference_high`` (Newcombe), ``ratio`` (a / b) with ``ratio_low, ratio_high`` (log
        method), ``saturated, note``. `saturated` marks rows in which more than 95% or fewer than 5% of both groups
        together succeed: the ratio is then close to 1 or unstable, whatever the scores are. A top part that ties leave
        undefined (see `success`) has no numbers, and the reason in ``note``.
    """
    data = group_scores(score, groups)
    in_a, in_b = (data.codes == data.code(level_) for level_ in (a, b))
    if thresholds is None and quantiles is None:
        thresholds = np.round(np.arange(0.50, 0.961, 0.02), 2)
    definitions = [(q, {"quantile": q}) for q in quantiles or ()] or [(np.nan, {"threshold": t}) for t in thresholds]
    rows = []
    for quantile, definition in definitions:
        try:
            good, cut = success(data.values, **definition)
        except InputError as error:
            if np.isnan(quantile) or not 0 < quantile < 1:
                raise
            rows.append(_nothing(quantile, error.problem))
            continue
        counts = [int(good[in_a].sum()), int(in_a.sum()), int(good[in_b].sum()), int(in_b.sum())]
        rows.append({"threshold": cut, "quantile": quantile, **_two_rates(*counts, level)})
    return pd.DataFrame(rows)


def _nothing(quantile: float, note: str) -> dict[str, object]:
    """Return the row of a top part that is undefined."""
    names = ["threshold", "rate_a", "rate_b", "difference", "difference_low", "difference_high"]
    numbers = dict.fromkeys([*names, "count_a", "n_a", "count_b", "n_b", "ratio", "ratio_low", "ratio_high"], np.nan)
    return numbers | {"quantile": quantile, "saturated": True, "note": note}


def _two_rates(k_a: int, n_a: int, k_b: int, n_b: int, level: float) -> dict[str, object]:
    rate_a, rate_b, pooled = k_a / n_a, k_b / n_b, (k_a + k_b) / (n_a + n_b)
    low, high = confint_proportions_2indep(k_b, n_b, k_a, n_a, compare="diff", method="newcomb", alpha=1 - level)
    row = {"count_a": k_a, "n_a": n_a, "rate_a": rate_a, "count_b": k_b, "n_b": n_b, "rate_b": rate_b}
    row |= {"difference": rate_b - rate_a, "difference_low": low, "difference_high": high}
    defined = k_a > 0 and k_b > 0
    ends = (np.nan, np.nan)
    if defined and (k_a, k_b) == (n_a, n_b):
        ends = (1.0, 1.0)
    elif defined:
        ends = confint_proportions_2indep(k_a, n_a, k_b, n_b, compare="ratio", method="log", alpha=1 - level)
    ratio = rate_a / rate_b if k_b else (np.inf if k_a else np.nan)
    saturated = pooled > 0.95 or pooled < 0.05
    note = "" if defined else "no success in " + " and ".join(s for s, k in (("a", k_a), ("b", k_b)) if not k)
    note = note or ("nearly every case succeeds" if pooled > 0.95 else "hardly a case succeeds" if saturated else "")
    return row | {"ratio": ratio, "ratio_low": ends[0], "ratio_high": ends[1], "saturated": saturated, "note": note}


def _means(score: ArrayLike, groups: ArrayLike) -> np.ndarray:
    return np.array([values.mean() for values in group_scores(score, groups).split()])


def _need_two(rates: pd.Series) -> None:
    if len(rates) < 2:
        problem = f"{len(rates)} group(s) with cases ({list(rates.index)}), at least 2 are needed"
        raise InputError("groups", problem, "Compare an attribute that takes two or more values in these cases.")


def _ratio(top: float, bottom: float) -> float:
    if bottom == 0 and top == 0:
        raise InputError("success", "no case of either group succeeds, a ratio is undefined", "Use a lower threshold.")
    return float("inf") if bottom == 0 else float(top / bottom)
