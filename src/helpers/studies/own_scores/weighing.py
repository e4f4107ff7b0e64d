"""Means of groups whose cases have design weights: Kish's effective n, standard errors, and a bootstrap null of a gap.

A weight is one over the probability with which a case was drawn. Weights are relative: only their ratios count.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from helpers.stats.crossed import two_sided_p
from helpers.stats.inputs import is_binary
from helpers.stats.intervals import wilson
from helpers.stats.resample import percentile_interval
from helpers.stats.resampled_means import patterns, sum_draws
from helpers.stats.trends import OUTCOMES, SCORES, WHY, trend_draws

ROUNDING = 1e-12  # a smaller spread is none
EFFECTIVE = "effective n"  # column of Kish's effective n: no size of people, so that it suppresses nothing


def effective(weights: np.ndarray) -> float:
    """Compute Kish's effective n, the square of the sum of weights over the sum of their squares; 0 without a case.

    As many cases of equal weight have the same variance of a mean, if weights do not depend on the score. Source: Kish
    1965, section 11.7.
    """
    return float(weights.sum() ** 2 / (weights**2).sum()) if len(weights) else 0.0


def effective_sizes(groups: pd.Series, weights: pd.Series) -> pd.Series:
    """Compute the effective n of each group; the index has the groups, and cases without a group as NaN."""
    return weights.groupby(groups, observed=True, dropna=False).agg(lambda of: round(effective(of.to_numpy()), 1))


class Mean(NamedTuple):
    """A weighted mean, its standard error, and the weighted standard deviation and median of the cases."""

    mean: float
    error: float
    sd: float
    median: float


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> Mean:
    """Compute a weighted mean with its standard error by linearisation, NaN for one case.

    The error is that of a ratio of two sums over cases drawn with replacement (Särndal, Swensson and Wretman 1992,
    section 5.7). With equal weights it is the SD over the root of n, and the median the usual one.

    Parameters
    ----------
    values, weights : ndarray of shape (n,)
    """
    n, share = len(values), weights / weights.sum()
    mean = float(share @ values)
    order = np.argsort(values, kind="stable")
    middle = np.cumsum(share[order]) - share[order] / 2
    median = float(np.interp(0.5, middle, values[order]))
    if n < 2:
        return Mean(mean, float("nan"), float("nan"), median)
    squares, more = (values - mean) ** 2, n / (n - 1)
    return Mean(mean, float(np.sqrt(more * (share**2 @ squares))), float(np.sqrt(more * (share @ squares))), median)


def contributions(values: np.ndarray, weights: np.ndarray, patient: np.ndarray) -> np.ndarray:
    """Compute what each patient contributes to the error of a weighted mean; its length is that of `weighted_mean`.

    Parameters
    ----------
    values, weights : ndarray of shape (n,)
        Cases that do not count have the weight 0; of those that count each is of another patient.
    patient : ndarray of int, shape (n,)
    """
    share, n = weights / weights.sum(), int((weights > 0).sum())
    return np.sqrt(n / (n - 1)) * np.bincount(patient, share * (values - share @ values))


def rate_interval(rate: float, error: float, units: float) -> tuple[float, float]:
    """Compute Wilson's 95% interval of a weighted rate, for the number of cases that has its standard error.

    Where the error is 0, because all cases are alike, it is that of `units` cases. Source: Korn and Graubard 1998 for
    the number, with another interval.
    """
    n = rate * (1 - rate) / error**2 if error > ROUNDING else units
    low, high = wilson(np.clip(rate, 0, 1) * n, n)
    return float(low), float(high)


class Drawn(NamedTuple):
    """Weighted means of each column of values in each group, (columns, groups), and in (n_boot,) resampled tables."""

    means: np.ndarray
    draws: np.ndarray


def resampled_means(
    values: np.ndarray,
    codes: np.ndarray,
    weights: np.ndarray,
    *,
    patient: np.ndarray | None = None,
    n_boot: int,
    seed: int,
) -> Drawn:
    """Compute weighted means by group, and their replicates from cases drawn with their weights from the whole table.

    Parameters
    ----------
    values : ndarray of shape (n, columns)
        All columns of a replicate have the same cases.
    codes : ndarray of int, shape (n,)
        Group of each case, -1 for none.
    weights : ndarray of shape (n,)
    patient : ndarray of int, shape (n,), optional
        Number of the patient of each case, from 0; patients are then drawn, with all their cases.
    n_boot, seed : int
    """
    n, columns = values.shape
    member = weights[:, None] * (codes[:, None] == np.arange(codes.max() + 1))
    table = np.concatenate([member[:, None], values[:, :, None] * member[:, None]], axis=1).reshape(n, -1)
    if patient is not None:
        table = np.stack([np.bincount(patient, column) for column in table.T], axis=1)

    def means(sums: np.ndarray) -> np.ndarray:
        sums = sums.reshape(len(sums), columns + 1, -1)
        with np.errstate(invalid="ignore"):
            return sums[:, 1:] / sums[:, :1]

    cells = patterns(table[:, : member.shape[1]])
    return Drawn(means(table.sum(axis=0)[None])[0], means(sum_draws(table, cells, n_boot=n_boot, seed=seed)))


def null_gaps(estimate: np.ndarray, draws: np.ndarray, reach: np.ndarray, *, seed: int) -> np.ndarray:
    """Compute the largest less the smallest statistic over groups as chance alone gives it, (n_boot,).

    It is NaN where a group is not drawn.
    Each group's replicates are centred on 0, as if no group differed. This holds if weights or patients with several
    rows differ between the groups, which a permutation does not allow. Source: Hall and Wilson 1991.

    Parameters
    ----------
    estimate : ndarray of shape (groups,)
    draws : ndarray of shape (n_boot, groups)
    reach : ndarray of shape (groups,)
        Standard deviation to use for a group whose replicates are all equal, as those of a rate of 0 or 1 are.
    seed : int
    """
    centred = draws - estimate
    flat = np.nanmax(draws, axis=0) - np.nanmin(draws, axis=0) < ROUNDING
    centred[:, flat] = np.random.default_rng(seed).normal(0, reach[flat], (len(draws), int(flat.sum())))
    return np.ptp(centred, axis=1)


def reach_of(rate: float, n: float) -> float:
    """Compute the standard deviation of a rate of 0 or 1 of `n` cases: to the far end of Wilson's interval."""
    low, high = wilson(rate * n, n)
    return float(max(high - rate, rate - low) / stats.norm.ppf(0.975))


def judged(observed: float, null: np.ndarray) -> dict[str, float]:
    """Compute ``expected``, the mean of the null, and ``p``, the share that reaches the observed gap (1 added to both).

    Undefined replicates are left out.
    """
    known = null[~np.isnan(null)]
    p = (1 + int((known >= observed - ROUNDING).sum())) / (1 + len(known))
    return {"expected": float(known.mean()), "p": p}


def weighted_trend(
    values: ArrayLike,
    codes: ArrayLike,
    weights: ArrayLike,
    patient: np.ndarray | None = None,
    *,
    n: int = 0,
    n_boot: int = 10_000,
    seed: int = 0,
) -> dict[str, object]:
    """Estimate a trend over ordered groups as `stats.trend` does, with weights; p is that of a bootstrap over patients.

    Parameters
    ----------
    values, codes, weights : array_like of shape (n,)
        Score or outcome of each row, position of its group, and design weight.
    patient : ndarray of int, optional
        Patient of each row, if one may have several.
    n : int
        Without effect: there are no permutations.
    n_boot, seed : int
    """
    y, weights = np.asarray(values, float), np.asarray(weights, float)
    x = np.unique(np.asarray(codes), return_inverse=True)[1] + 1.0
    owner = np.arange(len(y)) if patient is None else np.unique(patient, return_inverse=True)[1]
    binary = is_binary(y)
    name = OUTCOMES if binary else SCORES
    row = {"test": name, "why": WHY[name], "groups": int(x.max()), "n": len(y)}
    if np.ptp(y) == 0:
        return row | dict.fromkeys(("estimate", "low", "high", "p"), float("nan"))

    estimate, draws = trend_draws(x, y, weights, owner, n_boot=n_boot, seed=seed)
    found = percentile_interval(estimate, draws, owner.max() + 1, 0.95)
    return row | {"estimate": found.estimate, "low": found.low, "high": found.high, "p": two_sided_p(found)}
