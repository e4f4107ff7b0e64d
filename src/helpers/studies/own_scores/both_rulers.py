"""Prevalence in each group by the truth and by the predictions, with intervals over patients."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.report.tables import interval
from helpers.stats.complement import small
from helpers.stats.intervals import wilson
from helpers.stats.resample import percentile_interval
from helpers.studies.own_scores.classifying import ACCURACY, Classified, codes_of
from helpers.studies.own_scores.rate_gaps import Gaps
from helpers.studies.own_scores.suppression import SUPPRESSED
from helpers.studies.own_scores.weighing import ROUNDING, Drawn, resampled_means

KINDS = ("by the truth", "by the prediction", "change")


def prevalences(
    found: Classified, gaps: Gaps, *, groups: Mapping[str, pd.Series], n_boot: int = 10_000, seed: int = 0
) -> pd.DataFrame:
    """Estimate the prevalence of each group by truth and prediction, its gap to the largest group, and their change.

    All are shares of rows, weighted if these have weights, from one resampling of patients.

    Parameters
    ----------
    found : Classified
    gaps : Gaps
        Result of `compare_rates`, for the numbers of patients.
    groups : mapping of str to Series
        Attributes, one label for each patient or each row; those that `gaps` could not compare are left out.
    n_boot, seed : int

    Returns
    -------
    DataFrame
        Index ``attribute, group, of`` with `KINDS` as ``of``: the prediction less the truth is the change. Columns
        ``n`` (rows), ``patients``, ``reference``, ``estimate, low, high`` and, of the group less the reference, ``gap,
        gap_low, gap_high``. They are missing where 1 to 9 patients of a group have, or have not, the finding.
    """
    values = np.stack([found.truth, found.predicted, found.predicted.astype(float) - found.truth], axis=1).astype(float)
    weights = np.ones(len(values)) if found.weights is None else found.weights
    rows = {}
    for name in (name for name in groups if name in gaps.rates):
        coded = codes_of(found, groups[name])
        levels = coded.levels
        again = {"patient": found.patient, "n_boot": n_boot, "seed": seed}
        drawn = resampled_means(values, coded.codes, weights, **again)
        of, r = gaps.rates[name], levels.index(coded.reference)
        hidden = [small(of.patients[pair]).any(axis=0) for pair in ([0, 1], [2, 3])]
        hidden.append(hidden[0] | hidden[1])
        everyone = of.measures.index(ACCURACY)
        for g, level in enumerate(levels):
            sizes = {"n": int(of.n[everyone, g]), "patients": int(of.patients[everyone, g])}
            for column, kind in enumerate(KINDS):
                row = rows[name, str(level), kind] = sizes | {"reference": str(levels[r])}
                if not hidden[column][g]:
                    row |= _share(drawn, column, g, sizes["patients"])
                if g != r and not hidden[column][[g, r]].any():
                    less = (of_[..., column, g] - of_[..., column, r] for of_ in drawn)
                    row |= _interval(*less, ("gap", "gap_low", "gap_high"))
    columns = ["n", "patients", "reference", "estimate", "low", "high", "gap", "gap_low", "gap_high"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    if rows:
        table.index = pd.MultiIndex.from_tuples(list(rows), names=["attribute", "group", "of"])
    return table


def _share(drawn: Drawn, column: int, group: int, patients: int) -> dict[str, float]:
    """Return a share with its interval: by Wilson if all rows are alike, so that the bootstrap has no spread."""
    value, draws = drawn.means[column, group], drawn.draws[:, column, group]
    if column < KINDS.index("change") and np.ptp(draws) < ROUNDING:
        low, high = wilson(np.round(value) * patients, patients)
        return {"estimate": float(value), "low": float(low), "high": float(high)}
    return _interval(value, draws, ("estimate", "low", "high"))


def _interval(value: float, draws: np.ndarray, names: tuple[str, str, str]) -> dict[str, float]:
    found = percentile_interval(float(value), draws, 0, 0.95)
    return dict(zip(names, (found.estimate, found.low, found.high), strict=True))


def prevalence_table(
    found: Classified, gaps: Gaps, *, groups: Mapping[str, pd.Series], n_boot: int = 10_000, seed: int = 0
) -> pd.DataFrame:
    """Tabulate `prevalences` as text: one row a group, with the gap of each but the largest."""
    rows = {}
    table = prevalences(found, gaps, groups=groups, n_boot=n_boot, seed=seed)
    for (name, group, kind), row in table.iterrows():
        about = rows.setdefault((name, group), {"n": row["n"], "reference": row["reference"]})
        about[kind] = SUPPRESSED if np.isnan(row["estimate"]) else interval(*row[["estimate", "low", "high"]])
        shown = "–" if group == row["reference"] else SUPPRESSED
        about[f"gap, {kind}"] = shown if np.isnan(row["gap"]) else interval(*row[["gap", "gap_low", "gap_high"]])
    return pd.DataFrame.from_dict(rows, orient="index")
