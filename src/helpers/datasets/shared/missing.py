"""Cells of a table that mean "not recorded": words in several languages, and numbers such as 9999."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.shared.cells import numeric, with_points
from helpers.datasets.shared.files import at
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError

# Words that mean that nothing is recorded: in lower case, without brackets, with blanks for hyphens. BIDS writes n/a.
_UNRECORDED = (
    "na,n/a,n.a,nan,nat,none,null,nil,<na>,n/k,n/r,n.d,u/k,unk,dk,unknown,unspecified,undisclosed,unreported,"
    "undocumented,unavailable,missing,blank,empty,tbd,todo,to do,to be determined,pending,no data,no data available,"
    "no information,no answer,no response,not known,not specified,not recorded,not reported,not available,"
    "not applicable,not stated,not disclosed,not collected,not documented,not provided,not asked,none recorded,"
    "dont know,do not know,refused,refused to answer,declined,declined to answer,decline to answer,decline to state,"
    "prefer not to say,prefer not to answer,i prefer not to say,i prefer not to answer,"
    "#n/a,#n/a n/a,#ref!,#value!,#div/0!,#num!,#name?,#null!,"
    "unbekannt,keine angabe,keine angaben,k.a,k. a,inconnu,inconnue,desconocido,desconocida,sconosciuto,onbekend"
)
UNRECORDED = frozenset(_UNRECORDED.split(","))
# Words of a label, in lower case, that may mean that nothing was found; in other columns they mean "not recorded".
NOTHING_FOUND = ("none", "nil")
# Numbers in place of a missing value: next to words; and next to numbers, if these are much smaller or positive.
_CODES_OF_WORDS = (-9999.0, -999.0, -99.0, -9.0, -8.0, -7.0, -1.0, 9.0, 77.0, 88.0, 99.0, 999.0, 9999.0)
_CODES = (-9999.0, -999.0, -99.0, -9.0, 99.0, 999.0, 9999.0)
_SMALL_CODES = (-8.0, -1.0)  # next to numbers up to 10 or more, such as ages; -1 may be a step of a scale
_SCALE = 10


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
    words = [word for word in values.dropna().unique() if _is_unrecorded(word, str(values.name))]
    found = values.isin(words)
    if codes:
        found |= _codes(values.mask(found))
    return (found & ~values.str.casefold().isin([word.casefold() for word in keep])).fillna(False).astype(bool)


def _is_unrecorded(text: str, name: str) -> bool:
    """Return True for a word of `UNRECORDED` in any case and brackets, also after a code or before the column's name.

    Several with slashes between them count too, and signs alone, except those that have a meaning, such as + and <.
    """
    text = text.casefold()
    if not re.search(r"[^\W_]", text):
        return not re.search(r"[+<>=%]", text)
    bare = re.sub(r"^-?\d+\s*[-:=.)]+\s*", "", text)
    bare = " ".join(re.sub(r"[-_]+", " ", re.sub(r"['\u2019\"()\[\]<>?!*]", "", bare)).split()).strip(".,;: ")
    bare = bare.removesuffix(f" {name.casefold()}")
    words = {text, bare, *re.split(r"\s*\(", text)[:1]}
    return bool(words & UNRECORDED) or all(part.strip() in UNRECORDED for part in bare.split("/"))


def _codes(values: pd.Series) -> pd.Series:
    """Mark numbers in place of a missing value in a column of groups."""
    parsed = numeric(values)
    if (values.notna() & parsed.isna()).any():  # words
        return parsed.isin(_CODES_OF_WORDS)
    return missing_codes(parsed, margin=2)


def missing_codes(values: pd.Series, *, margin: float = 10) -> pd.Series:
    """Mark numbers such as 9999 and -9, in place of a missing value, in a column of numbers.

    Parameters
    ----------
    values : Series of float
    margin : float
        A code above 0 is at least so many times as large as every other number. One below 0 is so only if no other
        number is.

    Returns
    -------
    Series of bool
    """
    coded = values.isin((*_CODES, *_SMALL_CODES))
    others = values[~coded].dropna()
    if others.empty:
        return coded & values.isin(_CODES)
    if others.max() < _SCALE:
        coded &= values.isin(_CODES)
    return coded & ~np.where(values < 0, others.min() < 0, others.max() > values / margin)


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
