"""Interval of an AUROC of strangers against known cases, with whole patients drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.stats import drawing, weighted
from helpers.stats.resample import Interval, percentile_interval

FEWEST = 10  # images on each side


def auroc_interval(
    score: ArrayLike, stranger: ArrayLike, *, cluster: ArrayLike, n_boot: int = 1000, seed: int = 0, level: float = 0.95
) -> Interval:
    """Compute the AUROC of a score for strangers and its percentile interval, drawing patients with all their images.

    Parameters
    ----------
    score : array_like of shape (n,)
        Larger for strangers; finite. Ties count half.
    stranger : array_like of shape (n,)
        True or 1 for a stranger, False or 0 for a known case.
    cluster : array_like of shape (n,)
        Patient of each image. A patient may have images of both kinds.
    n_boot, seed : int
        Replicates and their seed. The order of the scores is found once and serves all replicates.
    level : float

    Returns
    -------
    Interval
        `n` counts patients, and `dropped` replicates without an image of one kind.

    Raises
    ------
    InputError
        Lengths differ, scores are not finite or all equal, there are fewer than ten images of a kind, or one patient.
    """
    values, kind, code, patients = checked(score, stranger, cluster)
    times = drawing.multinomial(patients, n_boot=n_boot, seed=seed)
    sides = weighted.by_score(values, kind)
    drawn = weighted.area(sides, np.ascontiguousarray(times.T[code], dtype=float))
    observed = float(weighted.area(sides, np.ones((len(values), 1)))[0])
    return percentile_interval(observed, drawn, patients, level)


def checked(
    score: ArrayLike, stranger: ArrayLike, cluster: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Return scores, kinds (True for a stranger), numbers of patients, and how many there are.

    Raises
    ------
    InputError
        As in `auroc_interval`.
    """
    values, kind = np.asarray(score, float), np.asarray(stranger)
    code, names = pd.factorize(np.asarray(cluster))
    if not values.shape == kind.shape == code.shape or values.ndim != 1:
        problem = f"shapes {values.shape}, {kind.shape} and {code.shape} of score, stranger and cluster"
        raise InputError("score", problem, "Give one of each for every image")
    if bad := int((~np.isfinite(values)).sum()):
        raise InputError("score", f"{bad} of {len(values)} values are NaN or infinite", "Leave these images out")
    if not np.isin(kind, (0, 1)).all():
        raise InputError("stranger", "holds other values than 0 and 1", "Give 1 for a stranger and 0 for a known case")
    kind = kind.astype(bool)
    if min(kind.sum(), (~kind).sum()) < FEWEST:
        problem = f"{kind.sum()} strangers and {(~kind).sum()} known images, {FEWEST} of each are needed"
        raise InputError("stranger", problem, "Give more images")
    if np.ptp(values) == 0:
        raise InputError("score", "is the same for all images", "Leave this score out, or train longer")
    if len(names) < 2:
        raise InputError("cluster", "all images are of one patient", "Give images of several patients")
    return values, kind, code, len(names)
