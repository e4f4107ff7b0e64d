"""Rates of success of the audited score by group, at one threshold and at all, with design weights if there are any.

Units and weights are those of `estimating`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from helpers import stats
from helpers.disclosure import SMALLEST_CELL
from helpers.stats.attributes import reference_group
from helpers.studies.own_scores.estimating import Groups, Patients, compared, null_of
from helpers.studies.own_scores.weighing import contributions, effective, rate_interval, weighted_mean


def success_tables(
    score: pd.Series,
    *,
    groups: Groups,
    threshold: float,
    better: str = "higher",
    weights: pd.Series | None = None,
    patient: Patients = None,
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
        units = compared(score, of, weights, patient)
        values, of = units.scores["score"], units.groups
        table, row = stats.rates_at(values, groups=of, **cut, n=n_permutations if units.weights is None else 1)
        if units.weights is not None:
            good = (values > threshold if better == "higher" else values < threshold).astype(float)
            for group in table.index if weights is not None else ():
                inside = of == group
                weight = units.weights[inside].to_numpy()
                mean = weighted_mean(good[inside].to_numpy(), weight)
                rate = min(max(mean.mean, 0.0), 1.0)
                table.loc[group, ["rate", "low", "high"]] = rate, *rate_interval(rate, mean.error, effective(weight))
            null = null_of(units._replace(scores=good.to_frame("score")), n_permutations, n_boot, seed)
            rates = table.loc[table["n"] >= SMALLEST_CELL, "rate"]
            shown = {"DPD": null.statistic, "DIR": rates.min() / rates.max() if rates.max() else np.nan}
            row |= {key: value for key, value in shown.items() if not np.isnan(row["DPD"])} | {"p": null.p}
        found[name] = table, row
    rates = pd.concat({name: table for name, (table, _) in found.items()})
    return rates, pd.DataFrame({name: row for name, (_, row) in found.items()}).T


def sweeps(
    score: pd.Series,
    *,
    groups: pd.Series,
    better: str = "higher",
    weights: pd.Series | None = None,
    patient: Patients = None,
) -> dict[object, pd.DataFrame]:
    """Compute the ratio of success rates at every threshold, group over reference, by `stats.sweep_against_reference`.

    With weights, or for groups that share patients, the interval of the logarithm of the ratio comes from linearised
    standard errors, and from the covariance over the patients of both groups.
    """
    units = compared(score, groups, weights, patient)
    score, groups, weights, patient = units.scores["score"], *units[1:]
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

            def of_patients(group: object, good: pd.Series = good) -> np.ndarray:
                return contributions(good.to_numpy(), (weights * (groups == group)).to_numpy(), patient)

            ratio = a.mean / b.mean if b.mean else np.nan
            half = norm.ppf(0.975) * np.hypot(a.error / a.mean, b.error / b.mean) if a.mean and b.mean else np.nan
            if patient is not None and a.mean and b.mean:
                half = norm.ppf(0.975) * np.linalg.norm(of_patients(level) / a.mean - of_patients(reference) / b.mean)
            ends = ratio * np.exp(-half), ratio * np.exp(half)
            swept[level].loc[row, ["ratio", "ratio_low", "ratio_high"]] = ratio, *ends
        swept[level] = table.drop(columns=["difference_low", "difference_high"])
    return swept
