"""Bootstrap intervals of signed contrasts, by resampling patients.

A max-min statistic cannot be negative, so its percentile interval could never cover "no difference". Use a permutation
null for it instead, see `permutation`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.stats import qmc

from helpers.errors import InputError
from helpers.stats.inputs import Grouped, check_groups, check_scores, group_scores, is_binary
from helpers.stats.quantiles import expanded_quantile
from helpers.stats.resampled_means import mean_draws, patterns, sum_draws

Statistic = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Interval:
    """An estimate with its bootstrap percentile interval.

    `dropped` counts undefined replicates (a group was not drawn, or 0/0), which are not in `replicates`. `seeds_share`
    is the share of training seeds in the variance, None if no seed is involved.
    """

    estimate: float
    low: float
    high: float
    level: float
    n: int
    n_boot: int
    dropped: int
    replicates: np.ndarray = field(repr=False, compare=False)
    seeds_share: float | None = field(default=None, repr=False, compare=False)

    def null_ends(self) -> tuple[float, float]:
        """Compute the 90% interval that decides a claim of no effect, from the same replicates; see `null_shares`."""
        return percentiles(self.replicates, null_shares(self.n))

    def __str__(self) -> str:
        span = f"{self.estimate:.3f} [{self.low:.3f}, {self.high:.3f}]"
        return f"{span}, {self.level:.0%} interval, {self.n_boot:,} replicates{'; ' * bool(self.dropped)}{self.note}"

    @property
    def note(self) -> str:
        """Describe the dropped replicates in words; empty if there are none."""
        return f"{self.dropped} of {self.n_boot} replicates undefined and left out" if self.dropped else ""


@dataclass(frozen=True)
class Change:
    """One contrast under two scores of the same patients, and its change (second minus first)."""

    first: Interval
    second: Interval
    change: Interval


def bootstrap(
    score: ArrayLike,
    *,
    groups: ArrayLike,
    cluster: ArrayLike | None = None,
    a: object = None,
    b: object = None,
    statistic: Literal["difference", "ratio"] | Statistic = "difference",
    n_boot: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Compute the percentile bootstrap interval of a contrast, resampling patients from the whole cohort.

    Parameters
    ----------
    score : array_like of shape (n,)
        A score, or the outcomes of `success`: the contrast is then of success rates.
    groups : array_like of shape (n,)
        Labels. Unlabelled patients and other groups are resampled too, so that group sizes vary as in a new cohort.
    cluster : array_like of shape (n,), optional
        Patient of each row, if a patient may have several. Patients are then drawn with all their rows, and every row
        counts the same in a mean. If left out, each row is a patient.
    a, b : object
        The two groups.
    statistic : {"difference", "ratio"} or callable
        ``mean(b) - mean(a)``, ``mean(a) / mean(b)``, or a function ``f(score, groups) -> float`` of the labelled
        patients of one resampled cohort (arrays; slower). NaN from a callable counts as an undefined replicate.
    n_boot : int
        Replicates.
    seed : int
        Seed of `numpy.random.default_rng`.
    level : float
        Coverage of the interval.

    Returns
    -------
    Interval
        Replicates in which a group is not drawn, or in which the ratio is 0/0, are counted in `dropped`. An infinite
        ratio is kept: the ends are then order statistics, and may be infinite. `n` counts patients.

    Raises
    ------
    InputError
        A score is not a number, a group is not there, lengths differ, or a row has no patient.

    Notes
    -----
    Given the multinomial group sizes, the draws within a group are independent. So only rows of `a` and `b` are drawn,
    and for outcomes only the counts of success. The distribution is the same as from resampling all rows, but faster
    to compute. The counts come from scrambled Halton points, which spread the replicates evenly: the ends of an
    interval then hardly depend on the seed (Owen 2017, "A randomized Halton algorithm"). Scores of a group of 100 or
    more are not drawn one by one where `helpers.stats.resampled_means.mean_draws` has a faster way to their mean.
    """
    data = group_scores(score, groups)
    rng = np.random.default_rng(seed)
    owner, n = _owners(cluster, len(data.values))
    if callable(statistic):
        labels = np.array([*data.levels, None], dtype=object)[data.codes]
        estimate, replicates = _bootstrap_callable(data, labels, statistic, n_boot, rng, owner, n)
    else:
        first, second = _pair(data, a, b)
        if owner is None:
            ((means_a,), (means_b,)) = _mean_replicates([data.values[first]], [data.values[second]], data, n_boot, rng)
        else:
            means_a, means_b = _cluster_means(data.values, [first, second], owner, n, n_boot, seed)
        combine = _combine(statistic)
        estimate = float(combine(data.values[first].mean(), data.values[second].mean()))
        replicates = combine(means_a, means_b)
    return percentile_interval(estimate, replicates, n, level)


def bootstrap_change(
    first: ArrayLike,
    second: ArrayLike,
    *,
    groups: ArrayLike,
    a: object,
    b: object,
    statistic: Literal["difference", "ratio"] = "difference",
    n_boot: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> Change:
    """Estimate the change of a contrast between two scores of the same patients, by a paired bootstrap.

    Every replicate takes both scores of the patients drawn, so that variation shared by the scores cancels. Comparing
    two separate intervals would ignore this pairing.

    Parameters
    ----------
    first, second : array_like of shape (n,)
        For example scores against the gold and against the silver reference, or `success` of both.
    statistic : {"difference", "ratio"}
        As in `bootstrap`; the change is ``second - first`` for both.
    """
    data = group_scores(first, groups)
    other = check_scores(second, "second score")
    if len(other) != len(data.values):
        raise InputError("second score", f"{len(other)} values for {len(data.values)} patients", "Give paired scores.")
    rows_a, rows_b = _pair(data, a, b)
    rng, combine = np.random.default_rng(seed), _combine(statistic)
    parts_a, parts_b = ([data.values[rows], other[rows]] for rows in (rows_a, rows_b))
    means_a, means_b = _mean_replicates(parts_a, parts_b, data, n_boot, rng)
    estimates = [float(combine(x.mean(), y.mean())) for x, y in zip(parts_a, parts_b, strict=True)]
    draws = [combine(x, y) for x, y in zip(means_a, means_b, strict=True)]
    with np.errstate(invalid="ignore"):
        change = percentile_interval(estimates[1] - estimates[0], draws[1] - draws[0], len(other), level)
    ends = [percentile_interval(e, d, len(other), level) for e, d in zip(estimates, draws, strict=True)]
    return Change(*ends, change)


def _owners(cluster: ArrayLike | None, n: int) -> tuple[np.ndarray | None, int]:
    """Return the patient code of each row, None if each row is a patient, and the number of patients."""
    if cluster is None:
        return None, n
    owner, names = check_groups(cluster, n, "cluster")
    if (owner < 0).any():
        raise InputError("cluster", f"missing in {int((owner < 0).sum())} of {n} rows", "Name the patient of each row.")
    return owner, len(names)


def _pair(data: Grouped, a: object, b: object) -> tuple[np.ndarray, np.ndarray]:
    if a is None or b is None or a == b:
        raise InputError("a, b", f"two groups are needed, got {a!r} and {b!r}", f"Name two of {data.levels}.")
    return data.codes == data.code(a), data.codes == data.code(b)


def _combine(statistic: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    if statistic == "difference":
        return lambda mean_a, mean_b: mean_b - mean_a
    if statistic == "ratio":

        def ratio(mean_a: np.ndarray, mean_b: np.ndarray) -> np.ndarray:
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.divide(mean_a, mean_b)

        return ratio
    raise InputError("statistic", f"must be difference, ratio or a function, got {statistic!r}", "Give one of these")


def _mean_replicates(
    parts_a: list[np.ndarray], parts_b: list[np.ndarray], data: Grouped, n_boot: int, rng: np.random.Generator
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Compute resampled means of each score in groups a and b; NaN if the group is not drawn."""
    n, n_a, n_b = len(data.values), len(parts_a[0]), len(parts_b[0])
    sizes = rng.multinomial(n, [n_a / n, n_b / n, (n - n_a - n_b) / n], size=n_boot)
    if not all(is_binary(part) for part in (*parts_a, *parts_b)):
        sides = ((parts_a, sizes[:, 0]), (parts_b, sizes[:, 1]))
        return tuple(list(mean_draws(np.stack(parts, axis=1), size, rng).T) for parts, size in sides)
    free = 2 ** len(parts_a) - 1  # counts of all outcome patterns but the last, which follows from them
    even = qmc.Halton(2 * free, rng=rng).random(n_boot)
    return _outcome_means(parts_a, sizes[:, 0], even[:, :free]), _outcome_means(parts_b, sizes[:, 1], even[:, free:])


def _cluster_means(
    values: np.ndarray, sides: list[np.ndarray], owner: np.ndarray, n: int, n_boot: int, seed: int
) -> tuple[np.ndarray, ...]:
    """Compute resampled means of the rows of each side, drawing whole patients; NaN if no row of a side is drawn."""
    columns = [np.bincount(owner, side * part, n) for side in sides for part in (values, np.ones(len(values)))]
    table = np.stack(columns, axis=1)
    sums = sum_draws(table, patterns(table[:, 1::2]), n_boot=n_boot, seed=seed)
    with np.errstate(invalid="ignore"):
        return tuple(sums[:, k] / sums[:, k + 1] for k in (0, 2))


def _outcome_means(parts: list[np.ndarray], sizes: np.ndarray, uniform: np.ndarray) -> list[np.ndarray]:
    """Compute the means of `mean_draws` for 0/1 outcomes, from multinomial counts of the outcome patterns.

    The counts are drawn as a sequence of conditional binomials, from `uniform` of shape (replicates, patterns - 1).
    """
    pattern = sum(part.astype(int) << k for k, part in enumerate(parts))
    weights = np.bincount(pattern, minlength=2 ** len(parts)) / len(pattern)
    counts, left = np.empty((len(sizes), len(weights))), sizes.astype(float)
    for k, weight in enumerate(weights[:-1]):
        share = weight / max(weights[k:].sum(), weight, np.finfo(float).tiny)
        counts[:, k] = np.clip(stats.binom.ppf(uniform[:, k], left, share), 0, left)
        left = left - counts[:, k]
    counts[:, -1] = left
    with np.errstate(invalid="ignore"):
        return [counts[:, np.arange(len(weights)) >> k & 1 == 1].sum(axis=1) / sizes for k in range(len(parts))]


def _bootstrap_callable(
    data: Grouped,
    labels: np.ndarray,
    statistic: Statistic,
    n_boot: int,
    rng: np.random.Generator,
    owner: np.ndarray | None,
    n: int,
) -> tuple[float, np.ndarray]:
    kept = data.codes >= 0
    estimate = float(statistic(data.values[kept], labels[kept]))
    replicates, rows_of = np.empty(n_boot), _rows_of(owner, n)
    for i in range(n_boot):
        rows = rng.integers(0, n, size=n)
        rows = rows if rows_of is None else np.concatenate([rows_of[k] for k in rows])
        rows = rows[kept[rows]]
        lost = len(np.unique(data.codes[rows])) < len(data.levels)
        replicates[i] = np.nan if lost else statistic(data.values[rows], labels[rows])
    return estimate, replicates


def _rows_of(owner: np.ndarray | None, n: int) -> list[np.ndarray] | None:
    if owner is None:
        return None
    return np.split(np.argsort(owner, kind="stable"), np.cumsum(np.bincount(owner, minlength=n))[:-1])


def percentile_interval(estimate: float, replicates: np.ndarray, n: int, level: float) -> Interval:
    """Compute the interval from the replicates of a statistic; undefined ones (NaN) are left out and counted.

    Raises
    ------
    InputError
        The estimate or every replicate is undefined.
    """
    if np.isnan(estimate):
        raise InputError("statistic", "undefined on these cases (0/0)", "Use a threshold that some case passes.")
    defined = replicates[~np.isnan(replicates)]
    if not len(defined):
        raise InputError("bootstrap", "no replicate is defined", "The groups are too small to resample.")
    dropped = len(replicates) - len(defined)
    ends = percentiles(defined, (0.5 - level / 2, 0.5 + level / 2))
    return Interval(estimate, *ends, level, n, len(replicates), dropped, defined)


def percentiles(replicates: np.ndarray, shares: tuple[float, float]) -> tuple[float, float]:
    """Compute percentiles of defined replicates at two shares; order statistics if some replicates are infinite."""
    method = "linear" if np.isfinite(replicates).all() else "nearest"
    low, high = np.quantile(replicates, shares, method=method)
    return float(low), float(high)


def null_shares(n: int) -> tuple[float, float]:
    """Return the shares of replicates below the ends of a 90% interval of two groups with n patients together.

    They make up for few patients by `expanded_quantile`, and stay inside those of a 95% interval.
    """
    low = float(stats.norm.cdf(-expanded_quantile(n, 0.95)))
    return max(low, 0.025), 1 - max(low, 0.025)
