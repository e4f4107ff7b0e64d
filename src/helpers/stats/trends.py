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
from helpers.stats.resample import CHUNK, percentile_interval
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
    compute = _slope if binary else rank_correlation
    replicates = [
        compute(steps, values, weights[:, owner])
        for weights in drawing.blocks(len(step), n_boot=n_boot, seed=seed, step=max(1, CHUNK // len(values)))
    ]
    estimate = float(compute(steps, values, np.ones((1, len(values))))[0])
    found = percentile_interval(estimate, np.concatenate(replicates), len(step), 0.95)
    ranks = values if binary else midranks(values, np.ones(len(values)))
    p = _permuted(step, np.bincount(owner, ranks - ranks.mean()), n, seed)
    return row | {"estimate": estimate, "low": found.low, "high": found.high, "p": p}


def _owners(cluster: ArrayLike | None, n: int) -> np.ndarray:
    if cluster is None:
        return np.arange(n)
    owner, _ = check_groups(cluster, n, "cluster")
    if (owner < 0).any():
        raise InputError("cluster", f"missing in {int((owner < 0).sum())} of {n} rows", "Name the patient of each row.")
    return owner


def _slope(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute the slope of a least-squares line under each row of weights; NaN if only one group is drawn."""
    total = weights.sum(-1)
    sums = weights @ np.stack([x, y, x * y, x * x], axis=1) / total[:, None]
    spread = sums[:, 3] - sums[:, 0] ** 2
    spread[spread < 1e-12] = np.nan
    return (sums[:, 2] - sums[:, 0] * sums[:, 1]) / spread


def _permuted(step: np.ndarray, centred: np.ndarray, n: int, seed: int) -> float:
    """Compute the two-sided p of the sum of step times centred score, by permuting the steps of the patients."""
    rng, observed, reached = np.random.default_rng(seed), abs(step @ centred), 0
    size = max(1, CHUNK // len(step))
    for start in range(0, n, size):
        drawn = rng.permuted(np.tile(step, (min(size, n - start), 1)), axis=1)
        reached += int((np.abs(drawn @ centred) >= observed - 1e-9 * max(1.0, observed)).sum())
    return (1 + reached) / (1 + n)
