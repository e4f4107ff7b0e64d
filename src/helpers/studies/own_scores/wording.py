"""Findings of an audit in words, made from its numbers, with a statement of its limits."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pandas as pd

from helpers.disclosure import SMALLEST_CELL
from helpers.report.tables import interval

ALPHA = 0.05
ROUNDING = 1e-12  # smaller sizes are errors of rounding
# Verdicts of `stats.judge` in words: a ruler shows a gap, a model has one.
CHANGES = {
    "ruler": {"hides": "shows less of it", "inflates": "shows more of it", "reverses": "turns it round"},
    "model": {"hides": "its gap is smaller", "inflates": "its gap is larger", "reverses": "its gap is turned round"},
}
WEIGHTED = (
    "By {}, one over the probability of being drawn: means, medians, rates, AUROC, contrasts, gaps, trends, a "
    "threshold chosen on a part, their intervals and p are weighted; cases, or patients, are resampled with their "
    "weights. Sizes, suppression and the histogram are not weighted. Left out, because they have no weighted form "
    "here: the tests that one rule chooses from, pairs of groups, the parts on the source, the negative control and "
    "the explorer. A draw that depended on the truth beyond the weights still biases every number."
)
SHARED = (
    "{} from image to image within a patient: a group is a set of rows, and n counts its patients, each with the mean "
    "score of the rows in the group, while rates and their n are of rows. One patient may count in several groups, so "
    "that sizes do not add up, and a gap is partly within patients: intervals and p of these groups come from "
    "resampling patients with all their rows. Left out, because they assume independent cases: the tests that one "
    "rule chooses from, pairs of groups, the parts on the source, the negative control and the explorer."
)
CANNOT = (
    "Why the groups differ: the cases were observed, not assigned. Whether the reference behind the scores is itself "
    "right for every group. Anything about groups under ten cases, about people who are not among the cases, and about "
    "attributes that nobody recorded."
)


def findings(
    score: str,
    overall: pd.DataFrame,
    contrasts: Mapping[str, pd.DataFrame],
    *,
    better: str = "higher",
    given: Mapping[str, pd.DataFrame] | None = None,
    source: str = "",
    changed: Mapping[str, pd.DataFrame] | None = None,
    second: str = "",
    second_is: str = "ruler",
    missing: Mapping[str, int | None] | None = None,
    binary: bool = False,
    same: Mapping[str, str] = MappingProxyType({}),
    suppressed: Mapping[str, Mapping[str, int | None]] = MappingProxyType({}),
    trends: pd.DataFrame | None = None,
    rates: Mapping[str, str] | None = None,
    models: str = "",
    weight: str = "",
    varying: Sequence[str] = (),
    shared: Sequence[str] = (),
) -> pd.DataFrame:
    """Word the findings of the audit, one row per attribute, and a last row on its limits.

    Parameters
    ----------
    score : str
        Name of the score.
    overall : DataFrame
        Table of `stats.over_attributes`.
    contrasts : mapping of str to DataFrame
        Tables of `stats.against_reference`, by attribute; without a table, an attribute is described by its gap alone.
    better : {"higher", "lower"}
        The better end of the score.
    given, changed : mapping of str to DataFrame, optional
        Tables of `stats.given_source` and `stats.changed_by_ruler`, by attribute.
    source, second : str
        Names of the source and of the second score.
    second_is : {"ruler", "model"}
        A second ruler may hide a gap; a second model has another gap.
    missing : mapping of str to int, optional
        Number of cases without a group, by attribute; None if this number must not be disclosed.
    binary : bool
        The score is 0 or 1, so that its mean is a rate.
    same : mapping of str to str
        Result of `stats.coarsenings`.
    suppressed : mapping of str to mapping
        Groups that are suppressed, by attribute: their size, None if they are hidden next to a small one.
    trends : DataFrame, optional
        Table of `trends`.
    rates : mapping of str to str, optional
        Sentences of `rate_findings`, which replace those on the mean: accuracy does not speak alone.
    models : str
        Sentences of `model_findings`.
    weight : str
        Name of the design weights, if the numbers are weighted.
    varying, shared : sequence of str
        Attributes that vary within patients, and all attributes and crossings whose groups share patients.

    Returns
    -------
    DataFrame
        The index has the attributes, "all models" if there are several, "weights" and "images" if there are weights
        or attributes that vary within patients, and "what this cannot say"; one column ``finding`` of plain text.
    """
    rows = {}
    family = int(overall.attrs.get("questions", overall["p"].notna().sum()))
    for name, row in overall.iterrows():
        said = [_gap(score, row, family, binary), *same_question(name, same)]
        if rates is not None:
            said = [rates[name]]
        elif name in contrasts and pd.notna(row["gap"]):
            table = contrasts[name]
            group = table["estimate"].abs().idxmax()
            said.append(_furthest(group, table, better, shown=row["p_holm"] < ALPHA, family=family))
            if row["p_holm"] >= ALPHA:
                said += _seen(table, family)
            if given and name in given:
                said.append(_given(given[name], group, table.loc[group, "reference"], source))
            if changed and name in changed:
                said.append(_changed(changed[name].loc[group], second, second_is))
            if trends is not None and name in trends.index:
                said.append(trend_words(f"the rate of {score}" if binary else score, trends.loc[name]))
        if missing and missing.get(name, 0) != 0:
            said.append(f"It is not recorded for {_many(missing[name])} cases, which no test includes.")
        said += _suppressed(suppressed.get(name, {}))
        rows[name] = " ".join(said)
    rows |= {"all models": models} if models else {}
    rows = {name: _by_bootstrap(words) if weight or name in shared else words for name, words in rows.items()}
    if weight:
        rows["weights"] = WEIGHTED.format(weight)
    if varying:
        verb = " varies" if len(varying) == 1 else " vary"
        rows["images"] = SHARED.format(" and ".join(map(isolated, varying)) + verb)
    rows["what this cannot say"] = CANNOT
    return pd.DataFrame({"finding": rows}).rename_axis(None)


def _by_bootstrap(words: str) -> str:
    return words.replace("permutation p", "bootstrap p").replace("the permutation test", "the test of the gap")


def _suppressed(hidden: Mapping[str, int | None]) -> list[str]:
    small = [isolated(group) for group, n in hidden.items() if n is not None]
    beside = len(hidden) - len(small)
    listed = "; ".join(small) if len(small) < 5 else f"{len(small)} groups"
    parts = [f"{listed} ({'' if len(small) == 1 else 'each '}under {SMALLEST_CELL} cases)"] if small else []
    parts += [f"{beside} more, which would give the size of a small one away"] if beside else []
    return [f"Suppressed, not absent: {' and '.join(parts)}."] if parts else []


def same_question(name: str, same: Mapping[str, str]) -> list[str]:
    """Report that an attribute is a coarsening of another, if it is one."""
    if name not in same:
        return []
    return [f"It has the groups of {same[name]}, or joins them: the corrections count both as one question."]


def trend_words(what: str, row: pd.Series) -> str:
    """Word a trend over groups in their order, from a row of `stats.trend`."""
    if pd.isna(row["p"]):
        return f"There is no trend of {what}, because all values are equal."
    size, p = interval(row["estimate"], row["low"], row["high"]), f"permutation p = {row['p']:.2g}, not corrected"
    p = f"permutation p = {row['p_holm']:.2g}, corrected over the trends" if "p_holm" in row else p
    found = "rank correlation with the order" if row["test"] == "Spearman" else "change per group"
    if row.get("p_holm", row["p"]) < ALPHA:
        side = "rises" if row["estimate"] > 0 else "falls"
        return f"Over the groups in order {what} {side}: {found} {size} ({row['test']}, {p})."
    return f"Over the groups in order no trend of {what} was shown: {found} {size} ({row['test']}, {p})."


def _gap(score: str, row: pd.Series, family: int, binary: bool) -> str:
    if pd.isna(row["gap"]):
        return f"Nothing can be compared: {row['note']}."
    p = f"permutation p = {row['p_holm']:.2g}" + (f", corrected for {family} questions" if family > 1 else "")
    sizes = f"{row['groups']} groups, n = {row['n']}"
    mean, means = ("the rate of", "rates") if binary else ("mean", "means")
    gap, expected = _size(row["gap"]), _size(row["expected"])
    measured = f"the largest difference of group {means} is {gap}, and chance alone gives {expected}"
    if row["p_holm"] < ALPHA:
        return f"{mean[0].upper()}{mean[1:]} {score} differs between groups: {measured} on average ({sizes}; {p})."
    return f"No difference of {mean} {score} was shown: {measured} on average ({sizes}; {p})."


def _size(value: float) -> str:
    return f"{0 if abs(value) < ROUNDING else value:.3g}"


def _furthest(group: object, table: pd.DataFrame, better: str, *, shown: bool, family: int) -> str:
    row = table.loc[group]
    side = "better" if (row["estimate"] > 0) == (better == "higher") else "worse"
    size = interval(row["estimate"], row["low"], row["high"])
    group = isolated(group)
    between = f"{group} (n = {row['n']}) less {isolated(row['reference'])} (n = {row['n_reference']})"
    clear = _side(row["low"], row["high"]) != 0
    reading = f"{side} for {group}" if clear else "an interval that includes no difference"
    other = (
        "which is of this contrast alone, not of the other questions" if family > 1 else "unlike the permutation test"
    )
    alone = f", by the bootstrap, {other}" if clear and not shown else ""
    picked = " It was picked as the furthest, so that its interval is optimistic." if len(table) > 1 else ""
    return f"Furthest from the largest group: {between} is {size}, {reading}{alone}.{picked}"


def by_kind(table: pd.DataFrame, second_is: str) -> pd.DataFrame:
    """Return a table of changes whose verdicts suit a second model: a model hides nothing, its gap is smaller."""
    if second_is == "ruler":
        return table
    words = {verdict: text.removeprefix("its ") for verdict, text in CHANGES["model"].items()}
    return table.assign(verdict=table["verdict"].replace(words))


def isolated(name: object) -> str:
    """Wrap a name written from right to left in isolates, so that the words around it keep their direction."""
    turned = any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in str(name))
    return f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}" if turned else str(name)


def _many(n: int | None) -> str:
    if n is None:
        return "some"
    return str(n) if n >= SMALLEST_CELL else f"fewer than {SMALLEST_CELL}"


def _seen(table: pd.DataFrame, family: int) -> list[str]:
    low, high = table["detectable"].min(), table["detectable"].max()
    low = 0.0 if low < ROUNDING else low
    if high < ROUNDING:
        return ["Within each group all scores are equal, so that the size of a detectable difference is not known."]
    span = f"{low:.2g}" if f"{low:.2g}" == f"{high:.2g}" else f"{low:.2g} to {high:.2g}, by group,"
    one = f"one t test at {ALPHA:.0%}, not corrected, finds a true difference of {span} in four of five such studies"
    larger = f"; corrected for the {family} questions asked here, it would have to be larger" if family > 1 else ""
    return [f"That is no proof of equality: {one}{larger}."]


def _given(table: pd.DataFrame, group: object, reference: object, source: str) -> str:
    if group not in table.index or table.get("reference", pd.Series(str(reference), table.index))[group] != str(
        reference
    ):
        return f"The cases with a {source} have another largest group or lack this one: see the table given {source}."
    row = table.loc[group]
    alone = f"alone, in the same kind of model, it is {interval(row['alone'], row['alone_low'], row['alone_high'])}"
    if pd.isna(row["given"]):
        return f"Given {source}, the model has no answer; {alone}."
    numbers = f"{interval(row['given'], row['low'], row['high'])} in a linear model (HC3 errors, no bootstrap), {alone}"
    change = f"a change of {interval(row['change'], row['change_low'], row['change_high'])}"
    before, after = _side(row["alone_low"], row["alone_high"]), _side(row["low"], row["high"])
    changed = _side(row["change_low"], row["change_high"])
    if before and after == before:
        return f"It stays given {source}: {numbers}."
    if before and after:
        return f"Given {source} it turns round: {numbers}."
    if before and changed:
        return f"Given {source} it is {numbers}, {change}: {source} can account for it."
    if after and changed:
        return f"Given {source} it is {numbers}, {change}: {source} can hide it."
    if changed:
        return f"Given {source} it is {numbers}, {change}: {source} matters, but neither of the two contrasts is shown."
    return f"Given {source} it is {numbers}; whether {source} explains it is not shown."


def _side(low: float, high: float) -> int:
    """Return 1 if an interval is above zero, -1 if below, 0 if it includes zero or is NaN."""
    return int(low > ROUNDING) - int(high < -ROUNDING)


def _changed(row: pd.Series, second: str, second_is: str) -> str:
    size = interval(row["change"], row["low"], row["high"])
    if second_is == "model":
        words = CHANGES["model"].get(row["verdict"], "it changes within noise")
        return f"With the model {second} it changes by {size}: {words}."
    words = CHANGES["ruler"].get(row["verdict"], "changes it within noise")
    return f"By {second} it changes by {size}: that ruler {words}."
