"""Means and sums of rows that are drawn with replacement, in the cheapest way that keeps their distribution.

A large group is not drawn row by row. If its rows have few distinct values, a multinomial draw gives how often each is
drawn. Otherwise the mean is drawn at once, from normal numbers corrected for the skewness of the rows.
"""

from __future__ import annotations

import numpy as np

from helpers.stats import drawing

CHUNK = 2_000_000  # draws held in memory at a time: 16 MB

SMALLEST = 300  # rows: a smaller group is drawn row by row, which is quick
MANY = 1000  # rows of a table, or of a permuted stratum: a smaller one is drawn or shuffled row by row
FEW = 32  # distinct rows up to which they are counted
SKEWED, HEAVY = 0.03, 0.05  # largest squared skewness and kurtosis of a mean that is drawn at once


def mean_draws(table: np.ndarray, sizes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the means of rows drawn with replacement, all columns from the same rows.

    Parameters
    ----------
    table : ndarray of shape (n, columns)
    sizes : ndarray of int, shape (draws,)
        Rows in each draw; about n.

    Returns
    -------
    ndarray of shape (draws, columns)
        NaN where no row is drawn.

    Notes
    -----
    Fewer than `SMALLEST` rows are drawn one by one. If at most one row in `FEW` of more rows, and no more than `FEW`,
    are distinct, they are counted, which is exact. Otherwise a mean is drawn by its second-order Cornish-Fisher
    expansion, see `expanded`, if `is_smooth` finds the terms that this omits smaller than the Monte-Carlo error of
    10,000 replicates. Rows with heavier tails, such as one outlier, are drawn one by one too.
    """
    if len(table) >= SMALLEST:
        few = distinct(table)
        if few is not None:
            return _counted(*few, sizes, rng)
        shape = Shape(table)
        if is_smooth(shape, len(table)):
            return shape.mean + shape.at_random(1 / np.sqrt(np.where(sizes > 0, sizes, np.nan)), rng)
    return _one_by_one(table, sizes, rng)


def sum_draws(table: np.ndarray, cell: np.ndarray, *, n_boot: int, seed: int) -> np.ndarray:
    """Draw the sums of as many rows as there are, drawn with replacement, (n_boot, columns).

    Parameters
    ----------
    table : ndarray of shape (n, columns)
    cell : ndarray of int, shape (n,)
        Rows of one cell are alike, such as those of one group; -1 for rows that are zero in all columns. Given how many
        rows of each cell are drawn, the draws of the cells are independent.
    n_boot, seed : int

    Notes
    -----
    The sums of fewer than `MANY` rows follow from `drawing.blocks`, which counts every row. Of more rows, each cell is
    drawn by `mean_draws`.
    """
    if len(table) < MANY:
        blocks = drawing.blocks(len(table), n_boot=n_boot, seed=seed, step=max(1, CHUNK // len(table)))
        return np.concatenate([times @ table for times in blocks])
    rng = np.random.default_rng(seed)
    inside = np.bincount(cell + 1)
    drawn = rng.multinomial(len(table), inside / len(table), size=n_boot)
    total = np.zeros((n_boot, table.shape[1]))
    for k in np.flatnonzero(inside[1:]):
        size = drawn[:, k + 1]
        rows = table[cell == k]
        used = rows.any(axis=0)
        means = mean_draws(rows[:, used], size, rng)
        total[:, used] += np.where(size[:, None] > 0, means, 0.0) * size[:, None]
    return total


def patterns(sizes: np.ndarray) -> np.ndarray:
    """Number the rows of (n, groups) by the groups in which they are above 0, as cells of `sum_draws`."""
    cell = np.zeros(len(sizes), int)
    for inside in sizes.T > 0:
        cell = np.unique(2 * cell + inside, return_inverse=True)[1]
    return np.where(sizes.any(axis=1), cell, -1)


def distinct(table: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the distinct rows, (k, columns), and their numbers, (k,); None if there are more than one in `FEW`."""
    one = {"axis": 0} if table.shape[1] > 1 else {}  # without an axis it sorts numbers, which is faster
    if len(np.unique(table[: 4 * FEW], **one)) > FEW:
        return None
    found, numbers = np.unique(table, return_counts=True, **one)
    found = found.reshape(-1, table.shape[1])
    return None if len(found) > min(FEW, len(table) / FEW) else (found, numbers)


class Shape:
    """Mean, covariance and skewness of the rows of a table, (n, columns).

    The columns are scaled, and then turned to principal axes without correlation; axes without spread are left out.
    `steps` (axes, columns) turns axes back to columns, and `third` (axes, axes, axes) has the third moments of the
    axes.
    """

    def __init__(self, table: np.ndarray) -> None:
        self.mean = table.mean(axis=0)
        centred = table - self.mean
        sd = np.sqrt((centred**2).mean(axis=0))
        sd[sd <= 1e-12 * np.abs(self.mean)] = 0.0  # rounding
        scaled = np.divide(centred, sd, out=np.zeros_like(centred), where=sd > 0)
        spread, axes = np.linalg.eigh(scaled.T @ scaled / len(table))
        kept = spread > 1e-9
        self.steps = (axes[:, kept] * np.sqrt(spread[kept])).T * sd
        turned = scaled @ (axes[:, kept] / np.sqrt(spread[kept]))
        self.third = (
            np.stack([(turned * turned[:, [k]]).T @ turned for k in range(kept.sum())]) / len(table)
            if kept.any()
            else np.zeros((0, 0, 0))
        )
        both = np.concatenate([scaled[:, sd > 0], turned], axis=1)
        squares = both**2
        self.skewness = (squares * both).mean(axis=0)
        self.kurtosis = (squares**2).mean(axis=0) - 3

    def at_random(self, scale: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw the errors of means, (draws, columns); `scale` (draws,) is one over the root of the number of rows."""
        normal = rng.standard_normal((len(scale), len(self.third)))
        return (expanded(normal, self.third, scale) * scale[:, None]) @ self.steps


def is_smooth(shape: Shape, n: int) -> bool:
    """Return True if a mean of n rows has little squared skewness and kurtosis, in every column and on every axis."""
    if not len(shape.third):
        return True
    return bool((shape.skewness**2).max() <= SKEWED * n and np.abs(shape.kurtosis).max() <= HEAVY * n)


def expanded(normal: np.ndarray, third: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Give standard normal numbers the third cumulants of a mean, by the second-order Cornish-Fisher expansion.

    Parameters
    ----------
    normal : ndarray of shape (draws, axes)
    third : ndarray of shape (axes, axes, axes)
        Third cumulants of uncorrelated values of unit variance.
    scale : ndarray of shape (draws,)
        Factor of the third cumulants: for a mean, one over the root of the number of values.

    Notes
    -----
    ``w_i = z_i + scale / 6 * sum_jk third_ijk (z_j z_k - [j = k])``. With one axis it is the term of Cornish and Fisher
    1938 in ``z^2 - 1``; with several, every linear combination has its third cumulant. Source: Hall 1992, The Bootstrap
    and Edgeworth Expansion, sections 2.5 and 4.2.
    """
    axes = normal.shape[1]
    pairs = (normal[:, :, None] * normal[:, None, :] - np.eye(axes)).reshape(len(normal), axes**2)
    return normal + scale[:, None] / 6 * (pairs @ third.reshape(axes**2, axes))


def _counted(rows: np.ndarray, numbers: np.ndarray, sizes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    drawn = rng.multinomial(sizes, numbers / numbers.sum())
    with np.errstate(invalid="ignore"):
        return drawn @ rows / sizes[:, None]


def _one_by_one(table: np.ndarray, sizes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n, means = len(table), np.full((len(sizes), table.shape[1]), np.nan)
    step = max(1, CHUNK // max(1, n))
    for start in range(0, len(sizes), step):
        size = sizes[start : start + step]
        drawn = size > 0
        rows = rng.integers(0, n, size=int(size.sum()), dtype=np.int32)
        if drawn.any():
            offsets = np.concatenate(([0], np.cumsum(size[drawn])[:-1]))
            for k, column in enumerate(np.ascontiguousarray(table.T)):
                means[start : start + step, k][drawn] = np.add.reduceat(column[rows], offsets) / size[drawn]
    return means
