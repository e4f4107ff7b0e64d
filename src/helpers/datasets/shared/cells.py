"""Meaning of the cells of a table: numbers as they are written in two traditions, and rows of summaries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

import numpy as np
import pandas as pd

from helpers.errors import InputError

_SUMMARIES = (
    "mean,average,avg,overall,total,all,summary,count,std,stddev,stdev,std dev,sd,sem,variance,var,median,mode,min,"
    "minimum,max,maximum,q1,q3,iqr,25%,50%,75%,95%,25quantile,75quantile,25percentile,75percentile"
)
SUMMARIES = frozenset(_SUMMARIES.split(","))
PLAIN = "Write decimals with a point, and thousands without a sign"

_DECIMAL = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")  # 0,83
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")  # 1,200 and 1,234.5
_POINTS = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+,\d+")  # 1.234,5
_POINTED = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+")  # 1.200
_SPACED = re.compile(r"[+-]?[1-9]\d{0,2}(?:[ '\u2019]\d{3})+(?:[.,]\d+)?")  # 12 942 and 12'942


def with_points(values: pd.Series) -> tuple[pd.Series, str]:
    """Write the numbers of a column with decimal points and without separators of thousands.

    The meaning of commas is decided for the whole column. Cells that are no number are unchanged.

    Parameters
    ----------
    values : Series of str

    Returns
    -------
    values : Series of str
    note : str
        What was assumed; empty if no cell has a comma or blank.

    Raises
    ------
    InputError
        The column has decimal commas and thousands separators, or commas that may be either.
    """
    known = values.dropna()
    spaced = known[known.str.fullmatch(_SPACED)]
    if len(spaced):
        plain = spaced.str.replace("[ '\u2019]", "", regex=True)
        values = values.where(~values.index.isin(spaced.index), plain.reindex(values.index))
        known = values.dropna()
    commas = known[known.str.fullmatch(_DECIMAL) | known.str.fullmatch(_GROUPED) | known.str.fullmatch(_POINTS)]
    if commas.empty:
        _check_points(known)
        return values, f"{values.name}: blanks were read as separators of thousands" if len(spaced) else ""
    thousands = _are_thousands(known, commas)
    if thousands:
        plain, note = commas.str.replace(",", "", regex=False), "commas were read as separators of thousands"
    else:
        plain = commas.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        note = "decimal commas were read as points"
    whole = values.where(~values.index.isin(commas.index), plain.reindex(values.index))
    return whole, f"{values.name}: {note}"


def _are_thousands(known: pd.Series, commas: pd.Series) -> bool:
    """Return True if the commas of a column separate thousands, False if they cut decimals."""
    may_group, may_cut = commas.str.fullmatch(_GROUPED), commas.str.fullmatch(_DECIMAL)
    pointed = commas.str.fullmatch(_POINTS)
    only_groups, only_cuts = commas[may_group & ~may_cut], commas[(may_cut & ~may_group) | pointed]
    others = known[~known.index.isin(commas.index)]
    with_point = others[others.str.fullmatch(r"[+-]?\d*\.\d+")]
    if len(only_groups) and len(only_cuts):
        seen = f"{only_groups.iloc[0]!r} has separators of thousands and {only_cuts.iloc[0]!r} a decimal comma"
        raise InputError(_cell(only_cuts), seen, PLAIN)
    if len(only_cuts):
        if len(with_point):
            seen = f"{only_cuts.iloc[0]!r} has a decimal comma and {with_point.iloc[0]!r} a decimal point"
            raise InputError(_cell(only_cuts), seen, "Write all decimals with a point")
        return False
    if len(only_groups) or len(with_point):
        return True
    # Every comma has three digits behind it. The whole numbers without one tell of what size the others are.
    if (nearer := _nearer(others, commas.str.replace(",", "", regex=False))) is not None:
        return nearer
    seen = f"holds {commas.iloc[0]!r}, where the comma may cut decimals or separate thousands"
    raise InputError(_cell(commas), seen, PLAIN)


def _nearer(others: pd.Series, whole: pd.Series) -> bool | None:
    """Compare a reading, and one that is 1000 times smaller, with the whole numbers of a column.

    Returns
    -------
    bool or None
        True if the medians of `whole` and of the others are nearer in magnitude, False if a thousandth of `whole` is,
        None where the others are not all whole numbers below 1000, or where neither is much nearer.
    """
    plain = pd.to_numeric(others, errors="coerce").abs()
    if plain.isna().any() or not ((plain < 1000) & (plain % 1 == 0)).all() or not (plain > 0).any():
        return None
    apart = np.log10(whole.astype(float).abs().median() / plain[plain > 0].median())
    return None if abs(abs(apart) - abs(apart - 3)) < 0.5 else bool(abs(apart) < abs(apart - 3))


def _check_points(known: pd.Series) -> None:
    """Refuse decimal points that seem to separate thousands: three digits behind each, among large whole numbers."""
    pointed = known[known.str.contains(".", regex=False)]
    if pointed.empty or not pointed.str.fullmatch(_POINTED).all():
        return
    others = known[~known.index.isin(pointed.index)]
    if pointed.str.count(r"\.").max() > 1 or _nearer(others, pointed.str.replace(".", "", regex=False)):
        seen = f"holds {pointed.iloc[0]!r}, where the point may cut decimals or separate thousands"
        raise InputError(_cell(pointed), seen, PLAIN)


def _cell(values: pd.Series) -> str:
    return f"row {values.index[0]}, column {values.name}"


def numeric(values: pd.Series) -> pd.Series:
    """Convert texts to floats by `with_points`; NaN where a text is no number, or where commas are in doubt."""
    try:
        values, _ = with_points(values)
    except InputError:
        return pd.Series(np.nan, values.index, float, name=values.name)
    return pd.to_numeric(values.astype(object).where(values.notna(), None), errors="coerce").astype(float)


def exact(text: str) -> str:
    """Write a number in its shortest way, to the last digit: 1, 1.0 and 01 are 1. Other texts are unchanged."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return text
    return format(number.normalize(), "f") if number.is_finite() else text


def one_spelling(values: pd.Series) -> tuple[pd.Series, list[str]]:
    """Write equal numbers of a column of codes in one way, with a note: 1, 1.0 and 01 are one group, as 3T and 3.0 T.

    A column with any text that is no number, or numbers with several units, is unchanged.
    """
    known = values.dropna()
    parts = known.str.extract(r"^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([^\W\d_]*)$")
    if known.empty or parts[0].isna().any() or parts[1].nunique() != 1:
        return values, []
    plain = parts[0].map(exact) + parts[1]
    spelt: Mapping[str, list[str]] = known.groupby(plain).unique().map(sorted).to_dict()
    joined = {text: name for name, texts in spelt.items() if len(texts) > 1 for text in texts}
    notes = [
        f"{values.name}: {' and '.join(map(repr, texts))} are one group" for texts in spelt.values() if len(texts) > 1
    ]
    return values.replace(joined) if joined else values, notes


def summary_rows(cases: pd.Series, groups: pd.DataFrame) -> pd.Series:
    """Mark the rows whose identifier is a summary and no case, such as "Mean", "SD:" or "Mean F".

    Parameters
    ----------
    cases : Series of str
        Identifiers.
    groups : DataFrame of str
        Columns of groups; a summary may name a group after its first word.

    Returns
    -------
    Series of bool
    """
    named = {str(value).casefold() for column in groups for value in groups[column].dropna().unique()}

    def is_summary(text: object) -> bool:
        plain = re.sub(r"[:_±+/()-]+", " ", str(text).casefold())
        words = " ".join(plain.split())
        first, _, rest = words.partition(" ")
        return words in SUMMARIES or (first in SUMMARIES and (rest in SUMMARIES or rest in named))

    return cases.map(is_summary, na_action="ignore").fillna(False).astype(bool)
