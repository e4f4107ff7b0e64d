"""Null distributions of max-min statistics, by permuting the scores between the groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.stats.inputs import check_groups, group_scores
from helpers.stats.permuted_sums import blocks_of, null_sums
from helpers.stats.resample import Statistic


@dataclass(frozen=True)
class Permutation:
    """An observed statistic and its permutation null; ``p = (1 + #(null >= observed)) / (1 + n)``."""

    statistic: float
    p: float
    n: int
    null: np.ndarray = field(repr=False, compare=False)


def permutation(
    score: ArrayLike,
    *,
    groups: ArrayLike,
    statistic: Literal["gap"] | Statistic = "gap",
    n: int = 10_000,
    seed: int = 0,
    strata: ArrayLike | None = None,
) -> Permutation:
    """Test the null hypothesis "the score does not depend on the group" by permutation.

    Parameters
    ----------
    score : array_like of shape (n,)
        A score, or the outcomes of `success`: "gap" is then the demographic parity difference.
    statistic : "gap" or callable
        Largest minus smallest group mean, or ``f(score, groups) -> float``, with large values as evidence against the
        null.
    n, seed : int
        Permutations and their seed.
    strata : array_like of shape (n,), optional
        Permute only within these (for example the source), so that differences between strata are kept. Cases with a
        missing stratum form an additional one.

    Returns
    -------
    Permutation

    Notes
    -----
    For "gap" the scores of a stratum of 100 or more are not moved one by one where
    `helpers.stats.permuted_sums.null_sums` has a faster way to the sums of groups.
    """
    whole = group_scores(score, groups)
    kept = whole.codes >= 0
    data = whole.labelled()
    block = np.zeros(len(data.values), dtype=int)
    if strata is not None:
        block = check_groups(strata, len(whole.values), "strata")[0][kept]
    rng = np.random.default_rng(seed)
    order = np.argsort(block, kind="stable")
    values, codes, block = data.values[order], data.codes[order], block[order]
    sizes = np.bincount(codes, minlength=len(data.levels))
    if callable(statistic):
        labels = np.array(data.levels, dtype=object)[codes]
        observed = float(statistic(values, labels))
        null = np.array([statistic(_shuffle(values, block, rng), labels) for _ in range(n)])
    else:
        observed = _max_min(np.bincount(codes, weights=values)[None] / sizes)[0]
        null = _max_min(sum(null_sums(values, codes, block, n, rng)) / sizes)
    if np.isnan(observed) or np.isnan(null).any():
        raise InputError("statistic", "it is NaN for these scores or a permutation", "Return a number for any scores.")
    return compared(float(observed), null)


def compared(observed: float, null: np.ndarray) -> Permutation:
    """Compare an observed statistic with its null; sums of the same numbers in another order count as ties."""
    tolerance = 1e-12 * max(1.0, abs(observed))
    return Permutation(observed, float((1 + (null >= observed - tolerance).sum()) / (1 + len(null))), len(null), null)


def _max_min(means: np.ndarray) -> np.ndarray:
    return means.max(axis=1) - means.min(axis=1)


def _shuffle(values: np.ndarray, block: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    shuffled = values.copy()
    for part in blocks_of(block):
        shuffled[part] = rng.permuted(shuffled[part])
    return shuffled
