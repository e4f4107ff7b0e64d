"""Means, contrasts and gaps of the audited score by group, with design weights if there are any.

Without weights each function returns the tables of `helpers.stats`, and with weights tables of the same columns.
With `patient` (n,) a score is that of a row, and the units are those of `units_of`: a patient has the mean score of the
rows in a group. Where patients are in several groups, what compares groups resamples patients.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from scipy.stats import t as student

from helpers import stats
from helpers.errors import InputError
from helpers.stats.attributes import comparable, reference_group
from helpers.stats.judging import judge
from helpers.stats.permute import Permutation
from helpers.stats.questions import adjust_once
from helpers.stats.resample import Change, Interval, percentile_interval
from helpers.studies.own_scores.units import Units, people, units_of
from helpers.studies.own_scores.weighing import (
    EFFECTIVE,
    Drawn,
    effective,
    effective_sizes,
    judged,
    null_gaps,
    reach_of,
    resampled_means,
    weighted_mean,
)

Groups = Mapping[str, pd.Series]
Patients = np.ndarray | None


def _units(score: pd.Series, groups: pd.Series, weights: pd.Series | None, patient: Patients) -> Units:
    return units_of(score.to_frame("score"), groups, weights=weights, patient=patient)


def compared(score: pd.Series, groups: pd.Series, weights: pd.Series | None, patient: Patients) -> Units:
    """Return the units; where groups share patients each has a weight, 1 without design weights."""
    found = _units(score, groups, weights, patient)
    alike = found.patient is None or found.weights is not None
    return found if alike else found._replace(weights=pd.Series(1.0, found.groups.index))


def sizes_of(groups: Groups, *, weights: pd.Series | None = None, patient: Patients = None) -> dict[str, pd.DataFrame]:
    """Count the cases, or patients, of each group by `stats.group_sizes`; with weights also Kish's effective n."""
    tables = {name: stats.group_sizes(people(of, patient)) for name, of in groups.items()}
    for name, table in tables.items() if weights is not None else ():
        of = _units(weights, groups[name], weights, patient)
        found = effective_sizes(of.groups, of.weights)
        found.index = [stats.NOT_RECORDED if pd.isna(group) else group for group in found.index]
        table[EFFECTIVE] = found.reindex(table.index)
    return tables


def mean_of(score: pd.Series, *, weights: pd.Series | None = None, patient: Patients = None) -> float:
    """Compute the mean of all cases, or of all patients."""
    whole = _units(score, pd.Series("all", score.index, dtype="category"), weights, patient)
    score = whole.scores["score"]
    return float(score.mean() if weights is None else np.average(score, weights=whole.weights))


def means(
    score: pd.Series,
    *,
    groups: Groups,
    weights: pd.Series | None = None,
    patient: Patients = None,
    missing: bool = True,
) -> dict[str, pd.DataFrame]:
    """Describe the score in each group of each attribute.

    Parameters
    ----------
    missing : bool
        Add the cases without a group, as "not recorded".

    Returns
    -------
    dict of str to DataFrame
        Index ``group``; the columns of `stats.by_group` without ``note`` and quartiles, and ``effective n`` with
        weights. Intervals are Student's, with n - 1 degrees of freedom.
    """
    found, of_all = {}, {True: stats.described, False: stats.by_group}[missing]
    for name, of in groups.items():
        units = _units(score, of, weights, patient)
        values = units.scores["score"]
        if weights is None:
            found[name] = of_all(values, groups=units.groups).drop(columns=["note", "q1", "q3"])
        else:
            found[name] = _means(values, units.groups, units.weights, missing)
    return found


def _means(score: pd.Series, groups: pd.Series, weights: pd.Series, missing: bool) -> pd.DataFrame:
    rows = {}
    for group, of in score.groupby(groups, observed=True, dropna=not missing):
        found = weighted_mean(of.to_numpy(), weights[of.index].to_numpy())
        half = student.ppf(0.975, len(of) - 1) * found.error
        row = {"n": len(of), EFFECTIVE: round(effective(weights[of.index].to_numpy()), 1), "mean": found.mean}
        row |= {"sd": found.sd, "low": found.mean - half, "high": found.mean + half, "median": found.median}
        rows[stats.NOT_RECORDED if pd.isna(group) else group] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")


def contrasts(
    score: pd.Series,
    *,
    groups: Groups,
    weights: pd.Series | None = None,
    patient: Patients = None,
    n_boot: int = 10_000,
    seed: int = 0,
) -> dict[str, pd.DataFrame]:
    """Compute the mean of every group minus that of the largest one, as `stats.against_reference` does.

    With weights the smallest detectable difference is that of Kish's effective numbers of cases. Between groups that
    share patients it is that of as many different patients.
    """
    boot, found = {"n_boot": n_boot, "seed": seed}, {}
    for name, of in groups.items():
        units = compared(score, of, weights, patient)
        if units.weights is None:
            found[name] = stats.against_reference(units.scores["score"], groups=units.groups, **boot)
        else:
            found[name] = _contrasts(units, **boot)
    return found


def _contrasts(units: Units, **boot: int) -> pd.DataFrame:
    score, groups, weights, patient = units.scores["score"], *units[1:]
    kept, reference, rows = comparable(groups), reference_group(groups), {}
    levels, codes = list(kept.cat.categories), kept.cat.codes.to_numpy().astype(int)
    drawn = resampled_means(score.to_numpy(float)[:, None], codes, weights.to_numpy(), patient=patient, **boot)
    r, sizes = levels.index(reference), np.bincount(codes[codes >= 0])
    spread = [_spread(score, weights, codes == k) for k in range(len(levels))]
    for k, level in enumerate(levels):
        if k != r:
            change = _less(drawn, 0, k, r)
            rows[level] = {"reference": reference, "n": int(sizes[k]), "n_reference": int(sizes[r])}
            rows[level] |= {"estimate": change.estimate, "low": change.low, "high": change.high}
            rows[level] |= {"detectable": _detectable(spread[r], spread[k]), "note": change.note}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")


def _less(drawn: Drawn, column: int, group: int, reference: int) -> Interval:
    """Return the mean of a group less that of the reference, with its interval."""
    estimate, draws = (of[..., column, group] - of[..., column, reference] for of in drawn)
    return percentile_interval(float(estimate), draws, 0, 0.95)


def _spread(score: pd.Series, weights: pd.Series, inside: np.ndarray) -> tuple[float, float]:
    """Return the weighted SD and the effective n of the cases of a group."""
    of = weights.to_numpy()[inside]
    return weighted_mean(score.to_numpy(float)[inside], of).sd, effective(of)


def _detectable(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Compute the difference that four of five studies would find, as `stats.detectable_difference` does."""
    (sd_a, a), (sd_b, b) = first, second
    df = max(a + b - 2, 1.0)
    pooled = (max(a - 1, 0) * sd_a**2 + max(b - 1, 0) * sd_b**2) / df
    return float((student.ppf(0.975, df) + student.ppf(0.8, df)) * np.sqrt(pooled * (1 / a + 1 / b)))


def null_of(units: Units, n_permutations: int, n_boot: int, seed: int) -> Permutation:
    """Test the gap of units against its null: by permutation, or by a centred bootstrap.

    The latter is used with weights, and for groups that share patients.

    Raises
    ------
    InputError
        Fewer than two groups have ten cases.
    """
    score, groups, weights, patient = units.scores["score"], *units[1:]
    kept = comparable(groups)
    if weights is None:
        return stats.permutation(score, groups=kept, n=n_permutations, seed=seed)
    codes, values, of = kept.cat.codes.to_numpy().astype(int), score.to_numpy(float), weights.to_numpy()
    found = resampled_means(values[:, None], codes, of, patient=patient, n_boot=n_boot, seed=seed)
    k, binary = found.means.shape[1], np.isin(values, (0, 1)).all()
    reach = np.array([reach_of(found.means[0, g], effective(of[codes == g])) if binary else 0.0 for g in range(k)])
    observed, null = float(np.ptp(found.means[0])), null_gaps(found.means[0], found.draws[:, 0], reach, seed=seed)
    return Permutation(observed, judged(observed, null)["p"], len(null), null[~np.isnan(null)])


def gaps_tested(
    score: pd.Series,
    *,
    groups: Groups,
    same: Mapping[str, str] = MappingProxyType({}),
    weights: pd.Series | None = None,
    patient: Patients = None,
    n_permutations: int = 5000,
    n_boot: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Test the gap of every attribute, corrected for multiple testing, as `stats.over_attributes` does.

    With weights, or with `patient`, p is that of `null_of`, and no further test is made. In either case
    ``attrs["nulls"]`` has the null of each attribute that is compared.
    """
    if weights is None and patient is None:
        return stats.over_attributes(score, groups=groups, same=same, n_permutations=n_permutations, seed=seed)
    rows, nulls = {}, {}
    for name, of in groups.items():
        rows[name] = {"groups": 0, "n": 0, "gap": np.nan, "expected": np.nan, "p": np.nan, "note": ""}
        units = compared(score, of, weights, patient)
        try:
            kept = comparable(units.groups)
            found = nulls[name] = null_of(units, n_permutations, n_boot, seed)
        except InputError as error:
            rows[name]["note"] = error.problem
            continue
        rows[name] |= {"groups": len(kept.cat.categories), "n": int(kept.notna().sum()), "gap": found.statistic}
        rows[name] |= {"expected": float(found.null.mean()), "p": found.p}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("attribute")
    once = adjust_once(table["p"], same)
    table = table.assign(p_holm=once["holm"], p_bh=once["bh"])
    table.attrs |= {"questions": once.attrs["questions"], "nulls": nulls}
    return table


def changes_of_ruler(
    first: pd.Series,
    second: pd.Series,
    *,
    groups: Groups,
    weights: pd.Series | None = None,
    patient: Patients = None,
    n_boot: int = 10_000,
    seed: int = 0,
) -> dict[str, pd.DataFrame]:
    """Estimate the change of each contrast between two scores of the same cases, by `stats.changed_by_ruler`."""
    boot, found = {"n_boot": n_boot, "seed": seed}, {}
    for name, of in groups.items():
        pair = pd.DataFrame({"first": first, "second": second})
        units = units_of(pair, of, weights=weights, patient=patient)
        first_, second_ = units.scores["first"], units.scores["second"]
        if weights is None and units.patient is None:
            found[name] = stats.changed_by_ruler(first_, second_, groups=units.groups, **boot)
            continue
        kept, reference, rows = comparable(units.groups), reference_group(units.groups), {}
        levels, codes = list(kept.cat.categories), kept.cat.codes.to_numpy().astype(int)
        values = np.stack([first_, second_, second_ - first_], axis=1).astype(float)
        of_units = np.ones(len(codes)) if weights is None else units.weights.to_numpy()
        drawn = resampled_means(values, codes, of_units, patient=units.patient, **boot)
        r, sizes = levels.index(reference), np.bincount(codes[codes >= 0])
        for k in (k for k in range(len(levels)) if k != r):
            ends = [_less(drawn, column, k, r) for column in range(3)]
            row = {"n": int(sizes[k]), "n_reference": int(sizes[r])}
            row |= dict(zip(("first", "second", "change"), (of.estimate for of in ends), strict=True))
            rows[levels[k]] = row | {"low": ends[2].low, "high": ends[2].high, "verdict": judge(Change(*ends))[0]}
        found[name] = pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")
    return found
