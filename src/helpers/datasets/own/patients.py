"""Several rows of one patient in the user's table: patients are the units that are compared."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from helpers.datasets.shared.files import at
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError

_POINT_ZERO = re.compile(r"^(\d+)\.0+$")  # how a spreadsheet writes a whole number


def check_patients(values: pd.Series, path: Path) -> tuple[pd.Series, list[str]]:
    """Number the patients in the order of their first rows, so that no identifier is kept, with notes.

    A whole number that is written with and without a decimal point, as 1 and 1.0, is one patient.

    Raises
    ------
    InputError
        A row has no patient.
    """
    empty = values.index[values.isna().to_numpy()]
    if len(empty):
        more = f" (and in {len(empty) - 1} more rows)" if len(empty) > 1 else ""
        fix = "Name the patient of each row, or leave PATIENT empty if each row is a patient"
        raise InputError(at(path, empty[0], str(values.name)), f"no patient is named{more}", fix)
    one, notes = one_number(values)
    owner = pd.Series(pd.factorize(one)[0], index=values.index, name="patient")
    return owner, notes + spellings(one)


def one_number(values: pd.Series) -> tuple[pd.Series, list[str]]:
    """Write whole numbers among identifiers without a decimal point; note if that joins any, as 1 and 1.0."""
    one = values.str.replace(_POINT_ZERO, r"\1", regex=True)
    joined = values.nunique() - one.nunique()
    said = f"{values.name}: numbers in two spellings, as 1 and 1.0, are one {values.name} each ({joined})"
    return one, [said] * (joined > 0)


def spellings(values: pd.Series) -> list[str]:
    """Count the identifiers that differ from another only by case, blanks, punctuation or leading zeros, in a note."""
    known = pd.Series(values.dropna().unique(), dtype="str")
    plain = known.str.casefold().str.replace(_POINT_ZERO, r"\1", regex=True)
    plain = plain.str.replace(r"(?<!\d)[\W_]+|[\W_]+(?!\d)", "", regex=True).str.replace(
        r"(?<!\d)0+(?=\d)", "", regex=True
    )
    n = int((plain.duplicated() & plain.ne("")).sum())
    said = (
        "identifiers differ from another one only by case, blanks, punctuation or leading zeros, and count as different"
    )
    return [f"{values.name}: {said} ({n}); write each in one way"] if n else []


def unnamed(cases: pd.Series) -> list[str]:
    """Count the rows without an identifier, in a note."""
    n = int(cases.isna().sum())
    return [f"{cases.name}: rows without an identifier count as cases ({_many(n)})"] if n else []


def _many(n: int) -> str:
    return str(n) if n >= SMALLEST_CELL else f"fewer than {SMALLEST_CELL}"


def check_repeats(ids: pd.Series, path: Path, *, of: pd.Series | None = None) -> None:
    """Refuse a table in which a case has two rows, or two rows of one model where `of` has the model of each row.

    Raises
    ------
    InputError
        It names the first row that repeats an earlier one.
    """
    rows = pd.DataFrame({"case": ids, "model": "" if of is None else of.astype("str")}).dropna()
    repeated = rows.index[rows.duplicated().to_numpy()].tolist()
    if repeated:
        first = rows.index[(rows == rows.loc[repeated[0]]).all(axis=1).to_numpy()][0]
        more = f"; {len(repeated)} rows repeat an earlier one" if len(repeated) > 1 else ""
        problem = f"this case is also in row {first}{more}"
        fix = "Keep one row a case; if a patient has several, name the column as PATIENT, not CASE"
        fix += "; if each model has one, name its column as MODEL" if of is None else ""
        raise InputError(at(path, repeated[0], str(ids.name)), problem, fix)


def check_parts(part: pd.Series, owner: pd.Series, path: Path) -> None:
    """Refuse a split that puts rows of one patient into several parts.

    Otherwise a threshold would be measured on patients that it was chosen on.

    Raises
    ------
    InputError
        A patient is in two parts.
    """
    both = part.groupby(owner).nunique()
    if (n := int((both > 1).sum())) > 0:
        fix = "Put all rows of a patient into one part"
        raise InputError(f"SPLIT, {path.name}, column {part.name}", f"{n} patient(s) are in several parts", fix)


def by_patient(
    frame: pd.DataFrame,
    owner: pd.Series,
    *,
    scores: Sequence[str],
    groups: Sequence[str],
    path: Path,
    weights: pd.Series | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Give each patient one row: the mean of the scores, and the one value of each attribute.

    Parameters
    ----------
    frame : DataFrame
        Rows with the columns `scores` (numbers) and `groups` (categories); its index is the row in the file.
    owner : Series of int
        Patient of each row.
    weights : Series of float, optional
        Weight of each row in the mean of its patient.

    Returns
    -------
    cases : DataFrame
        One row for each patient.
    notes : list of str

    Raises
    ------
    InputError
        A patient has two values of an attribute.
    """
    firsts = {name: one_value(frame[name], owner, path, "patient") for name in groups}
    if weights is None:
        means = frame.groupby(owner)[list(scores)].mean()
    else:
        sums = frame[list(scores)].mul(weights, axis=0).groupby(owner).sum()
        means = sums.div(weights.groupby(owner).sum(), axis=0)
    cases = means.assign(**firsts)
    said = "some patients have several rows: n counts patients, each with the mean score of the rows"
    return cases, [said] if len(cases) < len(frame) else []


def varying(frame: pd.DataFrame, owner: pd.Series, groups: Sequence[str]) -> dict[str, int]:
    """Count the patients who have several values of an attribute, by the attributes of which any has."""
    several = {name: int((frame[name].groupby(owner[frame.index]).nunique() > 1).sum()) for name in groups}
    return {name: n for name, n in several.items() if n}


def by_row(
    frame: pd.DataFrame, owner: pd.Series, *, groups: Sequence[str], several: Mapping[str, int], path: Path, source: str
) -> tuple[pd.DataFrame, list[str]]:
    """Keep the rows as cases; all rows of a patient get the one value of an attribute that does not vary.

    Parameters
    ----------
    frame, owner, groups
        As in `by_patient`.
    several : mapping of str to int
        Result of `varying`.
    source : str
        Name of the source, which goes with patients only, so that a note names it.
    """
    of = owner[frame.index]
    ones = {name: one_value(frame[name], owner, path, "patient") for name in groups if name not in several}
    known = {name: pd.Series(one.reindex(of).to_numpy(), frame.index).astype(one.dtype) for name, one in ones.items()}
    notes = []
    for name, n in several.items():
        said = "a group is then a set of rows, n counts its patients, and a patient may count in several groups"
        notes.append(f"{name}: {n} patients have several values; {said}; if that is a slip, correct it")
    if source:
        notes.append(f"{source}: nothing is given the source, because an attribute varies within patients")
    return frame.assign(**known), notes


def one_value(values: pd.Series, owner: pd.Series, path: Path, unit: str) -> pd.Series:
    """Return the one value of each owner of rows, missing if none of the rows has one.

    Parameters
    ----------
    values : Series of categories
    owner : Series of int
        Patient or case of each row.
    unit : {"patient", "case"}
        Word for an owner, for messages.

    Raises
    ------
    InputError
        An owner has two values.
    """
    owner = owner[values.index]
    known = values.groupby(owner).nunique()
    several = known.index[known > 1]
    if len(several):
        first = values.index[owner.isin(several).to_numpy()][0]
        problem = f"{len(several)} {unit}(s) have more than one value, the first in row {first}"
        fix = f"Give each {unit} one value, or leave this column out"
        raise InputError(f"{path.name}, column {values.name}", problem, fix)
    return values.groupby(owner).first().astype(values.dtype)
