"""Gaps of a classifier's rates between groups: tests by permutation, corrected over rates and attributes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.stats.drawn_areas import null_areas
from helpers.stats.permute import permutation
from helpers.stats.questions import adjust_once
from helpers.stats.resample import percentile_interval
from helpers.stats.resampled_means import CHUNK, MANY
from helpers.stats.weighted import area, by_score
from helpers.studies.own_scores.classifying import (
    AUROC,
    SENSITIVITY,
    SPECIFICITY,
    Classified,
    GroupRates,
    codes_of,
    group_rates,
)
from helpers.studies.own_scores.weighing import judged

EOD, EODD = "equal-opportunity difference", "equalised-odds difference"


class Gaps(NamedTuple):
    """Results of `compare_rates`.

    `rates` holds the measures of each attribute, `nulls` the permutation null of each gap, by attribute and measure.
    """

    rates: dict[str, GroupRates]
    table: pd.DataFrame
    nulls: dict[tuple[str, str], np.ndarray]
    notes: dict[str, str]


def compare_rates(
    found: Classified,
    *,
    groups: Mapping[str, pd.Series],
    same: Mapping[str, str] = MappingProxyType({}),
    n_boot: int = 10_000,
    n_permutations: int = 5000,
    seed: int = 0,
) -> Gaps:
    """Compare every measure of a classifier over the groups of every attribute.

    The p is that of the largest less the smallest measure, whose null comes from permuting the groups among the
    patients that count for the measure (of the AUROC, within those with and those without a positive). It is corrected
    over all measures and attributes together, where an attribute and its coarsening count once. With weights, or if
    patients have rows in several groups, the null is that of a bootstrap whose replicates are centred, see
    `GroupRates.null`.

    Parameters
    ----------
    found : Classified
    groups : mapping of str to Series
        Attributes, one label for each patient, or for each row if they vary within patients.
    same : mapping of str to str
        Result of `stats.coarsenings`.
    n_boot, n_permutations, seed : int

    Returns
    -------
    Gaps
        The index of `table` is ``attribute, measure``; columns ``groups`` (number compared), ``lowest, n_lowest,
        highest, n_highest`` (rows that count; of the AUROC, of the smaller class), ``estimate, low, high`` (highest
        less lowest, with the 95% bootstrap interval of these two groups, which were picked), ``expected`` (mean of the
        null), ``p, p_holm, p_bh``. A measure that fewer than two groups of ten patients have is not in it. Of an
        attribute without two such groups `notes` has the reason.
    """
    rates, nulls, rows, notes = {}, {}, {}, {}
    for name, of in groups.items():
        try:
            rates[name] = group_rates(found, groups=of, n_boot=n_boot, seed=seed)
        except InputError as error:
            notes[name] = error.problem
            continue
        coded = codes_of(found, of)
        by_patient = np.full(coded.patients, -1)
        by_patient[found.patient] = coded.codes
        for position, measure in enumerate(rates[name].measures):
            kept = np.flatnonzero(~np.isnan(rates[name].estimate[position]))
            if len(kept) < 2:
                continue
            if found.weights is None and not rates[name].shared:
                compared = np.where(np.isin(by_patient, kept), by_patient, -1)
                observed, null = _null(found, measure, compared, n_permutations, seed + position)
            else:
                observed = float(np.ptp(rates[name].estimate[position, kept]))
                null = rates[name].null(position, kept, seed=seed + position)
            nulls[name, measure] = null
            rows[name, measure] = _row(rates[name], position, kept) | judged(observed, null)
    table = pd.DataFrame.from_dict(rows, orient="index")
    if rows:
        table.index = pd.MultiIndex.from_tuples(list(rows), names=["attribute", "measure"])
        once = adjust_once(table["p"], same)
        table = table.assign(p_holm=once["holm"], p_bh=once["bh"])
        table.attrs["questions"] = once.attrs["questions"]
    return Gaps(rates, table, nulls, notes)


def _row(of: GroupRates, measure: int, kept: np.ndarray) -> dict[str, object]:
    values = of.estimate[measure, kept]
    low, high = kept[values.argmin()], kept[values.argmax()]
    if low == high:  # all equal: name two groups
        low, high = kept[0], kept[1]
    row = {"groups": len(kept), "lowest": of.levels[low], "n_lowest": int(of.n[measure, low])}
    row |= {"highest": of.levels[high], "n_highest": int(of.n[measure, high])}
    row |= {"value_lowest": of.estimate[measure, low], "value_highest": of.estimate[measure, high]}
    return row | dict(zip(("estimate", "low", "high"), of.contrast(measure, low, high), strict=True))


def _null(found: Classified, measure: str, codes: np.ndarray, n: int, seed: int) -> tuple[float, np.ndarray]:
    """Compute the gap of a measure and its null; `codes` has the group of each patient, -1 where it is not compared."""
    if measure == AUROC:
        return _null_of_areas(found, codes, n, seed)
    values, rows = found.parts()[measure]
    rows = rows & (codes[found.patient] >= 0)
    if not found.clustered:
        result = permutation(values[rows], groups=codes[found.patient[rows]], n=n, seed=seed)
        return result.statistic, result.null
    total, size = (np.bincount(found.patient[rows], w, len(codes)) for w in (values[rows], np.ones(rows.sum())))
    some = size > 0
    table, rng = np.stack([total[some], size[some]], axis=1), np.random.default_rng(seed)
    levels = np.unique(codes[some])
    null, step = [], max(1, CHUNK // len(table))
    for start in range(0, n, step):
        drawn = rng.permuted(np.tile(codes[some], (min(step, n - start), 1)), axis=1)
        null.append(_spread(drawn, table, levels))
    return float(_spread(codes[some][None], table, levels)[0]), np.concatenate(null)


def _spread(codes: np.ndarray, table: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Compute the largest less the smallest ratio of sums over the groups, for each row of `codes`, (permutations,)."""
    sums = np.stack([(codes == level).astype(float) @ table for level in levels])
    return np.ptp(sums[..., 0] / sums[..., 1], axis=0)


def _null_of_areas(found: Classified, codes: np.ndarray, n: int, seed: int) -> tuple[float, np.ndarray]:
    """Compute the gap in AUROC and its null, by permuting groups within patients with, and without, a positive."""
    rng, levels = np.random.default_rng(seed), np.unique(codes[codes >= 0])
    kept = np.flatnonzero(codes[found.patient] >= 0)
    sides = by_score(found.probability, found.truth, kept)
    ill = np.bincount(found.patient, found.truth, len(codes)) > 0
    strata = [np.flatnonzero((codes >= 0) & (ill == side)) for side in (True, False)]

    def spread(drawn: np.ndarray) -> np.ndarray:
        by_row = drawn.T[found.patient]
        return np.ptp(np.stack([area(sides, (by_row == level).astype(float)) for level in levels]), axis=0)

    if not found.clustered and max(map(len, strata)) >= MANY:
        inside = np.searchsorted(levels, codes[found.patient[kept]])
        drawn = null_areas(found.probability[kept], found.truth[kept], inside, n=n, rng=rng)
        if drawn is not None:
            return float(spread(codes[None])[0]), np.ptp(drawn, axis=1)
    null, step = [], max(1, CHUNK // len(found.patient))
    for start in range(0, n, step):
        drawn = np.tile(codes, (min(step, n - start), 1))
        for inside in strata:
            drawn[:, inside] = rng.permuted(drawn[:, inside], axis=1)
        null.append(spread(drawn))
    return float(spread(codes[None])[0]), np.concatenate(null)


def odds_differences(gaps: Gaps) -> pd.DataFrame:
    """Compute the equal-opportunity and the equalised-odds difference of every attribute.

    The first is the gap in sensitivity, the second the mean of the gaps in sensitivity and specificity (Hardt et al.
    2016; fairlearn's ``agg="mean"``). Neither can be negative, so that an interval cannot hold zero: read `expected`,
    the mean under permutation, and p.

    Returns
    -------
    DataFrame
        Index ``attribute, measure``; columns ``n_positive, n_negative`` (of the smallest group compared), ``estimate,
        low, high`` (95% bootstrap over patients), ``expected, p``.
    """
    rows = {}
    for name, of in gaps.rates.items():
        both = {}
        for measure in (SENSITIVITY, SPECIFICITY):
            if (name, measure) in gaps.nulls:
                position = of.measures.index(measure)
                kept = ~np.isnan(of.estimate[position])
                value, drawn = of.estimate[position, kept], of.draws[:, position][:, kept]
                row, smallest = gaps.table.loc[(name, measure)], int(of.n[position, kept].min())
                ends = (max(0.0, row["low"]), row["high"])  # where the bootstrap has no spread
                both[measure] = [np.ptp(value), np.ptp(drawn, axis=1), gaps.nulls[name, measure], smallest, *ends]
        if SENSITIVITY in both:
            rows[name, EOD] = _difference([both[SENSITIVITY]])
        if len(both) == 2:
            rows[name, EODD] = _difference(list(both.values()))
    table = pd.DataFrame.from_dict(rows, orient="index")
    if rows:
        table.index = pd.MultiIndex.from_tuples(list(rows), names=["attribute", "measure"])
    return table


def _difference(parts: list) -> dict[str, object]:
    value, draws, null, _, low, high = (sum(part[k] for part in parts) / len(parts) for k in range(6))
    if np.nanmin(draws) < np.nanmax(draws):
        ends = percentile_interval(float(value), draws, 0, 0.95)
        low, high = min(ends.low, value), max(ends.high, value)  # replicates of a largest difference are mostly larger
    sizes = dict(zip(("n_positive", "n_negative"), [*(part[3] for part in parts), np.nan], strict=False))
    return sizes | {"estimate": float(value), "low": low, "high": high} | judged(value, null)
