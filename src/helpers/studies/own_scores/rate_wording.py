"""Findings on a classifier in words, in which accuracy never speaks alone."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

from helpers.report.tables import interval
from helpers.studies.own_scores.classifying import ACCURACY, RATES, SENSITIVITY
from helpers.studies.own_scores.rate_gaps import Gaps
from helpers.studies.own_scores.wording import ALPHA, CHANGES, isolated, same_question, trend_words

NOT_EQUAL = "That is no proof of equality: the intervals in the table show how large a difference may be."


def rate_findings(
    gaps: Gaps,
    *,
    trends: pd.DataFrame | None = None,
    changed: pd.DataFrame | None = None,
    second: str = "",
    second_is: str = "ruler",
    same: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Word the findings on the rates of each attribute.

    Parameters
    ----------
    gaps : Gaps
    trends, changed : DataFrame, optional
        Tables of `rate_trends` and `changed_rates`.
    second : str
        Name of the second labels or model, and `second_is` its kind.
    same : mapping of str to str
        Result of `stats.coarsenings`.

    Returns
    -------
    dict
        Attribute to sentences. An attribute without two groups of ten patients has the reason.
    """
    family = int(gaps.table.attrs.get("questions", 0))
    found = {name: f"Nothing can be compared: {note}." for name, note in gaps.notes.items()}
    for name in gaps.rates:
        if name not in gaps.table.index.get_level_values(0):
            found[name] = "Nothing can be compared: the classes of all groups but one are suppressed."
            continue
        table = gaps.table.loc[name]
        words = _differences(table, family) + _not_compared(
            [m for m in gaps.rates[name].measures if m not in table.index]
        )
        if trends is not None and len(trends) and name in trends.index.get_level_values(0):
            words += _trends(trends.loc[name])
        if changed is not None and len(changed) and name in changed.index.get_level_values(0):
            words += _changes(changed.loc[name], second, second_is)
        found[name] = " ".join([*words, *same_question(name, same)])
    return found


def _differences(table: pd.DataFrame, family: int) -> list[str]:
    shown = table[table["p_holm"] < ALPHA]
    alone = table[(table["p"] < ALPHA) & (table["p_holm"] >= ALPHA)]
    rest = table[table["p"] >= ALPHA]
    words = [_shown(str(measure), row, family) for measure, row in shown.sort_values("p").iterrows()]
    if ACCURACY in rest.index and any(name in RATES for name in shown.index):
        p = f"{rest.loc[ACCURACY, 'p']:.2g}"
        words.append(f"Accuracy alone does not show this (p = {p}): the groups differ in the kind of error.")
    if len(alone):
        listed = "; ".join(_short(str(measure), row) for measure, row in alone.iterrows())
        words.append(f"Under 5% alone, but not after the correction for {family} tests: {listed}.")
    if len(rest):
        low, high = f"{rest['p'].min():.2g}", f"{rest['p'].max():.2g}"
        p = f"p = {low}" if low == high else f"p from {low} to {high}"
        words.append(f"No difference was shown of {', '.join(map(str, rest.index))} ({p}). {NOT_EQUAL}")
    return words


def _not_compared(measures: list[str]) -> list[str]:
    if not measures:
        return []
    why = "because fewer than two groups have ten patients who count for them"
    alone = " Accuracy alone does not show the kind of error." if SENSITIVITY in measures else ""
    return [f"Not compared, {why}: {', '.join(measures)}.{alone}"]


def _shown(measure: str, row: pd.Series, family: int) -> str:
    low, high = (
        f"{row[f'value_{side}']:.3f} for {isolated(row[side])} (n = {row[f'n_{side}']})"
        for side in ("lowest", "highest")
    )
    size = interval(row["estimate"], row["low"], row["high"])
    picked = "; the two groups were picked, so that the interval is optimistic" if row["groups"] > 2 else ""
    p = f"permutation p = {row['p_holm']:.2g}" + (f", corrected for {family} tests" if family > 1 else "")
    name = measure[0].upper() + measure[1:]
    return f"{name} differs between groups: {low}, {high}, a difference of {size} ({p}{picked})."


def _short(measure: str, row: pd.Series) -> str:
    return f"{measure} (largest difference {interval(row['estimate'], row['low'], row['high'])}, p = {row['p']:.2g})"


def _trends(table: pd.DataFrame) -> list[str]:
    shown = [trend_words(str(measure), row) for measure, row in table.iterrows() if row["p_holm"] < ALPHA]
    others = [str(measure) for measure, row in table.iterrows() if not row["p_holm"] < ALPHA]
    return shown + ([f"Over the groups in order no trend was shown of {', '.join(others)}."] if others else [])


def _changes(table: pd.DataFrame, second: str, second_is: str) -> list[str]:
    kind = "With the labels" if second_is == "ruler" else "With the model"
    shown = table[(table["low"] > 0) | (table["high"] < 0)]
    if shown.empty:
        return [f"{kind} {second} no difference between groups changes beyond noise."]
    said = []
    for (measure, group), row in shown.iterrows():
        size = interval(row["change"], row["low"], row["high"])
        ending = CHANGES[second_is].get(row["verdict"], "neither of the two shows a gap")
        said.append(f"{measure} of {isolated(group)} less that of the largest group by {size} ({ending})")
    return [f"{kind} {second} these differences change: {'; '.join(said)}."]
