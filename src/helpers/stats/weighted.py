"""Statistics of cases under weights, such as how often a bootstrap replicate draws each case.

Values have the shape (n,), weights (n,) or (draws, n), and results () or (draws,). A result is NaN if the weights leave
it undefined. A weight of 2 counts as two equal cases: with whole weights, areas and rates are exact up to one division.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


def mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute the mean under each row of weights."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return (weights * values).sum(-1) / weights.sum(-1)


def rate(hits: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute the share of hits under each row of weights.

    Parameters
    ----------
    hits : ndarray of shape (n,) or (n, k)
        0 or 1; k outcomes are computed in one product of matrices.

    Returns
    -------
    ndarray
        Shape (draws,), or (draws, k) for k outcomes.
    """
    total = weights.sum(-1)
    with np.errstate(invalid="ignore"):
        return weights @ hits / (total if hits.ndim == 1 else total[..., None])


def gap(values: np.ndarray, weights: np.ndarray, *, second: np.ndarray) -> np.ndarray:
    """Compute the mean of the cases marked in `second` minus the mean of all others, under each row of weights."""
    return mean(values, weights * second) - mean(values, weights * ~second)


def midranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute midranks under each row of weights, shape (draws, n); tied values share one rank.

    They count from 0: a case has the weight below it and half that of its tie, which is half less than usual.
    """
    _, place = np.unique(values, return_inverse=True)
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    counts = np.add.reduceat(weights[..., order], starts, axis=-1)
    return (np.cumsum(counts, axis=-1) - counts / 2)[..., place]


def rank_correlation(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute Spearman's rank correlation under each row of weights."""
    total = weights.sum(-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        ranks = (midranks(values, weights) for values in (x, y))
        u, v = (r - (weights * r).sum(-1, keepdims=True) / total for r in ranks)
        return (weights * u * v).sum(-1) / np.sqrt((weights * u**2).sum(-1) * (weights * v**2).sum(-1))


class Sides(NamedTuple):
    """Positives and negatives in the order of a score, and how many negatives lie below each positive.

    `positive` and `negative` are indices of cases. For each positive, `below` counts the negatives with a lower score,
    and `at_most` those whose score is not higher.
    """

    positive: np.ndarray
    negative: np.ndarray
    below: np.ndarray
    at_most: np.ndarray


def by_score(score: np.ndarray, positive: np.ndarray, cases: np.ndarray | None = None) -> Sides:
    """Rank the positives and negatives by a score, of all cases or of those with the given indices."""
    cases = np.arange(len(score)) if cases is None else cases
    ranked = cases[np.argsort(score[cases], kind="stable")]
    upper, lower = ranked[positive[ranked]], ranked[~positive[ranked]]
    below, at_most = (np.searchsorted(score[lower], score[upper], side) for side in ("left", "right"))
    return Sides(upper, lower, below, at_most)


def area(sides: Sides, weights: np.ndarray) -> np.ndarray:
    """Compute the AUROC of ordered cases under weights of shape (n, draws): each case's weights lie side by side.

    This is the inner part of `auroc`. Use it where one order serves several sets of weights, or one set several orders.
    """
    positive = weights[sides.positive]
    below = np.zeros((len(sides.negative) + 1, weights.shape[1]))
    np.cumsum(weights[sides.negative], axis=0, out=below[1:])
    pairs = positive.sum(axis=0) * below[-1]
    won = np.einsum("ir,ir->r", positive, below[sides.below])
    tied = np.flatnonzero(sides.at_most > sides.below)
    if len(tied):
        more = below[sides.at_most[tied]] - below[sides.below[tied]]
        won += np.einsum("ir,ir->r", positive[tied], more) / 2
    with np.errstate(invalid="ignore"):
        return won / pairs


def auroc(score: np.ndarray, positive: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Compute the area under the ROC curve under each row of weights; ties count half.

    It is the share of pairs of a positive and a negative in which the positive has the higher score, which is the
    statistic of Mann and Whitney divided by the number of pairs (Hanley and McNeil 1982).

    Parameters
    ----------
    score : ndarray of shape (n,)
        Without NaN.
    positive : ndarray of bool, shape (n,)
        Whether a case is positive.
    weights : ndarray of shape (n,) or (draws, n), optional
        1 for each case if left out.

    Returns
    -------
    ndarray
        Shape () or (draws,); NaN where a class has no weight.
    """
    weights = np.ones(len(score)) if weights is None else weights
    columns = np.ascontiguousarray(np.atleast_2d(weights).T)
    return area(by_score(score, positive), columns).reshape(weights.shape[:-1])
