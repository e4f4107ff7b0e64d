"""Null distributions of max-min statistics, by permuting the scores between the groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.stats.inputs import check_groups, group_scores, is_binary
from helpers.stats.resample import CHUNK, Statistic


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
        null = np.array([statistic(_shuffle(values, block, rng, 1)[0], labels) for _ in range(n)])
    else:
        observed = _max_min(np.bincount(codes, weights=values)[None] / sizes)[0]
        null = np.concatenate([_max_min(sums / sizes) for sums in _null_sums(values, codes, block, n, rng)])
    if np.isnan(observed) or np.isnan(null).any():
        raise InputError("statistic", "it is NaN for these scores or a permutation", "Return a number for any scores.")
    tolerance = 1e-12 * max(1.0, abs(observed))  # sums of the same numbers in another order count as ties
    return Permutation(float(observed), float((1 + (null >= observed - tolerance).sum()) / (1 + n)), n, null)


def _max_min(means: np.ndarray) -> np.ndarray:
    return means.max(axis=1) - means.min(axis=1)


def _blocks(block: np.ndarray) -> list[slice]:
    edges = np.flatnonzero(np.diff(block)) + 1
    return [slice(start, stop) for start, stop in zip([0, *edges], [*edges, len(block)], strict=True)]


def _shuffle(values: np.ndarray, block: np.ndarray, rng: np.random.Generator, n: int) -> np.ndarray:
    shuffled = np.repeat(values[None], n, axis=0)
    for part in _blocks(block):
        shuffled[:, part] = rng.permuted(shuffled[:, part], axis=1)
    return shuffled


def _null_sums(
    values: np.ndarray, codes: np.ndarray, block: np.ndarray, n: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield group sums under permutation, in chunks of shape (m, groups)."""
    n_groups = codes.max() + 1
    if is_binary(values):
        total = 0
        for part in _blocks(block):
            sizes = np.bincount(codes[part], minlength=n_groups)
            total = total + rng.multivariate_hypergeometric(sizes, int(values[part].sum()), size=n, method="marginals")
        yield total
        return
    member = (codes[:, None] == np.arange(n_groups)).astype(float)
    step = max(1, CHUNK // len(values))
    for start in range(0, n, step):
        yield _shuffle(values, block, rng, min(step, n - start)) @ member
