"""Linear models with random intercepts, fitted exactly, also where clusters have no variance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import linalg, optimize

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


class CrossedFit(NamedTuple):
    """Coefficients (p,), their covariance (p, p), the variance of each factor and the variance within."""

    params: np.ndarray
    covariance: np.ndarray
    between: np.ndarray
    within: float


def fit_crossed_intercepts(y: np.ndarray, x: np.ndarray, factors: Sequence[np.ndarray]) -> CrossedFit:
    """Fit a linear mixed model with crossed random intercepts, such as of runs and of conditions, by REML.

    The deviance is profiled over the coefficients and the variance within, and minimised over one number of at least 0
    for each factor, its standard deviation relative to that within. Each search starts from a coarse grid that includes
    0, so that a factor without variance gets the variance 0, and the coefficients are those of least squares.

    Parameters
    ----------
    y : ndarray, shape (n,)
    x : ndarray, shape (n, p)
        Design matrix of full rank, with a column of ones if there is to be an intercept.
    factors : sequence of ndarray of int, shape (n,)
        Level of each case, from 0, for one or more factors with few levels.

    Returns
    -------
    CrossedFit
        The covariance of the coefficients is that of generalised least squares at the fitted variances.

    Notes
    -----
    Source: Bates et al. 2015, https://doi.org/10.18637/jss.v067.i01, section 3 (profiled REML criterion).
    """
    z = np.concatenate([(code[:, None] == np.arange(code.max() + 1)).astype(float) for code in factors], axis=1)
    which = np.repeat(np.arange(len(factors)), [code.max() + 1 for code in factors])
    both = np.column_stack([x, y])
    inner, cross, total = z.T @ z, z.T @ both, both.T @ both
    free, p = len(y) - x.shape[1], x.shape[1]

    def solve(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray, float]:
        scale = np.abs(theta)[which]
        lower = linalg.cholesky(inner * scale[:, None] * scale + np.eye(len(scale)), lower=True)
        part = linalg.solve_triangular(lower, scale[:, None] * cross, lower=True)
        rest = total - part.T @ part
        params = np.linalg.solve(rest[:p, :p], rest[:p, p])
        left = max(float(rest[p, p] - params @ rest[:p, p]), 1e-300)
        deviance = 2 * np.log(np.diag(lower)).sum() + np.linalg.slogdet(rest[:p, :p])[1] + free * np.log(left)
        return float(deviance), params, rest[:p, :p], left / free

    def deviance(theta: np.ndarray) -> float:
        return solve(theta)[0]

    starts = np.stack(np.meshgrid(*[[0.0, 0.1, 0.5, 2.0, 10.0]] * len(factors)), axis=-1).reshape(-1, len(factors))
    best = min(starts, key=deviance)
    tight = {"xatol": 1e-10, "fatol": 1e-13, "maxiter": 10_000, "maxfev": 10_000}
    for _ in range(2):  # the second search starts from a new simplex, in case the first has collapsed
        found = optimize.minimize(
            deviance, best, method="Nelder-Mead", bounds=[(0, None)] * len(factors), options=tight
        )
        best = found.x
    for k in range(len(factors)):  # at the edge of its range, a factor has no variance
        edge = np.where(np.arange(len(factors)) == k, 0.0, best)
        best = edge if deviance(edge) <= deviance(best) else best
    _, params, inner_x, within = solve(best)
    return CrossedFit(params, within * np.linalg.inv(inner_x), best**2 * within, within)
