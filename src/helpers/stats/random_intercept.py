"""A linear model with a random intercept for each cluster, fitted exactly, also where clusters have no variance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import optimize

RATIOS = np.concatenate([[0.0], np.logspace(-8, 8, 65)])  # of variances, where the search starts


class Fit(NamedTuple):
    """Coefficients (p,), their covariance (p, p), the variance between clusters and the variance within."""

    params: np.ndarray
    covariance: np.ndarray
    between: float
    within: float


def fit_random_intercept(y: np.ndarray, x: np.ndarray, cluster: np.ndarray) -> Fit:
    """Fit a linear mixed model with a random intercept for each cluster by restricted maximum likelihood (REML).

    For a given ratio of the two variances, generalised least squares is least squares after a share of each cluster's
    mean is subtracted, so that REML has one unknown, the ratio. It is searched over its whole range. At 0 the result is
    that of least squares.

    Parameters
    ----------
    y : ndarray, shape (n,)
    x : ndarray, shape (n, p)
        Design matrix of full rank, with a column of ones if there is to be an intercept.
    cluster : ndarray of int, shape (n,)
        Cluster of each case, from 0.

    Returns
    -------
    Fit

    Notes
    -----
    Source: Pinheiro and Bates 2000, Mixed-Effects Models in S and S-PLUS, section 2.2.3 (profiled REML).
    """
    size = np.bincount(cluster)
    both = np.column_stack([y, x])
    means = np.stack([np.bincount(cluster, column) / size for column in both.T], axis=1)[cluster]
    free = len(y) - x.shape[1]

    def solve(ratio: float) -> tuple[float, np.ndarray, np.ndarray, float]:
        share = 1 - 1 / np.sqrt(1 + size * ratio)
        moved = both - share[cluster, None] * means
        params, *_ = np.linalg.lstsq(moved[:, 1:], moved[:, 0], rcond=None)
        left = ((moved[:, 0] - moved[:, 1:] @ params) ** 2).sum()
        inner = moved[:, 1:].T @ moved[:, 1:]
        deviance = free * np.log(max(left, 1e-300)) + np.log1p(size * ratio).sum() + np.linalg.slogdet(inner)[1]
        return float(deviance), params, inner, float(left / free)

    k = int(np.argmin([solve(ratio)[0] for ratio in RATIOS]))
    best = RATIOS[k]
    if k > 0:
        ends = np.log(RATIOS[max(k - 1, 1)]), np.log(RATIOS[min(k + 1, len(RATIOS) - 1)])
        tuned = optimize.minimize_scalar(
            lambda log: solve(np.exp(log))[0], bounds=ends, method="bounded", options={"xatol": 1e-10}
        )
        best = np.exp(tuned.x) if tuned.fun < solve(0.0)[0] else 0.0
    _, params, inner, within = solve(best)
    return Fit(params, within * np.linalg.inv(inner), float(best * within), within)
