"""Group harmed by a reconstruction, from the signed change of one group compared with another.

The change from the original to an arm is measured on the same cases. It is then compared between the patients of two
groups (difference in differences). Under the null hypothesis both groups change alike, whatever gap the original has.
Unlike the change of a largest-minus-smallest gap, it has a sign, and its null value does not depend on group sizes.

The difference includes every effect of the images, direct or indirect. For example, a rate falls more in a group with
cases closer to the threshold, even if its images became no worse than those of the others. Read it together with the
change in image quality.

The standard error comes from the contribution of each patient to the change (the influence function), so that several
cases of one patient count as one. With one case per patient it is that of Welch's test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from helpers.metrics.rates import SMALLEST, check_labels, check_predictions, check_probabilities
from helpers.stats._cohort import Attribute, Cohort, add_q, check_arms, check_cohort, check_columns
from helpers.stats.fairness import patient_means
from helpers.stats.pairs import placements


class _Change(NamedTuple):
    """Mean change in a group.

    `influence` is that of each patient who contributes. `n` is the size that is shown, and `patients` the number that
    is compared with the minimum.
    """

    value: float
    influence: np.ndarray
    n: int
    patients: int


Changes = Callable[[np.ndarray], _Change]  # computes the change of the patients in a mask (patients,)


def harm_in_scores(
    scores: pd.DataFrame,
    *,
    attributes: pd.DataFrame,
    patient: ArrayLike,
    baseline: str = "original",
    minimum: int = SMALLEST,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare between groups the change of a score such as Dice from the baseline to each arm.

    Parameters
    ----------
    scores : DataFrame of shape (n, arms)
        The score of each case under each arm, NaN where undefined. A patient's score is the mean over the patient's
        cases. A patient without a score under the baseline or the arm is left out of this arm.
    attributes : DataFrame of shape (n, attributes)
        Group labels. With two groups the second is compared with the first; with more, each with all others.
    patient : array_like of shape (n,)
        Patient of each case.
    baseline : str
        The arm the others are compared with.
    minimum : int
        If one of the two sides has fewer patients, there is neither a change nor a test.
    level : float
        Coverage of the interval.

    Returns
    -------
    DataFrame
        One row per attribute, group and arm: ``group, against, change, change_against`` (arm minus baseline in both),
        ``difference`` (first minus second: below 0 the group loses more), ``se, low, high, p`` (two-sided, Welch),
        ``q`` (Benjamini-Hochberg over the whole table), ``n, n_against, note``. ``attrs["tests"]`` is the number of
        tests corrected for.

    Raises
    ------
    InputError
        Lengths differ, a score is infinite, the baseline is absent, an attribute has one group only, or a patient has
        two.
    """
    others = check_arms(dict.fromkeys(scores.columns), baseline)
    cohort = check_cohort(patient, attributes, scores.index)
    rows = []
    for arm in others:
        means = patient_means(scores[[baseline, arm]], cohort.total)
        change = means[:, 1] - means[:, 0]
        known = ~np.isnan(change)
        changes = _ratio(np.where(known, change, 0), known.astype(float))
        rows += [{"arm": arm} | row for row in _contrasts(cohort, changes, minimum, level)]
    return add_q(pd.DataFrame(rows))


def harm_in_rates(
    y_true: pd.DataFrame,
    predictions: Mapping[str, pd.DataFrame],
    *,
    attributes: pd.DataFrame,
    patient: ArrayLike,
    baseline: str = "original",
    minimum: int = SMALLEST,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare between groups the change of true and false positive rates from the baseline to each arm.

    Parameters
    ----------
    y_true, predictions
        As in `helpers.stats.prediction_fairness`.
    attributes, patient, baseline, minimum, level
        As in `harm_in_scores`; `minimum` counts the patients with a positive for the true, and with a negative for the
        false positive rate.

    Returns
    -------
    DataFrame
        As in `harm_in_scores`, with the columns ``finding`` and ``rate`` ("tpr", "fpr"). A group loses more if its
        difference in "tpr" is below 0, or its difference in "fpr" above 0. ``n`` counts positives or negatives.
    """
    others = check_arms(predictions, baseline)
    check_columns(y_true, predictions)
    cohort = check_cohort(patient, attributes, y_true.index)
    rows = []
    for finding in y_true.columns:
        labels = check_labels(y_true[finding], f"y_true[{finding!r}]")
        first = check_predictions(predictions[baseline][finding], f"{baseline}[{finding!r}]")
        for arm in others:
            change = check_predictions(predictions[arm][finding], f"{arm}[{finding!r}]") - first
            for rate, side in (("tpr", labels == 1), ("fpr", labels == 0)):
                changes = _ratio(cohort.total(change * side), cohort.total(side.astype(float)))
                about = {"finding": finding, "rate": rate, "arm": arm}
                rows += [about | row for row in _contrasts(cohort, changes, minimum, level)]
    return add_q(pd.DataFrame(rows))


def harm_in_auroc(
    y_true: pd.DataFrame,
    probabilities: Mapping[str, pd.DataFrame],
    *,
    attributes: pd.DataFrame,
    patient: ArrayLike,
    baseline: str = "original",
    minimum: int = SMALLEST,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare between groups the change of the within-group AUROC from the baseline to each arm.

    Parameters
    ----------
    y_true : DataFrame of shape (n, findings)
        0, 1 or NaN.
    probabilities : mapping of str to DataFrame of shape (n, findings)
        Probabilities of each arm, in 0 to 1, with the index of `y_true`.
    attributes, patient, baseline, minimum, level
        As in `harm_in_scores`; `minimum` counts the patients with a positive, and those with a negative.

    Returns
    -------
    DataFrame
        As in `harm_in_scores`, with the column ``finding``; ``n`` is the smaller of the numbers of positives and of
        negatives.

    Notes
    -----
    Standard errors use paired placement values (DeLong et al. 1988), summed by patient (Obuchowski 1997).
    """
    others = check_arms(probabilities, baseline)
    check_columns(y_true, probabilities)
    cohort = check_cohort(patient, attributes, y_true.index)
    rows = []
    for finding in y_true.columns:
        labels = check_labels(y_true[finding], f"y_true[{finding!r}]")
        first = check_probabilities(probabilities[baseline][finding], f"{baseline}[{finding!r}]")
        for arm in others:
            second = check_probabilities(probabilities[arm][finding], f"{arm}[{finding!r}]")
            changes = _areas(labels, first, second, cohort.patient)
            rows += [{"finding": finding, "arm": arm} | row for row in _contrasts(cohort, changes, minimum, level)]
    return add_q(pd.DataFrame(rows))


def _contrasts(cohort: Cohort, changes: Changes, minimum: int, level: float) -> list[dict[str, object]]:
    rows = []
    for attribute in cohort.attributes:
        for group, against, one, other in _sides(attribute):
            about = {"attribute": attribute.name, "group": group, "against": against}
            rows.append(about | _welch(changes(one), changes(other), minimum, level))
    return rows


def _sides(attribute: Attribute) -> list[tuple[object, object, np.ndarray, np.ndarray]]:
    """Pair the groups for comparison: two groups once; of more groups, each with the rest."""
    codes, levels = attribute.codes, attribute.levels
    if len(levels) == 2:
        return [(levels[1], levels[0], codes == 1, codes == 0)]
    return [(name, "rest", codes == k, (codes >= 0) & (codes != k)) for k, name in enumerate(levels)]


def _welch(one: _Change, other: _Change, minimum: int, level: float) -> dict[str, object]:
    row = {"change": one.value, "change_against": other.value, "difference": one.value - other.value}
    sizes = {"n": one.n, "n_against": other.n}
    nothing = dict.fromkeys(["se", "low", "high", "p"], float("nan"))
    if min(one.patients, other.patients) < max(minimum, 1) or min(len(one.influence), len(other.influence)) < 2:
        return dict.fromkeys(row, float("nan")) | nothing | sizes | {"note": "too few"}
    counts = np.array([len(one.influence), len(other.influence)])
    variances = np.array([(part.influence**2).sum() for part in (one, other)]) * counts / (counts - 1)
    se = float(np.sqrt(variances.sum()))
    if se < 1e-12:  # all cases of each side changed by the same amount
        same = abs(row["difference"]) < 1e-12
        ends = {"se": 0.0, "low": row["difference"], "high": row["difference"], "p": 1.0 if same else 0.0}
        return row | ends | sizes | {"note": "no spread"}
    df = variances.sum() ** 2 / (variances**2 / (counts - 1)).sum()
    half = float(stats.t.ppf(0.5 + level / 2, df)) * se
    p = float(2 * stats.t.sf(abs(row["difference"]) / se, df))
    ends = {"se": se, "low": row["difference"] - half, "high": row["difference"] + half, "p": p}
    return row | ends | sizes | {"note": ""}


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> Changes:
    """Divide the patients' summed numerators by their summed denominators: a mean over patients, or a rate of cases."""

    def changes(mask: np.ndarray) -> _Change:
        mask = mask & (denominator > 0)
        above, below = numerator[mask], denominator[mask]
        size = below.sum()
        if not size:
            return _Change(float("nan"), np.empty(0), 0, 0)
        value = float(above.sum() / size)
        return _Change(value, (above - value * below) / size, int(size), int(mask.sum()))

    return changes


def _areas(labels: np.ndarray, first: np.ndarray, second: np.ndarray, patient: np.ndarray) -> Changes:
    """Compute the change of the area under the ROC curve within a group."""
    known = np.flatnonzero(~np.isnan(labels))
    positive, patient = labels[known] == 1, patient[known]
    ordered = [(score[known], np.argsort(score[known])) for score in (first, second)]

    def changes(mask: np.ndarray) -> _Change:
        cases = mask[patient]
        n_positive, n_negative = int(positive[cases].sum()), int((~positive[cases]).sum())
        if not (n_positive and n_negative):
            return _Change(float("nan"), np.empty(0), 0, 0)
        before, after = (_placements(score, order[cases[order]], positive) for score, order in ordered)
        moved = after - before
        value = float(moved[cases & positive].mean())
        share = np.where(positive, 1 / n_positive, 1 / n_negative) * cases
        influence = np.bincount(patient, (moved - value) * share, len(mask))
        kept = influence[np.bincount(patient[cases], minlength=len(mask)) > 0]
        people = min(len(np.unique(patient[cases & side])) for side in (positive, ~positive))
        return _Change(value, kept, min(n_positive, n_negative), people)

    return changes


def _placements(score: np.ndarray, order: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Compute placement values: for a positive the share of negatives below, for a negative that of positives above.

    Ties count as half. `order` lists the cases of the group by score; all other cases get 0.
    """
    own, placed = positive[order], np.zeros(len(score))
    upper, lower = order[own], order[~own]
    placed[upper] = placements(score[upper], score[lower])
    placed[lower] = 1 - placements(score[lower], score[upper])
    return placed
