"""True and false positive rates of predictions, and the gaps in these rates between groups.

A case with label NaN is left out of every rate. A case without a group belongs to no group.

**Where definitions differ.** The equalized odds difference here is half the sum of the gaps in true and in false
positive rate, as in the study of reconstruction bias. Fairlearn's default is the larger of the two gaps; its
``agg="mean"`` is the definition used here. The study's code gives a group without positives a true positive rate of 1,
and a group without negatives a false positive rate of 0. This choice can decide the whole result. Here the rate of such
a group is left out, and `rates_by_group` names it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.metrics.checks import as_numbers, real, shown

SMALLEST = 10  # positives (negatives) that a group needs for its true (false) positive rate to be compared


class Auroc(NamedTuple):
    """Area under the ROC curve (AUROC). If a class is absent, `value` is NaN and `note` gives the reason."""

    value: float
    n: int
    n_positive: int
    note: str


def auroc(y_true: ArrayLike, score: ArrayLike) -> Auroc:
    """Compute the area under the ROC curve: how often a positive scores above a negative, with ties counted half.

    Parameters
    ----------
    y_true : array_like of shape (n,)
        0, 1 or NaN; cases with NaN are left out.
    score : array_like of shape (n,)
        Finite; only the order matters.

    Raises
    ------
    InputError
        Lengths differ, a label is not 0, 1 or NaN, or a score is not finite.
    """
    from sklearn.metrics import roc_auc_score  # slow to import

    labels = check_labels(y_true)
    values = _as_long_as(_numbers(score, "score"), labels, "score")
    known = ~np.isnan(labels)
    n, positive = int(known.sum()), int((labels == 1).sum())
    if positive in (0, n):
        return Auroc(float("nan"), n, positive, "no case" if not n else "no negative" if positive else "no positive")
    return Auroc(float(roc_auc_score(labels[known], values[known])), n, positive, "")


def true_positive_rate(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Share of the positives that are predicted positive (sensitivity); NaN if there is no positive."""
    return _rate(y_true, y_pred, 1)


def false_positive_rate(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Share of the negatives that are predicted positive (1 - specificity); NaN if there is no negative."""
    return _rate(y_true, y_pred, 0)


def rates_by_group(
    y_true: ArrayLike, y_pred: ArrayLike, *, groups: ArrayLike, minimum: int = SMALLEST, as_published: bool = False
) -> pd.DataFrame:
    """Compute the true and false positive rate of each group, and name the rates that are left out.

    Parameters
    ----------
    y_true : array_like of shape (n,)
        0, 1 or NaN.
    y_pred : array_like of shape (n,)
        0 or 1.
    groups : array_like of shape (n,)
        Group labels; a case with a missing label is left out.
    minimum : int
        A group with fewer positives (negatives) gets NaN as true (false) positive rate, and `left_out` names the rate.
    as_published : bool
        Keep every group instead. Its true positive rate is 1 if it has no positive, and its false positive rate is 0
        if it has no negative.

    Returns
    -------
    DataFrame
        Index ``group``; columns ``n, n_positive, n_negative, tpr, fpr, left_out``. ``attrs["missing"]`` counts the
        cases without label or group.
    """
    if not real(minimum) >= 0:
        fix = f"Use {SMALLEST} if in doubt."
        raise InputError(f"minimum = {shown(minimum)}", "expected a number of cases, 0 or more", fix)
    labels = check_labels(y_true)
    decided = _as_long_as(check_predictions(y_pred), labels, "y_pred")
    if np.ndim(groups) != 1:
        raise InputError("groups", f"shape {np.shape(groups)}, expected (n,)", "Give one label per case.")
    series = pd.Series(groups).reset_index(drop=True)
    if isinstance(groups, np.ndarray) and groups.dtype.kind == "U":
        series = series.mask(series == "nan")  # NumPy writes a missing value among texts as this text
    if len(series) != len(labels):
        raise InputError("groups", f"{len(series)} labels for {len(labels)} cases", "Give one label per case.")
    known = ~np.isnan(labels) & series.notna().to_numpy()
    frame = pd.DataFrame({"group": series, "y": labels == 1, "hit": decided == 1})[known]
    rows = []
    for group, part in frame.groupby("group", observed=True):
        sides = {"tpr": part["hit"][part["y"]], "fpr": part["hit"][~part["y"]]}
        few = [] if as_published else [name for name, hits in sides.items() if len(hits) < max(minimum, 1)]
        rates = {name: float("nan") if name in few else hits.mean() for name, hits in sides.items()}
        if as_published:
            rates = {n: r if len(sides[n]) else float(n == "tpr") for n, r in rates.items()}
        sizes = {"n": len(part), "n_positive": len(sides["tpr"]), "n_negative": len(sides["fpr"])}
        rows.append({"group": group} | sizes | rates | {"left_out": ", ".join(few)})
    columns = ["group", "n", "n_positive", "n_negative", "tpr", "fpr", "left_out"]
    table = pd.DataFrame(rows, columns=columns).set_index("group")
    table.attrs["missing"] = int((~known).sum())
    return table


def equalized_odds_difference(
    y_true: ArrayLike, y_pred: ArrayLike, *, groups: ArrayLike, minimum: int = SMALLEST, as_published: bool = False
) -> float:
    """Compute the equalized odds difference: half the sum of the gaps in true and in false positive rate.

    A gap is the largest rate of a group minus the smallest.

    Parameters
    ----------
    y_true, y_pred, groups, minimum, as_published
        As in `rates_by_group`, which names the groups left out.

    Returns
    -------
    float
        From 0 to 1. It is never negative, and is biased upwards in small groups.

    Raises
    ------
    InputError
        Fewer than two groups are left in either rate.
    """
    table = rates_by_group(y_true, y_pred, groups=groups, minimum=minimum, as_published=as_published)
    return (_gap(table, "tpr", minimum) + _gap(table, "fpr", minimum)) / 2


def equal_opportunity_difference(
    y_true: ArrayLike, y_pred: ArrayLike, *, groups: ArrayLike, minimum: int = SMALLEST, as_published: bool = False
) -> float:
    """Compute the largest minus the smallest true positive rate; parameters as in `equalized_odds_difference`."""
    table = rates_by_group(y_true, y_pred, groups=groups, minimum=minimum, as_published=as_published)
    return _gap(table, "tpr", minimum)


def check_labels(y_true: ArrayLike, name: str = "y_true") -> np.ndarray:
    """Return labels 0, 1 and NaN as floats of shape (n,); raise InputError for anything else."""
    values = _numbers(y_true, name, nan=True)
    other = values[~np.isnan(values) & ~np.isin(values, (0, 1))]
    if len(other):
        problem = f"{len(other)} of {len(values)} labels are not 0, 1 or NaN, the first is {other[0]:g}"
        raise InputError(name, problem, "Map uncertain labels to NaN or to a class first.")
    return values


def check_predictions(y_pred: ArrayLike, name: str = "y_pred") -> np.ndarray:
    """Return predictions 0 and 1 as floats of shape (n,); raise InputError for anything else."""
    values = _numbers(y_pred, name)
    if not np.isin(values, (0, 1)).all():
        raise InputError(name, "values other than 0 and 1", "Apply the threshold first.")
    return values


def check_probabilities(probability: ArrayLike, name: str = "probability") -> np.ndarray:
    """Return probabilities as floats of shape (n,); raise InputError if one is missing or outside 0 to 1."""
    values = _numbers(probability, name)
    bad = int(((values < 0) | (values > 1)).sum())
    if bad:
        raise InputError(name, f"{bad} of {len(values)} values are outside 0 to 1", "Give the sigmoid of the logits.")
    return values


def _numbers(values: ArrayLike, name: str, *, nan: bool = False) -> np.ndarray:
    array = as_numbers(values, name, missing=True).astype(float)
    if array.ndim != 1 or not array.size:
        raise InputError(name, f"shape {array.shape}, expected (n,) with n > 0", "Give one number per case.")
    bad = int((~np.isfinite(array) & ~(np.isnan(array) & nan)).sum())
    if bad:
        problem = f"{bad} of {array.size} values are {'' if nan else 'NaN or '}infinite"
        raise InputError(name, problem, "Every case needs a value here.")
    return array


def _as_long_as(values: np.ndarray, labels: np.ndarray, name: str) -> np.ndarray:
    if len(values) != len(labels):
        raise InputError(name, f"{len(values)} values for {len(labels)} labels", "Give one per case, in one order.")
    return values


def _rate(y_true: ArrayLike, y_pred: ArrayLike, among: int) -> float:
    labels = check_labels(y_true)
    decided = _as_long_as(check_predictions(y_pred), labels, "y_pred")
    cases = decided[labels == among]
    return float(cases.mean()) if len(cases) else float("nan")


def _gap(table: pd.DataFrame, rate: str, minimum: int) -> float:
    rates = table[rate].dropna()
    if len(rates) < 2:
        kind = "positives" if rate == "tpr" else "negatives"
        problem = f"{len(rates)} of {len(table)} group(s) have {minimum} {kind} or more, 2 are needed"
        raise InputError("groups", problem, "Merge groups, or leave this comparison out and report it.")
    return float(rates.max() - rates.min())
