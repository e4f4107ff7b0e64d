"""Rows of summaries below the cases of a table, such as "Mean (95% CI)", "25% quantile" or "Sum"."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from helpers.datasets.shared.cells import summary_rows
from helpers.datasets.shared.files import Notes

_LIKELY = re.compile(
    r"mean|average|avg|total|sum|count|sd\b|st\.? ?d|std ?err|error|sem|varia|\bvar\b|mode\b|median|min|max|q1|q3|iqr|"
    r"%|tile|overall|range|deviation|\ball\b|mittel|gesamt|durchschnitt|abweichung|anzahl|moyenne|media|promedio|"
    r"type|est[aá]ndar",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\((?!\d+\))[^)]*\)|\[(?!\d+\])[^\]]*\]|[^\w\s%]|_")  # texts in brackets, and punctuation
_TILE = re.compile(
    r"\d+\s*(%|th|st|nd|rd)?\s*(quantile|percentile|quartile)|(quantile|percentile|quartile)\s*\d+\s*%?"
    r"|((lower|upper)\s+)?(\d+\s*%\s*(ci|confidence interval)|ci\s*\d+\s*%)(\s+(lower|upper))?"
)
_WORDS = (
    dict.fromkeys(("all cases", "all patients", "all", "sum", "subtotal", "gesamt", "summe", "anzahl"), "total")
    | dict.fromkeys(("mittelwert", "mittel", "durchschnitt", "moyenne", "media", "promedio", "nanmean"), "mean")
    | dict.fromkeys(("st dev", "std deviation", "standard deviation", "standardabweichung"), "sd")
    | dict.fromkeys(("écart type", "ecart type", "desviación estándar", "desviacion estandar"), "sd")
    | dict.fromkeys(("std error", "std err", "stderr", "standard error"), "sem")
    | {"range": "iqr"}
)
_SYNONYM = re.compile(rf"\b({'|'.join(_WORDS)})\b")
_FILLER = re.compile(
    r"\b(of|for|the|cases|patients|grand|foreground|geometric|weighted|macro|micro|female|male|females|males|women|men"
    r"|\d+ folds?|folds?( \d+)?|cross validation|cv|test|training|train|validation|val|set|splits?|runs?|seeds?)\b"
)
# Statistics that may be identifiers: they need a summary elsewhere in the column, and a form that no case has.
_NAMED = "mean|average|avg|median|mode|sd|std|sem|var|variance|min|minimum|max|maximum|iqr|total|sum"
_DOUBTFUL = re.compile(
    r"n|n (\d+|cases)|se|ci|cv|[lu]ci|(lower|upper) (ci|limit)|[pq] ?\d\d?|\d\d? ?%|\d\d?(th|st|nd|rd)"
    rf"|({_NAMED})( [^\W\d]+){{1,2}}|([^\W\d]+ ){{1,2}}({_NAMED})"
)
_SHORT = r"n|se|ci|cv|[lu]ci|limit|[pq] ?\d\d?|\d\d?(?:th|st|nd|rd)"
_MAYBE = re.compile(rf"{_LIKELY.pattern}|(?<![^\W_])(?:{_SHORT})(?![^\W_])", re.IGNORECASE)
_MOST = 9  # doubtful statistics of one form, such as percentiles; more are cases


def without_summaries(
    table: pd.DataFrame, named: Sequence[str], groups: Sequence[str], score: str, file: str, counted: Notes
) -> tuple[pd.DataFrame, list[str]]:
    """Leave out the rows whose identifier is a summary, and count them; note those that may be one and are kept.

    Parameters
    ----------
    table : DataFrame of str
    named, groups : sequence of str
        Columns of identifiers, and of groups.
    score : str
        Name of the score.
    file : str
        Name of the file, for `counted`.
    counted : list
        Gets the number of rows that are left out.
    """
    summary, notes = pd.Series(False, table.index), []
    for name in named:
        found, doubtful = are_summaries(table[name], table[groups], score)
        summary |= found
        if n := int(doubtful.sum()):
            notes.append(f"{name}: {n} rows are named like a summary, and no other is one: they count as cases")
    counted.append((file, "summary row, not a case", int(summary.sum())))
    return table[~summary], notes


def are_summaries(cases: pd.Series, groups: pd.DataFrame, score: str) -> tuple[pd.Series, pd.Series]:
    """Mark the rows whose identifier is a summary, by `summary_rows`, in whatever way it is decorated.

    A short statistic such as "N", "SE" or "P25", or one with other words such as "Mean street", may be a case too. It
    is a summary if the column has another, such as "Mean", and if no case is written in this form: "SE" is a case next
    to "AB", and not next to "case 1".

    Parameters
    ----------
    cases : Series of str
        Identifiers.
    groups : DataFrame of str
        Columns of groups; a summary may name a group.
    score : str
        Name of the score; a summary may name it too, as "mean dice".

    Returns
    -------
    summaries, doubtful : Series of bool
        The latter marks what would be a summary if the column had another.
    """
    likely = cases[cases.str.contains(_LIKELY, na=False)]
    found = pd.Series(False, cases.index)
    if len(likely):
        names = pd.DataFrame({name: pd.Series(groups[name].dropna().unique()).map(_bare) for name in groups})
        plain = likely.map(_bare)
        if score:
            plain = plain.str.replace(rf"\b{re.escape(_bare(score))}\b", " ", regex=True).str.strip()
        found[likely.index] = summary_rows(plain, names) | summary_rows(plain.map(_last_first), names)
    doubtful = _doubtful(cases, found)
    return (found | doubtful, doubtful & False) if found.any() else (found, doubtful)


def _doubtful(cases: pd.Series, found: pd.Series) -> pd.Series:
    """Mark the statistics that may be cases, next to the summaries `found`, in a form that no case has."""
    maybe = cases[cases.str.contains(_MAYBE, na=False) & ~found].map(_bare)
    doubtful = pd.Series(False, cases.index)
    doubtful[maybe.index] = maybe.str.fullmatch(_DOUBTFUL).astype(bool)
    if not doubtful.any():
        return doubtful
    bare = cases.map(_bare, na_action="ignore").fillna("").astype("str")
    forms = bare.str.replace(r"\d+", "0", regex=True).str.replace(r"[^\W\d_]{4,}", "word", regex=True)
    forms = forms.str.replace(r"\b(?!word)[^\W\d_]+", "a", regex=True)
    often = forms[doubtful].value_counts()
    usual = set(forms[~doubtful & ~found]) | set(often[often > _MOST].index)
    return doubtful & ~forms.isin(usual)


def _last_first(text: str) -> str:
    """Write the last word of a text first: "f mean" has the order of "mean f"."""
    rest, _, last = text.rpartition(" ")
    return f"{last} {rest}".strip()


def _bare(text: str) -> str:
    """Write an identifier in lower case without punctuation and words that fill, and statistics in one way."""
    text = " ".join(_ASIDE.sub(" ", text.casefold()).split())
    text = _SYNONYM.sub(lambda word: _WORDS[word[0]], _TILE.sub("median", text))
    return " ".join(_FILLER.sub(" ", text).split()) or text
