"""Decision thresholds for probabilities, and the optimism of choosing a threshold on the test cases themselves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.metrics.rates import SMALLEST, check_labels, check_probabilities
from helpers.stats import drawing
from helpers.stats._cohort import Cohort, change_row, check_cohort


def choose_threshold(y_true: ArrayLike, probability: ArrayLike) -> float:
    """Find the threshold at which sensitivity and specificity are closest, ``argmin_t |specificity - sensitivity|``.

    Use validation data. A case is positive if its probability is at or above the threshold (see `predict_at`).

    Parameters
    ----------
    y_true : array_like of shape (n,)
        0, 1 or NaN; cases with NaN are left out.
    probability : array_like of shape (n,)
        In 0 to 1.

    Returns
    -------
    float
        One of the given probabilities; the lowest if several are equally good.

    Raises
    ------
    InputError
        Lengths differ, a value is out of range, or a class is absent.
    """
    labels, values = _judged(y_true, probability)
    order = np.argsort(values, kind="stable")
    return _best(values[order], labels[order], np.ones(len(values)))


def predict_at(probability: pd.DataFrame, thresholds: Mapping[str, float]) -> pd.DataFrame:
    """Predict 1 where the probability is at or above the threshold of its finding, otherwise 0.

    Parameters
    ----------
    probability : DataFrame of shape (n, findings)
        In 0 to 1.
    thresholds : mapping of str to float
        One per finding.

    Raises
    ------
    InputError
        A finding has no threshold, or a probability is missing or outside 0 to 1.
    """
    missing = [finding for finding in probability.columns if finding not in thresholds]
    if missing:
        raise InputError("thresholds", f"no threshold for {missing}", "Choose one per finding with choose_threshold.")
    return pd.DataFrame(
        {
            finding: (check_probabilities(probability[finding], str(finding)) >= thresholds[finding]).astype(int)
            for finding in probability.columns
        },
        index=probability.index,
    )


def threshold_optimism(
    test: pd.DataFrame,
    validation: pd.DataFrame,
    *,
    attribute: str,
    minimum: int = SMALLEST,
    n_boot: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Estimate the apparent gain of a threshold chosen on the test cases over one chosen on validation cases.

    Parameters
    ----------
    test, validation : DataFrame
        Columns ``patient_id, y_true`` (0, 1 or NaN) and ``probability``; `test` also the attribute.
    attribute : str
        Column with the groups of the equalized odds difference.
    minimum : int
        A group in which fewer patients have a positive (negative) is left out of the true (false) positive rate.
    n_boot, seed, level
        Replicates, their seed, and the coverage. Each replicate resamples the patients of both frames and chooses both
        thresholds anew.

    Returns
    -------
    DataFrame
        Index ``statistic``: "threshold", "balance" (``|specificity - sensitivity|``), "accuracy" and "eodd", all on
        the test cases. Columns ``from_validation, from_test, difference`` (second minus first), ``se, low, high, p``
        (two-sided bootstrap), ``dropped`` replicates and ``n``, the number of test patients. "eodd" (equalized odds
        difference) is NaN if fewer than two groups are left in a rate.

    Raises
    ------
    InputError
        A column is absent, a value is out of range, a class is absent, or the attribute has one group only.
    """
    names = ["patient_id", "y_true", "probability"]
    parts = []
    for name, frame, columns in (("test", test, [*names, attribute]), ("validation", validation, names)):
        absent = [c for c in columns if c not in frame.columns]
        if absent:
            raise InputError(name, f"columns {absent} are absent", f"Give a frame with {columns}.")
        frame = frame[frame["y_true"].notna()].sort_values("probability", kind="stable").reset_index(drop=True)
        parts.append((frame, *_judged(frame["y_true"], frame["probability"])))
    (frame, labels, values), (other, other_labels, other_values) = parts
    cohort = check_cohort(frame["patient_id"], frame[[attribute]], frame.index)
    first_of = ~pd.DataFrame({"patient": cohort.patient, "label": labels}).duplicated().to_numpy()
    kept = _group_counts(cohort, labels, first_of.astype(float)) >= max(minimum, 1)
    patients = [pd.factorize(part["patient_id"])[0] for part in (frame, other)]

    def both(test_weights: np.ndarray, validation_weights: np.ndarray) -> np.ndarray:
        cuts = _best(other_values, other_labels, validation_weights), _best(values, labels, test_weights)
        rows = [[cut, *_quality(cohort, labels, values >= cut, test_weights, kept)] for cut in cuts]
        return np.where(np.isnan(cuts)[:, None], np.nan, rows)

    rng = np.random.default_rng(seed)
    estimate = both(np.ones_like(labels), np.ones_like(other_labels))
    replicates = np.empty((n_boot, *estimate.shape))
    for i in range(n_boot):
        drawn = []
        for codes in patients:
            size = codes.max() + 1
            drawn.append(drawing.counts(size, 1, rng)[0, codes])
        replicates[i] = both(*drawn)
    n, rows = len(cohort.attributes[0].codes), []
    for k, statistic in enumerate(("threshold", "balance", "accuracy", "eodd")):
        row = change_row(*estimate[:, k], replicates[:, 1, k] - replicates[:, 0, k], n=n, level=level)
        names = {"baseline": "from_validation", "value": "from_test", "change": "difference"}
        rows.append({"statistic": statistic} | {names.get(key, key): value for key, value in row.items()} | {"n": n})
    return pd.DataFrame(rows).set_index("statistic").drop(columns="p_as_published")


def _judged(y_true: ArrayLike, probability: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and probabilities of the cases with a label; InputError unless both classes are present."""
    labels, values = check_labels(y_true), check_probabilities(probability)
    if len(labels) != len(values):
        raise InputError("probability", f"{len(values)} values for {len(labels)} labels", "Give one per case.")
    known = ~np.isnan(labels)
    labels, values = labels[known], values[known]
    if len(np.unique(labels)) < 2:
        problem = f"{int((labels == 1).sum())} positives and {int((labels == 0).sum())} negatives"
        raise InputError("y_true", problem, "A threshold needs both.")
    return labels, values


def _best(values: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> float:
    """Find the threshold of `choose_threshold` in sorted values; NaN if the weights leave only one class."""
    starts = np.flatnonzero(np.concatenate(([True], np.diff(values) > 0)))
    positive, negative = (np.add.reduceat(weights * (labels == side), starts) for side in (1, 0))
    n_positive, n_negative = positive.sum(), negative.sum()
    if not (n_positive and n_negative):
        return float("nan")
    missed, refused = np.cumsum(positive) - positive, np.cumsum(negative) - negative  # below the threshold
    # |specificity - sensitivity| times both counts: these are whole numbers, so ties are exact
    distance = np.abs(refused * n_positive - (n_positive - missed) * n_negative)
    distance[positive + negative == 0] = np.inf  # not drawn
    return float(values[starts][distance.argmin()])


def _group_counts(cohort: Cohort, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sum the weights of positives and of negatives in each group, (groups, 2)."""
    codes, levels = cohort.attributes[0].codes[cohort.patient], cohort.attributes[0].levels
    sums = [np.bincount(codes[m], weights[m], len(levels)) for m in ((codes >= 0) & (labels == s) for s in (1, 0))]
    return np.stack(sums, axis=1)


def _quality(
    cohort: Cohort, labels: np.ndarray, hits: np.ndarray, weights: np.ndarray, kept: np.ndarray
) -> tuple[float, float, float]:
    """Compute balance, accuracy and equalized odds difference; NaN if a class or a group was not drawn."""
    right = weights * (hits == (labels == 1))
    with np.errstate(invalid="ignore"):
        sensitivity, specificity = (right[m].sum() / weights[m].sum() for m in (labels == 1, labels == 0))
        rates = _group_counts(cohort, labels, weights * hits) / _group_counts(cohort, labels, weights)
    gaps = [np.ptp(rates[kept[:, k], k]) if kept[:, k].sum() > 1 else np.nan for k in (0, 1)]
    return abs(specificity - sensitivity), float(right.sum() / weights.sum()), float(np.mean(gaps))
