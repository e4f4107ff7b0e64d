"""Test of a trend over ordered groups, such as skin types or age bins.

The tests of unordered groups find any difference, and ask nothing of its order. A score that rises or falls from group
to group is found with fewer cases by a test of the trend.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.stats import drawing
from helpers.stats.inputs import check_groups, group_scores, is_binary
from helpers.stats.permuted_sums import null_sums
from helpers.stats.resample import percentile_interval
from helpers.stats.resampled_means import CHUNK, patterns, sum_draws
from helpers.stats.weighted import midranks, rank_correlation

OUTCOMES, SCORES = "Cochran-Armitage", "Spearman"
WHY = {
    OUTCOMES: "the outcome is 0 or 1, so its rate is compared along the groups; the estimate is its change per group",
    SCORES: "scores have any scale, so their ranks are compared along the groups; the estimate is the rank correlation",
}


def trend(
    score: ArrayLike,
    *,
    groups: ArrayLike,
    cluster: ArrayLike | None = None,
    n: int = 5000,
    n_boot: int = 10_000,
    seed: int = 0,
) -> dict[str, object]:
    """Test for a trend of a score, or of a 0/1 outcome, over groups in their order.

    The groups are numbered 1, 2, ... in the order of their categories. For outcomes the statistic is that of Cochran
    and Armitage, for scores the rank correlation of Spearman. Source: Armitage 1955.

    Parameters
    ----------
    score : array_like of shape (n,)
        A score, or outcomes of 0 and 1.
    groups : array_like of shape (n,)
        Labels, three or more; a category without cases takes no number. Cases without a label are left out.
    cluster : array_like of shape (n,), optional
        Patient of each row, if a patient may have several. Patients are then drawn and permuted with all their rows.
        All rows of a patient have one group.
    n, n_boot, seed : int
        Permutations of the groups among the patients, replicates of the bootstrap over patients, and their seed.

    Returns
    -------
    dict
        ``test, why``; ``groups`` (their number) and ``n`` (rows); ``estimate, low, high`` (95% bootstrap interval):
        change of the rate per group, or the rank correlation; and ``p``, two-sided, from the permutations. The numbers
        are NaN if all scores are equal.

    Raises
    ------
    InputError
        There are fewer than three groups, a row has no patient, or a patient two groups.
    """
    data = group_scores(score, groups, at_least=3)
    known = data.codes >= 0
    values, steps = data.values[known], data.codes[known] + 1.0
    owner = _owners(cluster, len(known))[known]
    owner = np.unique(owner, return_inverse=True)[1]
    step = np.zeros(owner.max() + 1)
    step[owner] = steps
    if (step[owner] != steps).any():
        raise InputError("cluster", "a patient has two groups", "Give each patient one group.")
    binary = is_binary(values)
    name = OUTCOMES if binary else SCORES
    row = {"test": name, "why": WHY[name], "groups": len(data.levels), "n": len(values)}
    if np.ptp(values) == 0:
        return row | dict.fromkeys(("estimate", "low", "high", "p"), float("nan"))
    estimate, replicates = trend_draws(steps, values, np.ones(len(values)), owner, n_boot=n_boot, seed=seed)
    found = percentile_interval(estimate, replicates, len(step), 0.95)
    ranks = values if binary else midranks(values, np.ones(len(values)))
    p = _permuted(step, np.bincount(owner, ranks - ranks.mean()), n, seed)
    return row | {"estimate": estimate, "low": found.low, "high": found.high, "p": p}


def trend_draws(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, owner: np.ndarray, *, n_boot: int, seed: int
) -> tuple[float, np.ndarray]:
    """Compute a trend and its replicates, (n_boot,), from patients drawn with all their rows.

    Parameters
    ----------
    x, y, weights : ndarray of shape (n,)
        Number of the group, outcome or score, and weight of each row.
    owner : ndarray of int, shape (n,)
        Patient of each row, from 0.

    Notes
    -----
    The slope of outcomes follows from sums over patients. The rank correlation of `drawing.LARGE` rows or more is
    linearised on the scale of Fisher 1921, the inverse hyperbolic tangent, on which its errors are symmetric: a
    replicate moves by the mean of `influence` over the rows drawn (Efron and Tibshirani 1993, An Introduction to the
    Bootstrap, section 22.4).
    """
    patients, one = owner.max() + 1, weights[None]
    if is_binary(y):
        columns = [weights * column for column in (np.ones(len(x)), x, y, x * y, x * x)]
        table = np.stack([np.bincount(owner, column) for column in columns], axis=1)
        group = np.zeros(patients, int)
        group[owner] = x
        cells = patterns((group[:, None] == np.arange(group.max() + 1)) if (group[owner] == x).all() else table[:, :1])
        sums = sum_draws(table, cells, n_boot=n_boot, seed=seed)
        return float(_slope(table.sum(axis=0)[None])[0]), _slope(sums)
    estimate = float(rank_correlation(x, y, one)[0])
    if len(y) >= drawing.LARGE:
        pull = influence(x, y, weights)
        table = np.stack([np.bincount(owner, weights * column) for column in (pull, np.ones(len(y)))], axis=1)
        sums = sum_draws(table, np.zeros(patients, int), n_boot=n_boot, seed=seed)
        mean, limit = sums[:, 0] / sums[:, 1], 1 - estimate**2
        return estimate, np.tanh(np.arctanh(estimate) + mean / limit) if limit > 1e-12 else estimate + mean
    blocks = drawing.blocks(patients, n_boot=n_boot, seed=seed, step=max(1, CHUNK // len(y)))
    return estimate, np.concatenate([rank_correlation(x, y, times[:, owner] * weights) for times in blocks])


def influence(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute the influence of each row on the rank correlation of Spearman, (n,); its weighted mean is 0.

    It is the derivative of the correlation for a little more weight on the row. A row counts by its ranks, and because
    it shifts the ranks of the rows above it (Croux and Dehon 2010, https://doi.org/10.1007/s10260-010-0142-z).
    """
    share = weights / weights.sum()
    u, v = (midranks(of, share) - 0.5 for of in (x, y))

    def moment(a: np.ndarray, b: np.ndarray, of_a: np.ndarray, of_b: np.ndarray) -> tuple[float, np.ndarray]:
        # the sum over the rows above is less that of the rows below, because all deviations add up to 0
        shifted = (-midranks(of, share * other) for of, other in ((of_a, b), (of_b, a)))
        whole = float(share @ (a * b))
        return whole, a * b + sum(shifted) - 3 * whole

    both, first, second = moment(u, v, x, y), moment(u, u, x, x), moment(v, v, y, y)
    size = np.sqrt(first[0] * second[0])
    return both[1] / size - both[0] / size * (first[1] / first[0] + second[1] / second[0]) / 2


def _owners(cluster: ArrayLike | None, n: int) -> np.ndarray:
    if cluster is None:
        return np.arange(n)
    owner, _ = check_groups(cluster, n, "cluster")
    if (owner < 0).any():
        raise InputError("cluster", f"missing in {int((owner < 0).sum())} of {n} rows", "Name the patient of each row.")
    return owner


def _slope(sums: np.ndarray) -> np.ndarray:
    """Compute slopes of lines from sums of 1, x, y, xy and x^2, (draws, 5); NaN if only one group is drawn."""
    sums = sums[:, 1:] / sums[:, :1]
    spread = sums[:, 3] - sums[:, 0] ** 2
    spread[spread < 1e-12] = np.nan
    return (sums[:, 2] - sums[:, 0] * sums[:, 1]) / spread


def _permuted(step: np.ndarray, centred: np.ndarray, n: int, seed: int) -> float:
    """Compute the two-sided p of the sum of step times centred score, by permuting the steps of the patients."""
    levels, codes = np.unique(step, return_inverse=True)
    sums = next(null_sums(centred, codes, np.zeros(len(codes), int), n, np.random.default_rng(seed)))
    observed = abs(step @ centred)
    reached = int((np.abs(sums @ levels) >= observed - 1e-9 * max(1.0, observed)).sum())
    return (1 + reached) / (1 + n)
