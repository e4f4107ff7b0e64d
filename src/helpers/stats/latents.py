"""Latent variables held against true factors: the best matching by correlation, and linear predictability."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from helpers.errors import InputError

SMALLEST_SD = 1e-3  # of a latent that varies at all


class Matched(NamedTuple):
    """Factors matched to latents, see `match_latents`: `mcc`, and of each factor its latent and their correlation."""

    mcc: float
    latent: np.ndarray
    correlation: np.ndarray


def match_latents(latents: ArrayLike, factors: ArrayLike, *, ranks: bool = False) -> Matched:
    """Match each factor with one latent so that the mean absolute correlation (MCC) is largest.

    Parameters
    ----------
    latents : array_like, shape (n, k)
    factors : array_like, shape (n, d)
        With d at most k.
    ranks : bool
        Whether correlations are Spearman's, of ranks, and not Pearson's.

    Returns
    -------
    Matched
        ``mcc``, from 0 to 1; ``latent``, int of shape (d,); ``correlation``, shape (d,), with its sign.

    Raises
    ------
    InputError
        There are fewer latents than factors, their rows differ in number, or a latent or factor does not vary.
    """
    given, wanted = _check(latents, factors)
    d = wanted.shape[1]
    if given.shape[1] < d:
        raise InputError("latents", f"{given.shape[1]} cannot hold {d} factors", "Give as many latents as factors")
    if ranks:
        from scipy.stats import rankdata

        given, wanted = rankdata(given, axis=0), rankdata(wanted, axis=0)
    from scipy.optimize import linear_sum_assignment

    correlation = np.corrcoef(wanted.T, given.T)[:d, d:]
    row, latent = linear_sum_assignment(-np.abs(correlation))
    best = correlation[row, latent]
    return Matched(float(np.abs(best).mean()), latent, best)


def _check(latents: ArrayLike, factors: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    given, wanted = (np.asarray(part, float) for part in (latents, factors))
    if given.ndim != 2 or wanted.ndim != 2 or len(given) != len(wanted):
        problem = f"shapes {given.shape} and {wanted.shape} do not match"
        raise InputError("latents, factors", problem, "Give two tables of the same cases")
    return _vary(given, "latents"), _vary(wanted, "factors")


def _vary(part: np.ndarray, name: str) -> np.ndarray:
    if not np.isfinite(part).all():
        raise InputError(name, "some values are NaN or infinite", "Look at the training that made them")
    if (flat := np.flatnonzero(part.std(axis=0) < SMALLEST_SD)).size:
        problem = f"column {flat[0]} has collapsed: its standard deviation is below {SMALLEST_SD:g}"
        raise InputError(name, problem, "A correlation with it means nothing; train longer or lower the penalty")
    return part


def mean_correlation(latents: ArrayLike) -> float:
    """Compute the mean absolute correlation of all pairs of latents, shape (n, k) with k of at least 2.

    Raises
    ------
    InputError
        There is no pair, a value is NaN or infinite, or a latent does not vary.
    """
    values = np.asarray(latents, float)
    if values.ndim != 2 or values.shape[1] < 2:
        raise InputError("latents", f"shape {values.shape} has no pair of latents", "Give a column for each, 2 or more")
    _vary(values, "latents")
    one, other = np.triu_indices(values.shape[1], 1)
    return float(np.abs(np.corrcoef(values.T)[one, other]).mean())


def predicted_linearly(given: ArrayLike, wanted: ArrayLike, *, folds: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Predict each column of one table from all of another by ridge regression, out of fold.

    Pixels that predict the factors give the ceiling: no latent of these pixels can be better by a linear map.

    Parameters
    ----------
    given : array_like, shape (n, p)
    wanted : array_like, shape (n, d)
    folds : int
        Parts of the cases; each is predicted from the others. The penalty is chosen within them.

    Returns
    -------
    predicted : ndarray, shape (n, d)
    explained : ndarray, shape (d,)
        Share of the variance that is predicted (R²); it can be below 0.

    Raises
    ------
    InputError
        The rows differ in number, or a column does not vary.
    """
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import KFold, cross_val_predict

    known, target = _check(given, wanted)
    model = RidgeCV(alphas=np.logspace(-3, 3, 13))
    parts = KFold(folds, shuffle=True, random_state=0)
    predicted = cross_val_predict(model, known, target, cv=parts).reshape(target.shape)
    return predicted, 1 - ((target - predicted) ** 2).mean(axis=0) / target.var(axis=0)
