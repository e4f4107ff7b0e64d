"""Rates of a classifier in each group of patients, under the bootstrap over patients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.disclosure import SMALLEST_CELL
from helpers.stats import drawing
from helpers.stats.attributes import comparable, reference_group
from helpers.stats.complement import small
from helpers.stats.intervals import wilson
from helpers.stats.resample import percentile_interval
from helpers.stats.resampled_means import CHUNK
from helpers.stats.weighted import area, by_score
from helpers.studies.own_scores.counting import countable, counted_draws, counted_sizes, effective_sizes
from helpers.studies.own_scores.units import in_one_group, people
from helpers.studies.own_scores.weighing import ROUNDING, null_gaps, rate_interval, reach_of

SENSITIVITY, SPECIFICITY, ACCURACY = "sensitivity", "specificity", "accuracy"
PPV, NPV = "positive predictive value", "negative predictive value"
AUROC, CALIBRATION, BRIER = "AUROC", "calibration-in-the-large", "Brier score"
RATES = (SENSITIVITY, SPECIFICITY, PPV, NPV, ACCURACY)


class Classified(NamedTuple):
    """Rows of a classifier.

    `truth` and `predicted` are bool (n,), `probability` is float (n,) or None, and `patient` numbers the patient of
    each row from 0. `weights` are the design weights (n,) of the rows, None if there are none.
    """

    truth: np.ndarray
    predicted: np.ndarray
    probability: np.ndarray | None
    patient: np.ndarray
    weights: np.ndarray | None = None

    @property
    def clustered(self) -> bool:
        """Return True if a patient has several rows."""
        return len(self.patient) > self.patient.max() + 1

    def parts(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return values (n,) and the rows that count (n,) of each measure that is a mean over rows."""
        y, hit, everyone = self.truth, self.predicted, np.ones(len(self.truth), bool)
        found = {SENSITIVITY: (hit, y), SPECIFICITY: (~hit, ~y), PPV: (y, hit), NPV: (~y, ~hit)}
        found[ACCURACY] = (hit == y, everyone)
        if self.probability is not None:
            error = self.probability - y
            found |= {CALIBRATION: (error, everyone), BRIER: (error**2, everyone)}
        return {name: (np.asarray(values, float), rows) for name, (values, rows) in found.items()}


class GroupRates(NamedTuple):
    """Measures of each group.

    `estimate` has the shape (measures, groups) and `draws` (n_boot, measures, groups). Both are weighted if the rows
    have weights, and `effective` then has Kish's effective number of rows, (measures, groups). `n` counts the rows and
    `patients` the patients of each measure, both (measures, groups); of the AUROC they count the smaller class. Where
    there are fewer than ten patients, estimate and draws are NaN. So are those of specificity where one to nine
    patients have a positive, and the like, because the sizes of both add up to the size of the group.

    `shared` is True if some patient has rows in several groups, as an attribute of images permits.
    """

    measures: list[str]
    levels: list[object]
    estimate: np.ndarray
    draws: np.ndarray
    n: np.ndarray
    patients: np.ndarray
    clustered: bool
    effective: np.ndarray | None = None
    shared: bool = False

    def interval(self, measure: int, group: int) -> tuple[float, float]:
        """Compute the 95% interval of a measure of a group: by Wilson for a rate of single rows, else by bootstrap.

        At 0 or 1, and for equal probabilities, the bootstrap has no spread. The interval of a rate or an AUROC is then
        that of Wilson for as many patients.

        With weights that of a rate or an AUROC is Wilson's for the number of cases that has the bootstrap's standard
        error, see `rate_interval`; without a spread for as many patients, or for the effective number of rows if that
        is smaller.
        """
        value = self.estimate[measure, group]
        if np.isnan(value):
            return float("nan"), float("nan")
        at_end = self._at_end(measure, group)
        if self._weighted(measure):
            error = 0.0 if at_end else self._error(measure, group)
            return rate_interval(value, error, self._units(measure, group))
        if at_end or (self.measures[measure] in RATES and not self.clustered):
            n = (self.patients if at_end else self.n)[measure, group]
            low, high = wilson(np.round(value * n), n)
            return float(low), float(high)
        return self.interval_of(value, self.draws[:, measure, group])

    def _at_end(self, measure: int, group: int) -> bool:
        bounded = self.measures[measure] in (*RATES, AUROC)
        return bounded and (self.estimate[measure, group] in (0, 1) or np.ptp(self.draws[:, measure, group]) < ROUNDING)

    def _weighted(self, measure: int) -> bool:
        return self.effective is not None and self.measures[measure] in (*RATES, AUROC)

    def _error(self, measure: int, group: int) -> float:
        """Compute the standard error from the replicates, for patients drawn with replacement from as many."""
        patients = self.patients[measure, group]
        return float(np.nanstd(self.draws[:, measure, group]) * np.sqrt(patients / (patients - 1)))

    def _units(self, measure: int, group: int) -> float:
        patients = self.patients[measure, group]
        return patients if self.effective is None else min(patients, self.effective[measure, group])

    def null(self, measure: int, groups: np.ndarray, *, seed: int) -> np.ndarray:
        """Compute the gap of a measure over groups as chance alone gives it, by a centred bootstrap."""
        values = self.estimate[measure, groups]
        units = [self._units(measure, group) for group in groups]
        bounded = self.measures[measure] in (*RATES, AUROC)
        reach = np.array([reach_of(v, n) if bounded else 0.0 for v, n in zip(values, units, strict=True)])
        return null_gaps(values, self.draws[:, measure, groups], reach, seed=seed)

    def contrast(self, measure: int, a: int, b: int) -> tuple[float, float, float]:
        """Compute the measure of group `b` minus that of `a`, with its 95% bootstrap interval.

        If the measure of a group is 0 or 1, where the bootstrap has no spread, and for a rate or an AUROC with weights,
        the interval combines those of the two groups (Newcombe 1998, method 10). Groups that share patients are
        correlated, as in his method for pairs; the correlation is that of the replicates.
        """
        first, second = (float(self.estimate[measure, group]) for group in (a, b))
        if self._weighted(measure) or self._at_end(measure, a) or self._at_end(measure, b):
            (low_a, high_a), (low_b, high_b) = (self.interval(measure, group) for group in (a, b))
            r = self._correlation(measure, a, b)
            low, high = _combined(second - low_b, high_a - first, r), _combined(high_b - second, first - low_a, r)
            return second - first, float(second - first - low), float(second - first + high)
        draws = self.draws[:, measure, b] - self.draws[:, measure, a]
        return second - first, *self.interval_of(second - first, draws)

    def _correlation(self, measure: int, a: int, b: int) -> float:
        if not self.shared or self._at_end(measure, a) or self._at_end(measure, b):
            return 0.0
        first, second = self.draws[:, measure, a], self.draws[:, measure, b]
        known = ~np.isnan(first + second)
        return float(np.corrcoef(first[known], second[known])[0, 1])

    def interval_of(self, value: float, draws: np.ndarray) -> tuple[float, float]:
        """Compute the ends of the 95% percentile interval of a statistic from its replicates."""
        found = percentile_interval(float(value), draws, 0, 0.95)
        return found.low, found.high


def _combined(first: float, second: float, correlation: float) -> float:
    """Compute the length of the difference of two correlated errors; np.hypot if they are not correlated."""
    return float(np.hypot(first - correlation * second, second * np.sqrt(1 - correlation**2)))


def classified(rows: pd.DataFrame, patient: np.ndarray, *, second: str = "") -> Classified:
    """Take the rows of a classifier from the loaded table.

    Parameters
    ----------
    rows : DataFrame
        Columns ``truth, predicted`` of 0 and 1, and perhaps ``probability``, ``second`` and ``weight``.
    patient : ndarray of int, shape (n,)
        Patient of each row.
    second : {"", "ruler", "model"}
        Use the second labels in place of the truth, or the predictions of the second model. The latter has no
        probabilities.
    """
    truth, predicted = (rows[name].to_numpy() == 1 for name in ("truth", "predicted"))
    probability = rows["probability"].to_numpy(float) if "probability" in rows and second != "model" else None
    if second:
        other = rows["second"].to_numpy() == 1
        truth, predicted = (other, predicted) if second == "ruler" else (truth, other)
    weights = rows["weight"].to_numpy(float) if "weight" in rows else None
    return Classified(truth, predicted, probability, np.asarray(patient), weights)


class Coded(NamedTuple):
    """Group of each row as a number (n,), -1 if it is missing or under ten patients, and the groups.

    `reference` is the group with most patients, and `patients` the number of all patients.
    """

    codes: np.ndarray
    levels: list[object]
    reference: object
    patients: int


def codes_of(found: Classified, groups: pd.Series) -> Coded:
    """Number the groups of the rows.

    Parameters
    ----------
    found : Classified
    groups : Series
        Categories, one for each patient; or one for each row, if there are more rows than patients.

    Raises
    ------
    InputError
        Fewer than two groups have ten patients.
    """
    if found.clustered and len(groups) == len(found.patient):
        each = people(groups, found.patient)
        levels = list(comparable(each).cat.categories)
        codes = pd.Categorical(groups, categories=levels).codes.astype(int)
        return Coded(codes, levels, reference_group(each), int(found.patient.max()) + 1)
    kept = comparable(groups)
    codes = kept.cat.codes.to_numpy().astype(int)[found.patient]
    return Coded(codes, list(kept.cat.categories), reference_group(groups), len(groups))


def group_rates(found: Classified, *, groups: pd.Series, n_boot: int = 10_000, seed: int = 0) -> GroupRates:
    """Compute the measures of each group, and their replicates under the bootstrap over patients.

    Parameters
    ----------
    found : Classified
    groups : Series of length n_patients or n
        Categories, one for each patient, or for each row if they vary within patients. Groups under ten patients are
        left out.
    n_boot, seed : int
        Replicates, which draw all patients, and their seed.

    Raises
    ------
    InputError
        Fewer than two groups have ten patients.

    Notes
    -----
    Where each row is a patient, and there are many, the replicates are those of `counting.counted_draws`.
    """
    return paired_rates([found], groups=groups, n_boot=n_boot, seed=seed)[0]


def paired_rates(
    many: Sequence[Classified], *, groups: pd.Series, n_boot: int = 10_000, seed: int = 0
) -> list[GroupRates]:
    """Compute `group_rates` of several classifications of the same rows; a replicate has the same patients of all."""
    codes, levels, _, patients = codes_of(many[0], groups)
    k, again = len(levels), {"n_boot": n_boot, "seed": seed}
    counted = counted_draws(many, codes, k, **again) if countable(many) else [None] * len(many)
    shared = not in_one_group(codes, many[0].patient)
    return [
        _rates_of(found, codes, levels, patients, shared, draws, **again)
        for found, draws in zip(many, counted, strict=True)
    ]


def _rates_of(
    found: Classified,
    codes: np.ndarray,
    levels: list[object],
    patients: int,
    shared: bool,
    draws: np.ndarray | None,
    **again: int,
) -> GroupRates:
    """Compute the measures of groups; the replicates are drawn by patient if they are not given."""
    parts, k, inside = found.parts(), len(levels), codes >= 0
    of_rows, place = 1.0 if found.weights is None else found.weights, found.patient * k + codes
    columns = [values * rows * of_rows for values, rows in parts.values()]
    columns += [rows * of_rows for _, rows in parts.values()]
    table = np.empty((patients, len(columns), k))
    for position, column in enumerate(columns):
        table[:, position] = np.bincount(place[inside], column[inside], patients * k).reshape(patients, k)
    table = table.reshape(patients, -1)
    sides = _sides(found, codes, k)

    def measured(weights: np.ndarray) -> np.ndarray:
        sums = (weights @ table).reshape(len(weights), 2, len(parts), k)
        with np.errstate(invalid="ignore"):
            values = sums[:, 0] / sums[:, 1]
        if not sides:
            return values
        by_row = weights.T[found.patient]
        by_row = by_row if found.weights is None else by_row * found.weights[:, None]
        areas = np.stack([area(side, by_row) for side in sides], axis=1)
        return np.concatenate([values, areas[:, None]], axis=1)

    if draws is None:
        blocks = drawing.blocks(patients, **again, step=max(1, CHUNK // len(found.patient)))
        draws = np.concatenate([measured(weights) for weights in blocks])
    n, units = counted_sizes(found, codes, k)
    hidden = units < SMALLEST_CELL
    for pair in ([0, 1], [2, 3]):  # sensitivity and specificity; the two predictive values
        hidden[pair] |= small(units[pair]).any(axis=0)
    estimate = measured(np.ones((1, patients)))[0]
    estimate[hidden], draws[:, hidden] = np.nan, np.nan
    many = None if found.weights is None else effective_sizes(found, codes, k)
    measures = [*parts, *([AUROC] if sides else [])]
    return GroupRates(measures, levels, estimate, draws, n, units, found.clustered, many, shared)


def _sides(found: Classified, codes: np.ndarray, k: int) -> list:
    """Rank the rows of each group by probability; none without probabilities."""
    if found.probability is None:
        return []
    return [by_score(found.probability, found.truth, np.flatnonzero(codes == g)) for g in range(k)]
