"""Changes of a classifier's rates from one ruler or model to a second, and trends over ordered groups."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.stats.attributes import comparable
from helpers.stats.judging import judge
from helpers.stats.questions import adjust_once
from helpers.stats.resample import Change, percentile_interval
from helpers.stats.trends import trend
from helpers.studies.own_scores.classifying import Classified, GroupRates, codes_of, paired_rates
from helpers.studies.own_scores.estimating import Patients, compared
from helpers.studies.own_scores.rate_gaps import Gaps
from helpers.studies.own_scores.weighing import weighted_trend


def changed_rates(
    first: Classified, second: Classified, *, groups: Mapping[str, pd.Series], n_boot: int = 10_000, seed: int = 0
) -> pd.DataFrame:
    """Estimate the change of every group's contrast with the largest group, from one classification to a second.

    Both are of the same rows, and a replicate takes both of the patients that it draws (paired bootstrap).

    Returns
    -------
    DataFrame
        Index ``attribute, measure, group``; columns ``n, n_reference`` (rows that count in the first classification,
        or in the second where fewer do), ``first, second, change, low, high`` (of the change) and ``verdict`` of
        `stats.judge`.
    """
    rows = {}
    for name, of in groups.items():
        try:
            pair = paired_rates([first, second], groups=of, n_boot=n_boot, seed=seed)
        except InputError:
            continue
        a = pair[0].levels.index(codes_of(first, of).reference)
        for measure in (m for m in pair[0].measures if m in pair[1].measures):
            k = [rates.measures.index(measure) for rates in pair]
            for b, level in enumerate(pair[0].levels):
                ends = [rates.estimate[i, [a, b]] for rates, i in zip(pair, k, strict=True)]
                if b == a or np.isnan(ends).any():
                    continue
                n = np.min([rates.n[i, [a, b]] for rates, i in zip(pair, k, strict=True)], axis=0)
                sizes = {"n": int(n[1]), "n_reference": int(n[0])}
                rows[name, measure, level] = sizes | _changed(pair, k, a, b)
    table = pd.DataFrame.from_dict(rows, orient="index")
    if rows:
        table.index = pd.MultiIndex.from_tuples(list(rows), names=["attribute", "measure", "group"])
    return table


def _changed(pair: list[GroupRates], k: list[int], a: int, b: int) -> dict[str, object]:
    draws = [rates.draws[:, i, b] - rates.draws[:, i, a] for rates, i in zip(pair, k, strict=True)]
    values = [rates.estimate[i, b] - rates.estimate[i, a] for rates, i in zip(pair, k, strict=True)]
    first, second, change = (
        percentile_interval(float(value), drawn, 0, 0.95)
        for value, drawn in zip([*values, values[1] - values[0]], [*draws, draws[1] - draws[0]], strict=True)
    )
    row = {"first": first.estimate, "second": second.estimate, "change": change.estimate}
    return row | {"low": change.low, "high": change.high, "verdict": judge(Change(first, second, change))[0]}


def trends(
    score: pd.Series,
    *,
    groups: Mapping[str, pd.Series],
    same: Mapping[str, str] = MappingProxyType({}),
    weights: pd.Series | None = None,
    patient: Patients = None,
    **shuffles: int,
) -> pd.DataFrame:
    """Test the trend of the score over each attribute whose groups have an order, and three groups of ten cases.

    Parameters
    ----------
    score : Series
    groups : mapping of str to Series
        Attributes; those of ordered categories have a trend.
    same : mapping of str to str
        Result of `stats.coarsenings`.
    weights : Series, optional
        Design weights of the cases; the p is then that of the bootstrap.
    patient : ndarray of int, optional
        Patient of each row, see `units_of`; where groups share patients the p is that of the bootstrap.
    shuffles : int
        ``n, n_boot, seed`` of `stats.trend`.

    Returns
    -------
    DataFrame
        Index ``attribute``; the results of `stats.trend`, and ``p_holm``, corrected over the trends of this table.
        Empty if no attribute has an order.
    """
    rows = {}
    for name in (name for name, of in groups.items() if of.cat.ordered):
        units = compared(score, groups[name], weights, patient)
        try:
            kept = comparable(units.groups)
        except InputError:
            continue
        values, known = units.scores["score"], kept.notna()
        if len(kept.cat.categories) < 3:
            continue
        if units.weights is None:
            rows[name] = trend(values, groups=kept, **shuffles)
        else:
            owner = None if units.patient is None else units.patient[known]
            asked = values[known], kept[known].cat.codes, units.weights[known], owner
            rows[name] = weighted_trend(*asked, **shuffles)
    return _corrected(pd.DataFrame.from_dict(rows, orient="index").rename_axis("attribute"), same)


def rate_trends(
    found: Classified,
    gaps: Gaps,
    *,
    groups: Mapping[str, pd.Series],
    same: Mapping[str, str] = MappingProxyType({}),
    **shuffles: int,
) -> pd.DataFrame:
    """Test the trend of each measure but the AUROC over each attribute whose groups have an order, as `trends` does.

    The index is ``attribute, measure``. Patients are permuted with all their rows; where they have rows in several
    groups the p is that of the bootstrap.
    """
    rows = {}
    weights = np.ones(len(found.truth)) if found.weights is None else found.weights
    for name in (name for name, of in groups.items() if of.cat.ordered and name in gaps.rates):
        of, codes = gaps.rates[name], codes_of(found, groups[name]).codes
        for position, (measure, (values, counted)) in enumerate(found.parts().items()):
            kept = np.flatnonzero(~np.isnan(of.estimate[position]))
            counted = counted & np.isin(codes, kept)
            if len(kept) > 2:
                patient = found.patient[counted]
                asked = values[counted], codes[counted]
                if found.weights is None and not of.shared:
                    rows[name, measure] = trend(asked[0], groups=asked[1], cluster=patient, **shuffles)
                else:
                    rows[name, measure] = weighted_trend(*asked, weights[counted], patient, **shuffles)
    table = pd.DataFrame.from_dict(rows, orient="index")
    if rows:
        table.index = pd.MultiIndex.from_tuples(list(rows), names=["attribute", "measure"])
    return _corrected(table, same)


def _corrected(table: pd.DataFrame, same: Mapping[str, str]) -> pd.DataFrame:
    return table.assign(p_holm=adjust_once(table["p"], same)["holm"]) if len(table) else table
