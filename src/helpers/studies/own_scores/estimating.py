"""Means, contrasts and rates of the audited score by group, with design weights if there are any.

Without weights each function returns the tables of `helpers.stats`, and with weights tables of the same columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from helpers import stats
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError
from helpers.stats.attributes import comparable, reference_group
from helpers.stats.judging import judge
from helpers.stats.permute import Permutation
from helpers.stats.questions import adjust_once
from helpers.stats.resample import Change, Interval, percentile_interval
from helpers.studies.own_scores.weighing import (
    EFFECTIVE,
    Drawn,
    effective,
    effective_sizes,
    judged,
    null_gaps,
    rate_interval,
    reach_of,
    resampled_means,
    weighted_mean,
)

Groups = Mapping[str, pd.Series]


def sizes_of(groups: Groups, *, weights: pd.Series | None = None) -> dict[str, pd.DataFrame]:
    """Count the cases of each group by `stats.group_sizes`; with weights also compute Kish's effective n."""
    tables = {name: stats.group_sizes(of) for name, of in groups.items()}
    for name, table in tables.items() if weights is not None else ():
        found = effective_sizes(groups[name], weights)
        found.index = [stats.NOT_RECORDED if pd.isna(group) else group for group in found.index]
        table[EFFECTIVE] = found.reindex(table.index)
    return tables


def mean_of(score: pd.Series, *, weights: pd.Series | None = None) -> float:
    """Compute the mean of all cases."""
    return float(score.mean() if weights is None else np.average(score, weights=weights))


def means(
    score: pd.Series, *, groups: Groups, weights: pd.Series | None = None, missing: bool = True
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
    if weights is None:
        of_all = {True: stats.described, False: stats.by_group}[missing]
        return {name: of_all(score, groups=of).drop(columns=["note", "q1", "q3"]) for name, of in groups.items()}
    return {name: _means(score, of, weights, missing) for name, of in groups.items()}


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
    score: pd.Series, *, groups: Groups, weights: pd.Series | None = None, n_boot: int = 10_000, seed: int = 0
) -> dict[str, pd.DataFrame]:
    """Compute the mean of every group minus that of the largest one, as `stats.against_reference` does.

    With weights the smallest detectable difference is that of Kish's effective numbers of cases.
    """
    boot = {"n_boot": n_boot, "seed": seed}
    if weights is None:
        return {name: stats.against_reference(score, groups=of, **boot) for name, of in groups.items()}
    return {name: _contrasts(score, of, weights, **boot) for name, of in groups.items()}


def _contrasts(score: pd.Series, groups: pd.Series, weights: pd.Series, **boot: int) -> pd.DataFrame:
    kept, reference, rows = comparable(groups), reference_group(groups), {}
    levels, codes = list(kept.cat.categories), kept.cat.codes.to_numpy().astype(int)
    drawn = resampled_means(score.to_numpy(float)[:, None], codes, weights.to_numpy(), **boot)
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


def gap_null(
    score: pd.Series,
    *,
    groups: pd.Series,
    weights: pd.Series | None = None,
    n_permutations: int = 5000,
    n_boot: int = 10_000,
    seed: int = 0,
) -> Permutation:
    """Test the gap of an attribute against its null: by permutation, or by a centred bootstrap with weights.

    Raises
    ------
    InputError
        Fewer than two groups have ten cases.
    """
    kept = comparable(groups)
    if weights is None:
        return stats.permutation(score, groups=kept, n=n_permutations, seed=seed)
    codes, values, of = kept.cat.codes.to_numpy().astype(int), score.to_numpy(float), weights.to_numpy()
    found = resampled_means(values[:, None], codes, of, n_boot=n_boot, seed=seed)
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
    n_permutations: int = 5000,
    n_boot: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Test the gap of every attribute, corrected for multiple testing, as `stats.over_attributes` does.

    With weights p is that of `gap_null`, and no further test is made.
    """
    if weights is None:
        return stats.over_attributes(score, groups=groups, same=same, n_permutations=n_permutations, seed=seed)
    rows = {}
    for name, of in groups.items():
        rows[name] = {"groups": 0, "n": 0, "gap": np.nan, "expected": np.nan, "p": np.nan, "note": ""}
        try:
            kept = comparable(of)
            found = gap_null(score, groups=of, weights=weights, n_boot=n_boot, seed=seed)
        except InputError as error:
            rows[name]["note"] = error.problem
            continue
        rows[name] |= {"groups": len(kept.cat.categories), "n": int(kept.notna().sum()), "gap": found.statistic}
        rows[name] |= {"expected": float(found.null.mean()), "p": found.p}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("attribute")
    once = adjust_once(table["p"], same)
    table = table.assign(p_holm=once["holm"], p_bh=once["bh"])
    table.attrs["questions"] = once.attrs["questions"]
    return table


def success_tables(
    score: pd.Series,
    *,
    groups: Groups,
    threshold: float,
    better: str = "higher",
    weights: pd.Series | None = None,
    n_permutations: int = 5000,
    n_boot: int = 10_000,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compute the share of successes in each group, and DPD and DIR of each attribute, as `stats.rates_at` does.

    Returns
    -------
    rates : DataFrame
        Index (attribute, group); ``count, n, rate, low, high, rare``; ``count`` and ``n`` are not weighted.
    extremes : DataFrame
        Index ``attribute``; ``n, DPD, DIR, p``.
    """
    found = {}
    cut = {"threshold": threshold, "better": better, "seed": seed}
    for name, of in groups.items():
        table, row = stats.rates_at(score, groups=of, **cut, n=n_permutations if weights is None else 1)
        if weights is not None:
            good = (score > threshold if better == "higher" else score < threshold).astype(float)
            for group in table.index:
                inside = of == group
                weight = weights[inside].to_numpy()
                mean = weighted_mean(good[inside].to_numpy(), weight)
                rate = min(max(mean.mean, 0.0), 1.0)
                table.loc[group, ["rate", "low", "high"]] = rate, *rate_interval(rate, mean.error, effective(weight))
            null = gap_null(good, groups=of, weights=weights, n_boot=n_boot, seed=seed)
            rates = table.loc[table["n"] >= SMALLEST_CELL, "rate"]
            shown = {"DPD": null.statistic, "DIR": rates.min() / rates.max() if rates.max() else np.nan}
            row |= {key: value for key, value in shown.items() if not np.isnan(row["DPD"])} | {"p": null.p}
        found[name] = table, row
    rates = pd.concat({name: table for name, (table, _) in found.items()})
    return rates, pd.DataFrame({name: row for name, (_, row) in found.items()}).T


def sweeps(
    score: pd.Series, *, groups: pd.Series, better: str = "higher", weights: pd.Series | None = None
) -> dict[object, pd.DataFrame]:
    """Compute the ratio of success rates at every threshold, group over reference, by `stats.sweep_against_reference`.

    With weights the intervals of the rates and of the logarithm of the ratio come from linearised standard errors.
    """
    swept = stats.sweep_against_reference(score, groups=groups, better=better)
    if weights is None:
        return swept
    sign, reference = 1 if better == "higher" else -1, reference_group(groups)
    for level, table in swept.items():
        for row, cut in table["threshold"].items():
            if np.isnan(table.loc[row, "rate_a"]):  # suppressed
                continue
            good = (sign * score > sign * cut).astype(float)
            a, b = (
                weighted_mean(good[of].to_numpy(), weights[of].to_numpy())
                for of in (groups == level, groups == reference)
            )
            swept[level].loc[row, ["rate_a", "rate_b", "difference"]] = a.mean, b.mean, b.mean - a.mean
            ratio = a.mean / b.mean if b.mean else np.nan
            half = norm.ppf(0.975) * np.hypot(a.error / a.mean, b.error / b.mean) if a.mean and b.mean else np.nan
            ends = ratio * np.exp(-half), ratio * np.exp(half)
            swept[level].loc[row, ["ratio", "ratio_low", "ratio_high"]] = ratio, *ends
        swept[level] = table.drop(columns=["difference_low", "difference_high"])
    return swept


def changes_of_ruler(
    first: pd.Series,
    second: pd.Series,
    *,
    groups: Groups,
    weights: pd.Series | None = None,
    n_boot: int = 10_000,
    seed: int = 0,
) -> dict[str, pd.DataFrame]:
    """Estimate the change of each contrast between two scores of the same cases, by `stats.changed_by_ruler`."""
    boot, found = {"n_boot": n_boot, "seed": seed}, {}
    for name, of in groups.items():
        if weights is None:
            found[name] = stats.changed_by_ruler(first, second, groups=of, **boot)
            continue
        kept, reference, rows = comparable(of), reference_group(of), {}
        levels, codes = list(kept.cat.categories), kept.cat.codes.to_numpy().astype(int)
        values = np.stack([first, second, second - first], axis=1).astype(float)
        drawn = resampled_means(values, codes, weights.to_numpy(), **boot)
        r, sizes = levels.index(reference), np.bincount(codes[codes >= 0])
        for k in (k for k in range(len(levels)) if k != r):
            ends = [_less(drawn, column, k, r) for column in range(3)]
            row = {"n": int(sizes[k]), "n_reference": int(sizes[r])}
            row |= dict(zip(("first", "second", "change"), (of.estimate for of in ends), strict=True))
            rows[levels[k]] = row | {"low": ends[2].low, "high": ends[2].high, "verdict": judge(Change(*ends))[0]}
        found[name] = pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")
    return found
