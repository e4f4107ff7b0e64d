"""Sums of groups when scores are permuted among them, in the cheapest way that keeps their distribution.

Each stratum is permuted in itself. In a large one not every score is moved: outcomes and scores of few values are
drawn as counts, and the sums of large groups at once, from normal numbers corrected for the skewness of the scores.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from helpers.stats.resampled_means import CHUNK, FEW, HEAVY, MANY, SKEWED, distinct, expanded

LARGE = 100  # cases of a group whose sum is drawn at once


def null_sums(
    values: np.ndarray, codes: np.ndarray, block: np.ndarray, n: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield for each block the sum of each group when values are permuted within the block, (n, groups).

    Parameters
    ----------
    values : ndarray of shape (cases,)
    codes, block : ndarray of int, shape (cases,)
        Group and block of each case; cases of a block follow each other.
    n : int
        Permutations.

    Notes
    -----
    Values of 0 and 1 have hypergeometric counts. Of other values, a block of fewer than `MANY` cases is shuffled.
    A larger one with few distinct values has one hypergeometric count for each value and group. Otherwise `_smooth`
    draws the sums, or, if it cannot, the block is shuffled too.
    """
    n_groups, binary = codes.max() + 1, bool(np.isin(values, (0, 1)).all())
    for part in blocks_of(block):
        inside, found = values[part], None
        sizes = np.bincount(codes[part], minlength=n_groups)
        if binary:
            found = rng.multivariate_hypergeometric(sizes, int(inside.sum()), size=n, method="marginals")
        elif len(inside) >= MANY:
            counts = distinct(inside[:, None])
            found = _smooth(inside, sizes, n, rng) if counts is None else _counted(*counts, sizes, n, rng)
        yield _shuffled(inside, codes[part], n_groups, n, rng) if found is None else found


def blocks_of(block: np.ndarray) -> list[slice]:
    """Return the places of each block."""
    edges = np.flatnonzero(np.diff(block)) + 1
    return [slice(start, stop) for start, stop in zip([0, *edges], [*edges, len(block)], strict=True)]


def _shuffled(values: np.ndarray, codes: np.ndarray, n_groups: int, n: int, rng: np.random.Generator) -> np.ndarray:
    member, step = (codes[:, None] == np.arange(n_groups)).astype(float), max(1, CHUNK // len(values))
    parts = (np.tile(values, (min(step, n - start), 1)) for start in range(0, n, step))
    return np.concatenate([rng.permuted(part, axis=1, out=part) @ member for part in parts])


def _counted(rows: np.ndarray, numbers: np.ndarray, sizes: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw sums of groups from the counts of each value in each."""
    free, sums = np.tile(numbers, (n, 1)), np.zeros((n, len(sizes)))
    for g, size in enumerate(sizes[:-1]):
        wanted, others = np.full(n, size), free.sum(axis=1)
        for k, value in enumerate(rows[:, 0]):
            others -= free[:, k]
            drawn = rng.hypergeometric(free[:, k], others, wanted)
            sums[:, g] += drawn * value
            free[:, k] -= drawn
            wanted -= drawn
    sums[:, -1] = free @ rows[:, 0]
    return sums


def _smooth(values: np.ndarray, sizes: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray | None:
    """Draw sums of groups from the permutation distribution, with an expansion for the large groups.

    The sums of large groups are `expanded`: given the values of the small ones they have a known mean, covariance and
    third cumulants, those of simple random sampling without replacement. A group is large if it has `LARGE` cases
    and its mean has little squared skewness and kurtosis, by the rule of `is_smooth`. The values of the others are
    drawn one by one, without replacement. Return None if no group is large, or if the others have more than one case
    in `FEW`.
    """
    spread, total = values.std(), len(values)
    scaled = (values - values.mean()) / spread
    skewness, kurtosis = (scaled**3).mean(), (scaled**4).mean() - 3
    enough = max(LARGE, skewness**2 / SKEWED, abs(kurtosis) / HEAVY)
    small, large = np.flatnonzero((sizes > 0) & (sizes < enough)), np.flatnonzero(sizes >= enough)
    taken = int(sizes[small].sum())
    if not len(large) or taken * FEW > total:
        return None
    sums = np.zeros((n, len(sizes)))
    rest = np.repeat([[0.0], [(scaled**2).sum()], [(scaled**3).sum()]], n, axis=1)
    edges, step = np.concatenate([[0], np.cumsum(sizes[small])[:-1]]), max(1, CHUNK // max(1, taken))
    for start in range(0, n if taken else 0, step):
        part = slice(start, min(start + step, n))
        drawn = scaled[_without_replacement(total, taken, part.stop - start, rng)]
        sums[part, small] = np.add.reduceat(drawn, edges, axis=1)
        rest[:, part] -= [(drawn**power).sum(axis=1) for power in (1, 2, 3)]
    sums[:, large] = _large_sums(rest, sizes[large], n, rng)
    return spread * sums + values.mean() * sizes


def _large_sums(powers: np.ndarray, sizes: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw sums of groups that share all of a population, given its sums of powers 1, 2 and 3, (3, n).

    For groups a and b of n_a and n_b of N values the covariance of the sums is ``s2 (n_a [a = b] - n_a n_b / N)``, with
    s2 the variance over N - 1 (Cochran 1977, Sampling Techniques, section 2.5).
    """
    whole = sizes.sum()
    mean = powers[0] / whole
    if len(sizes) == 1:
        return powers[:1].T
    squares = powers[1] - whole * mean**2
    cubes = powers[2] - 3 * mean * powers[1] + 2 * whole * mean**3
    sd = np.sqrt(np.maximum(squares, 0) / (whole - 1))
    root = np.sqrt(sizes)
    axes = np.linalg.qr(np.column_stack([root, np.eye(len(sizes))]))[0][:, 1:]  # orthogonal to the sum of all
    third = np.einsum("abc,a,b,c,ai,bj,ck->ijk", _third(sizes), *(3 * [1 / root]), *(3 * [axes]), optimize=True)
    scale = np.divide(cubes, sd**3, out=np.zeros(n), where=sd > 0)
    normal = rng.standard_normal((n, len(sizes) - 1))
    return mean[:, None] * sizes + sd[:, None] * (expanded(normal, third, scale) @ axes.T) * root


def _third(sizes: np.ndarray) -> np.ndarray:
    """Compute the third moments of group sums under permutation, over the sum of cubes of centred values.

    They follow from the chances that one, two or three values are in given groups, since centred values add up to 0:
    sums over pairs and triples of values are -1 and 2 times the sum of cubes.
    """
    whole, same = sizes.sum(), np.eye(len(sizes))
    n = sizes.astype(float)
    two = n[:, None] * (n - same) / (whole * (whole - 1))
    three = two[:, :, None] * (n - same[:, None, :] - same[None, :, :]) / (whole - 2)
    all_same = same[:, :, None] * same[:, None, :]
    pairs = same[:, :, None] * two[:, None, :]
    pairs = pairs + same[:, None, :] * two[:, :, None] + same[None, :, :] * two[:, :, None]
    return all_same * n / whole - pairs + 2 * three


def _without_replacement(total: int, taken: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw places without replacement in random order, (n, taken): a place that repeats an earlier one is drawn again.

    All orders are as likely, because no place is treated differently from another.
    """
    places = rng.integers(0, total, (n, taken))
    again = np.arange(n)
    while len(again):
        rows = places[again]
        order = np.argsort(rows, axis=1, kind="stable")
        ordered = np.take_along_axis(rows, order, axis=1)
        row, after = np.nonzero(ordered[:, 1:] == ordered[:, :-1])
        places[again[row], order[row, after + 1]] = rng.integers(0, total, len(row))
        again = again[np.unique(row)]
    return places
