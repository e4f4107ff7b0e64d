"""Coordinates of a code as signs of attributes: AUROC of each alone, and how far the best leads the others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from helpers.errors import InputError

CAPTURED = 0.75  # AUROC, in either direction, from which an attribute counts as captured
SHARED = 0.2  # share of an attribute's entropy that another may tell before it leaves the total, as published


class Lead(NamedTuple):
    """Result of `auroc_lead`.

    total : float, the sum over captured attributes; each : dict of attribute to the lead of its best coordinate

    captured, excluded : lists of attributes
    """

    total: float
    each: dict[str, float]
    captured: list[str]
    excluded: list[str]


def auroc_matrix(scores: ArrayLike, labels: ArrayLike) -> np.ndarray:
    """Compute the AUROC of each coordinate alone for each attribute, shape (k, m); ties count half.

    Parameters
    ----------
    scores : array_like of shape (n, m)
    labels : array_like of 0 and 1, shape (n, k)
        Many permutations of one attribute can be given as its columns: coordinates are ranked once.

    Raises
    ------
    InputError
        Shapes do not fit, a score is not finite, or an attribute has one value or another than 0 and 1.
    """
    given, truth = np.asarray(scores, float), np.asarray(labels, float)
    if given.ndim != 2 or truth.ndim != 2 or len(given) != len(truth):
        problem = f"expected (n, m) and (n, k), found {given.shape} and {truth.shape}"
        raise InputError("scores, labels", problem, "Give one row of both for each case")
    if not np.isfinite(given).all():
        raise InputError("scores", "one is NaN or infinite", "Leave such cases out, or correct them")
    if not np.isin(truth, (0, 1)).all() or (np.ptp(truth, 0) == 0).any():
        raise InputError("labels", "an attribute has one value, or another than 0 and 1", "Give cases of both values")
    positive = truth.sum(0)[:, None]
    ranks = rankdata(given, axis=0)
    return (truth.T @ ranks - positive * (positive + 1) / 2) / (positive * (len(truth) - positive))


def auroc_lead(scores: ArrayLike, labels: dict[str, ArrayLike], *, published: bool = True) -> Lead:
    """Compute the total AUROC difference (TAD): how far the best coordinate of each attribute leads the second best.

    Parameters
    ----------
    scores : array_like of shape (n, m)
        At least two coordinates.
    labels : dict of attribute to array_like of shape (n,)
    published : bool
        Leave out attributes of whose entropy another tells more than a fifth. So two attributes that always agree both
        leave the total, and with them a shortcut.

    Returns
    -------
    Lead
        Attributes count if their best coordinate has an AUROC of at least 0.75 in either direction.

    Raises
    ------
    InputError
        There are fewer than two coordinates; or as in `auroc_matrix`.
    """
    columns = np.column_stack([np.asarray(part, float) for part in labels.values()])
    found = auroc_matrix(scores, columns)
    if found.shape[1] < 2:
        raise InputError("scores", "there are fewer than two coordinates", "Give two or more")
    sided = np.sort(np.maximum(found, 1 - found), axis=1)
    shared = share_told(columns) > SHARED
    excluded = [name for name, row in zip(labels, shared, strict=True) if published and row.any()]
    captured = [name for name, best in zip(labels, sided[:, -1], strict=True) if best >= CAPTURED]
    counted = [name for name in captured if name not in excluded]
    each = dict(zip(labels, (sided[:, -1] - sided[:, -2]).tolist(), strict=True))
    return Lead(sum(each[name] for name in counted), each, captured, excluded)


def share_told(columns: np.ndarray) -> np.ndarray:
    """Compute the share of each attribute's entropy that another tells, shape (k, k), with 0 on the diagonal."""
    count = columns.shape[1]
    shares = np.zeros((count, count))
    for one in range(count):
        whole = _entropy(np.unique(columns[:, one], return_counts=True)[1])
        for other in range(count):
            if one != other:
                joint = np.unique(columns[:, [one, other]], axis=0, return_counts=True)[1]
                rest = _entropy(joint) - _entropy(np.unique(columns[:, other], return_counts=True)[1])
                shares[one, other] = 1 - rest / whole
    return shares


def _entropy(counts: np.ndarray) -> float:
    share = counts / counts.sum()
    return float(-(share * np.log(share)).sum())
