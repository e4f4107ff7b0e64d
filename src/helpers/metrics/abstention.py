"""Measures of a score that decides which cases a model leaves to a person.

Cases are kept in the order of the score, the smallest first. At a coverage of k of n cases, the selective risk is the
share of errors among the k kept, and the generalised risk is the errors kept over n. AURC and AUGRC are their means
over k = 1 ... n (Geifman and El-Yaniv 2017, arXiv 1705.08500; Traub et al. 2024, arXiv 2407.01032). AURC weighs the few
most certain cases heavily, since each coverage counts the same whatever the number of cases kept; AUGRC does not.

The order within a tie is left to chance, so a tie contributes the mean over all orders within it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.metrics.checks import as_numbers, real, shown

LENGTH = "Give one per case, in one order"


def aurc(error: ArrayLike, score: ArrayLike, *, weights: ArrayLike | None = None) -> np.ndarray | float:
    """Compute the area under the curve of risk against coverage: the mean selective risk over all coverages.

    Parameters
    ----------
    error : array_like of shape (n,)
        1 where the model errs and 0 where it does not; or an error from 0 to 1.
    score : array_like of shape (n,)
        Larger where the model is less certain; finite.
    weights : array_like of int, shape (n,) or (draws, n), optional
        How often each case counts, such as in bootstrap draws; 1 if left out.

    Returns
    -------
    float or ndarray of shape (draws,)
        0 without errors, and the share of errors, in expectation, for a score at random. NaN where no case counts.

    Raises
    ------
    InputError
        Lengths differ, a value is not finite, an error is outside 0 to 1, or a weight is no whole number of at least 0.
    """
    errors, counts, first = _ties(error, score, weights)
    before, kept = _before(errors), _before(counts)
    total = counts.sum(-1)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, max(int(total.max()), 1) + 1))])
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(counts > 0, errors / counts, 0)
        # The sum over j = 1 ... m of (before + j share) / (kept + j), of a tie of m cases.
        steps = harmonic[(kept + counts).astype(int)] - harmonic[kept.astype(int)]
        found = ((before - kept * share) * steps + errors).sum(-1) / total
    return float(found[0]) if first else found


def augrc(error: ArrayLike, score: ArrayLike, *, weights: ArrayLike | None = None) -> np.ndarray | float:
    """Compute the area under the curve of generalised risk: the mean over coverages of the errors kept over n.

    It is the mean chance that a case is kept and wrong, at a coverage drawn at random.

    Parameters
    ----------
    error, score, weights
        As in `aurc`.

    Returns
    -------
    float or ndarray of shape (draws,)
        Half the share of errors, in expectation and for many cases, for a score at random.

    Raises
    ------
    InputError
        As in `aurc`.
    """
    errors, counts, first = _ties(error, score, weights)
    total = counts.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        # The sum over j = 1 ... m of (before + j errors / m), of a tie of m cases.
        found = (counts * _before(errors) + errors * (counts + 1) / 2).sum(-1) / total**2
    return float(found[0]) if first else found


def false_positive_rate_at(stranger: ArrayLike, score: ArrayLike, *, tpr: float = 0.95) -> float:
    """Compute the share of known cases that are flagged at the largest threshold that flags enough strangers.

    Parameters
    ----------
    stranger : array_like of shape (n,)
        1 for a case from outside the training distribution, and 0 for a known one.
    score : array_like of shape (n,)
        Larger for strangers; finite. Cases with a score of the threshold or above are flagged, so a tie is whole.
    tpr : float
        Share of the strangers to flag, above 0 and at most 1.

    Raises
    ------
    InputError
        Lengths differ, a value is not finite, a class is absent, or `tpr` is out of range.
    """
    kind, values = _pair(stranger, score, "stranger")
    if not np.isin(kind, (0, 1)).all() or len(np.unique(kind)) < 2:
        raise InputError("stranger", "must be 0 and 1, and both must occur", "Give known cases and strangers")
    if not 0 < real(tpr) <= 1:
        raise InputError("tpr", f"{shown(tpr)} is not above 0 and at most 1", "Use 0.95")
    strange = np.sort(values[kind == 1])[::-1]
    threshold = strange[int(np.ceil(tpr * len(strange) - 1e-9)) - 1]
    return float((values[kind == 0] >= threshold).mean())


def flag_threshold(score: ArrayLike, *, share: float = 0.9) -> float:
    """Find the smallest score that at least a share of known cases do not exceed; a case above it is flagged.

    Parameters
    ----------
    score : array_like of shape (n,)
        Of known cases that are not tested, such as those of validation.
    share : float
        Share of the known cases to keep, above 0 and at most 1.

    Raises
    ------
    InputError
        A score is not finite, or `share` is out of range.
    """
    values = _finite(score, "score")
    if not 0 < real(share) <= 1:
        raise InputError("share", f"{shown(share)} is not above 0 and at most 1", "Use 0.9")
    return float(np.sort(values)[int(np.ceil(share * len(values) - 1e-9)) - 1])


def flag_rates(score: ArrayLike, *, groups: ArrayLike, threshold: float) -> pd.DataFrame:
    """Compute how often the cases of each group have a score above a threshold.

    Returns
    -------
    DataFrame
        Index ``group``; columns ``n, n_flagged, rate``. Cases without a group are left out.

    Raises
    ------
    InputError
        A score is not finite, the threshold is no number, or there is not one group for each case.
    """
    values = _finite(score, "score")
    if np.isnan(real(threshold)):
        raise InputError("threshold", f"{shown(threshold)} is no number", "Take it from flag_threshold")
    if len(groups) != len(values):
        raise InputError("groups", f"{len(groups)} groups for {len(values)} cases", LENGTH)
    frame = pd.DataFrame({"group": np.asarray(groups, dtype=object), "flagged": values > threshold})
    found = frame.groupby("group")["flagged"].agg(n="size", n_flagged="sum", rate="mean")
    return found.astype({"n": int, "n_flagged": int, "rate": float})


def _ties(error: ArrayLike, score: ArrayLike, weights: ArrayLike | None) -> tuple[np.ndarray, np.ndarray, bool]:
    """Sum errors and weights over each tie, from the smallest score on: two arrays of shape (draws, ties)."""
    errors, values = _pair(error, score, "error")
    if ((errors < 0) | (errors > 1)).any():
        raise InputError("error", "values outside 0 to 1", "Give 1 where the model errs, and 0 elsewhere")
    times = np.ones(len(values)) if weights is None else as_numbers(weights, "weights").astype(float)
    if times.ndim not in (1, 2) or times.shape[-1] != len(values):
        raise InputError("weights", f"shape {times.shape} for {len(values)} cases", LENGTH)
    if not (np.isfinite(times) & (times >= 0) & (times == np.round(times))).all():
        raise InputError("weights", "are no whole numbers of at least 0", "Give how often each case is drawn")
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=-np.inf))
    rows = np.atleast_2d(times)[:, order]
    sums = [np.add.reduceat(part, starts, axis=1) for part in (rows * errors[order], rows)]
    return sums[0], sums[1], times.ndim == 1


def _before(values: np.ndarray) -> np.ndarray:
    return np.cumsum(values, axis=-1) - values


def _pair(first: ArrayLike, score: ArrayLike, name: str) -> tuple[np.ndarray, np.ndarray]:
    values, scores = _finite(first, name), _finite(score, "score")
    if len(values) != len(scores):
        raise InputError("score", f"{len(scores)} values for {len(values)} of {name}", LENGTH)
    return values, scores


def _finite(values: ArrayLike, name: str) -> np.ndarray:
    array = as_numbers(values, name, missing=True).astype(float)
    if array.ndim != 1 or not array.size:
        raise InputError(name, f"shape {array.shape}, expected (n,) with n > 0", "Give one number per case")
    if bad := int((~np.isfinite(array)).sum()):
        raise InputError(name, f"{bad} of {array.size} values are NaN or infinite", "Every case needs a value here")
    return array
