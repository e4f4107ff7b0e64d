"""Meaning of the cells of a table: numbers as they are written in two traditions, and words for "not recorded"."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.shared.files import at
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError

# Words that mean that nothing is recorded: in lower case, without brackets, with blanks for hyphens. BIDS writes n/a.
_UNRECORDED = (
    "na,n/a,n.a.,nan,none,null,nil,<na>,n/k,n/r,n.d.,u/k,unk,unknown,unspecified,undisclosed,unreported,undocumented,"
    "missing,blank,empty,tbd,no data,no information,no answer,no response,not known,not specified,not recorded,"
    "not reported,not available,not applicable,not stated,not disclosed,not collected,not documented,not provided,"
    "not asked,none recorded,dont know,do not know,refused,declined,declined to answer,prefer not to say,"
    "prefer not to answer,#n/a,#ref!,#value!,#div/0!,#num!,#name?,#null!,-,--,---,–,—,?,??,.,..,...,"
    "unbekannt,keine angabe,k.a.,inconnu,inconnue,desconocido,desconocida,sconosciuto,onbekend"
)
UNRECORDED = frozenset(_UNRECORDED.split(","))
# Numbers that stand for a missing code or age.
MISSING_CODES = (9999.0, -9999.0, 999.0, -999.0, 99.0, -99.0, -9.0)
_SUMMARIES = (
    "mean,average,avg,overall,total,all,summary,count,std,stddev,stdev,std dev,sd,sem,variance,median,min,minimum,max,"
    "maximum,q1,q3,iqr,25%,50%,75%,95%,25quantile,75quantile,25percentile,75percentile"
)
SUMMARIES = frozenset(_SUMMARIES.split(","))
PLAIN = "Write decimals with a point, and thousands without a sign"

# Words of a label, in lower case, that may mean that nothing was found; in other columns they mean "not recorded".
NOTHING_FOUND = ("none", "nil")
_DECIMAL = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")  # 0,83
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")  # 1,200 and 1,234.5
_POINTS = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+,\d+")  # 1.234,5
_SPACED = re.compile(r"[+-]?[1-9]\d{0,2}(?:[ '\u2019]\d{3})+(?:[.,]\d+)?")  # 12 942 and 12'942


def not_recorded(values: pd.Series, *, keep: Collection[str] = (), codes: bool = False) -> pd.Series:
    """Mark the cells with a word for "not recorded", in any case, except those to keep.

    Parameters
    ----------
    values : Series of str
    keep : collection of str
        Words that count as recorded.
    codes : bool
        Mark numbers such as 9999 and -9 too.

    Returns
    -------
    Series of bool
    """
    words = [word for word in values.dropna().unique() if _is_unrecorded(word)]
    found = values.isin(words)
    if codes:
        found |= _codes(values)
    return (found & ~values.str.casefold().isin([word.casefold() for word in keep])).fillna(False).astype(bool)


def _is_unrecorded(text: str) -> bool:
    """Return True for a word of `UNRECORDED`, in any case and brackets, or several with slashes between them."""
    text = text.casefold()
    bare = " ".join(re.sub(r"[-_]+", " ", re.sub(r"['\u2019\"()\[\]]", "", text)).split()).strip(".,;: ")
    return bool({text, bare} & UNRECORDED) or all(part.strip() in UNRECORDED for part in bare.split("/"))


def _codes(values: pd.Series) -> pd.Series:
    """Mark numbers of `MISSING_CODES`, unless the other numbers of the column reach to half of them or below 0."""
    parsed = pd.to_numeric(values, errors="coerce")
    coded = parsed.isin(MISSING_CODES)
    others = parsed[~coded].dropna()
    if others.empty:
        return coded
    return coded & ~np.where(parsed < 0, others.min() < 0, others.max() >= parsed / 2)


def without_unrecorded(
    values: pd.Series, *, keep: Collection[str] = (), hint: str = "", codes: bool = True
) -> tuple[pd.Series, list[str]]:
    """Set the cells of a column of groups or labels that mean "not recorded" to missing, with a note that lists them.

    Parameters
    ----------
    values : Series of str
    keep : collection of str
        Words that are groups.
    hint : str
        The setting that makes a word a group, with ``{column}`` and ``{word}``; empty if there is none.
    codes : bool
        Mark numbers such as 9999 and -9 too.

    Returns
    -------
    values : Series of str
    notes : list of str
    """
    missing = not_recorded(values, keep=keep, codes=codes)
    if not missing.any():
        return values, []
    count = int(missing.sum())
    many = str(count) if count >= SMALLEST_CELL else f"fewer than {SMALLEST_CELL}"
    words = ", ".join(map(repr, sorted(values[missing].unique())))
    one = sorted(values[missing].unique())[0]
    keeps = f"; {hint.format(column=values.name, word=one)} makes it a group" if hint else ""
    return values.mask(missing), [f"{values.name}: {words} in {many} rows count as not recorded{keeps}"]


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
    # Every comma has three digits behind it. Small whole numbers without a comma show that large ones have one.
    plain = pd.to_numeric(others, errors="coerce").abs()
    if plain.notna().any() and (plain.dropna() < 1000).all() and (plain.dropna() % 1 == 0).all():
        return True
    seen = f"holds {commas.iloc[0]!r}, where the comma may cut decimals or separate thousands"
    raise InputError(_cell(commas), seen, PLAIN)


def _cell(values: pd.Series) -> str:
    return f"row {values.index[0]}, column {values.name}"


def numbers(values: pd.Series, file: Path) -> tuple[pd.Series, list[str]]:
    """Convert a column to floats, with notes; missing cells and words for "not recorded" are NaN.

    Raises
    ------
    InputError
        The meaning of commas is in doubt, see `with_points`, or a cell is neither empty nor a finite number.
    """
    values = values.mask(not_recorded(values))
    try:
        points, note = with_points(values)
    except InputError as error:
        raise InputError(f"{file.name}, {error.where}", error.problem, error.fix) from None
    endless = pd.to_numeric(points, errors="coerce").abs().eq(np.inf)
    if endless.any():
        row = endless.index[endless.to_numpy()][0]
        problem = f"holds {values[row]!r}, which has no mean ({int(endless.sum())} such cells)"
        fix = "Write the worst value that is possible, such as the diagonal of the image: without the misses, the group"
        raise InputError(at(file, row, str(values.name)), problem, f"{fix} that has most of them looks better")
    found = pd.to_numeric(points, errors="coerce").astype(float)
    bad = points.index[(points.notna() & found.isna()).to_numpy()]
    if len(bad):
        more = f" (and {len(bad) - 1} more cells)" if len(bad) > 1 else ""
        problem = f"holds {str(values[bad[0]])[:60]!r}, expected a number{more}"
        raise InputError(
            at(file, bad[0], str(values.name)),
            problem,
            "Correct the cell; leave it empty if nothing was measured, not for a miss",
        )
    return found, [note] if note else []


def numeric(values: pd.Series) -> pd.Series:
    """Convert texts to floats by `with_points`; NaN where a text is no number, or where commas are in doubt."""
    try:
        values, _ = with_points(values)
    except InputError:
        return pd.Series(np.nan, values.index, float, name=values.name)
    return pd.to_numeric(values.astype(object).where(values.notna(), None), errors="coerce").astype(float)


def one_spelling(values: pd.Series) -> tuple[pd.Series, list[str]]:
    """Write equal numbers of a column of codes in one way: 1, 1.0 and 01 are one group; with a note if that joins any.

    A column with any text that is no number is unchanged.
    """
    known = values.dropna()
    parsed = pd.to_numeric(known, errors="coerce")
    if known.empty or parsed.isna().any():
        return values, []
    plain = parsed.map("{:g}".format)
    spelt: Mapping[str, list[str]] = known.groupby(plain).unique().map(sorted).to_dict()
    joined = [" and ".join(map(repr, texts)) for texts in spelt.values() if len(texts) > 1]
    notes = [f"{values.name}: {texts} are one group" for texts in joined]
    return values.where(values.isna(), plain.reindex(values.index)) if joined else values, notes


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
