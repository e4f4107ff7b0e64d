"""Rows of summaries below the cases of a table, such as "Mean (95% CI)", "25% quantile" or "Sum"."""

from __future__ import annotations

import re

import pandas as pd

from helpers.datasets.shared.cells import summary_rows

_LIKELY = (
    r"mean|average|avg|total|sum|count|sd\b|st\.? ?d|sem|varia|median|min|max|q1|q3|iqr|%|tile|overall|range|deviation"
)
_ASIDE = re.compile(r"\((?!\d+\))[^)]*\)|\[(?!\d+\])[^\]]*\]|[^\w\s%]|_")  # texts in brackets, and punctuation
_TILE = re.compile(r"\d+\s*(%|th|st|nd|rd)?\s*(quantile|percentile|quartile)|(quantile|percentile)\s*\d+\s*%?")
_WORDS = {"sum": "total", "subtotal": "total", "st dev": "sd", "standard deviation": "sd", "range": "iqr"}
_SYNONYM = re.compile(rf"\b({'|'.join(_WORDS)})\b")
_FILLER = re.compile(r"\b(of|for|the|all|cases|patients|grand)\b")


def are_summaries(cases: pd.Series, groups: pd.DataFrame, score: str) -> pd.Series:
    """Mark the rows whose identifier is a summary, by `summary_rows`, in whatever way it is decorated.

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
    Series of bool
    """
    likely = cases[cases.str.contains(_LIKELY, case=False, na=False)]
    found = pd.Series(False, cases.index)
    if len(likely):
        names = pd.DataFrame({name: pd.Series(groups[name].dropna().unique()).map(_bare) for name in groups})
        plain = likely.map(_bare).str.replace(rf"\b{re.escape(_bare(score))}\b", " ", regex=True) if score else likely
        found[likely.index] = summary_rows(plain, names)
    return found


def _bare(text: str) -> str:
    """Write an identifier in lower case without punctuation and words that fill, and statistics in one way."""
    text = " ".join(_ASIDE.sub(" ", text.casefold()).split())
    text = _SYNONYM.sub(lambda word: _WORDS[word[0]], _TILE.sub("median", text))
    return " ".join(_FILLER.sub(" ", text).split())
