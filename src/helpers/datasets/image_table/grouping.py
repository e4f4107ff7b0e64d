"""Groups and labels of a table of images: which values are compared, and what is predicted."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.image_table.columns import named, split, unquoted
from helpers.datasets.shared.cells import numeric, one_spelling
from helpers.datasets.shared.missing import NOTHING_FOUND, numbers, without_unrecorded
from helpers.errors import InputError

MOST = 10  # groups of an attribute, and classes of a label: a column with more values is no attribute
_OPERATORS: dict[str, Callable] = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"
_BOUND = re.compile(rf"(<=|>=|<|>)\s*([+-]?){_NUMBER}")
_RANGE = re.compile(rf"{_NUMBER}\s*(?:-|to)\s*{_NUMBER}")
# Words of a label of two values, in lower case.
_YES, _NO = ("1", "true", "yes", "positive", "present", "y"), ("0", "false", "no", "negative", "absent", "n")
HOW = 'Write COMPARE="skin_type: 1,2 | 3,4; age: <=60 | >60"'


def compared(text: str, columns: list[str], file: str) -> dict[str, list[str]]:
    """Parse `COMPARE`, such as ``skin_type: 1,2 | 3,4; age: <=60 | >60``, into column → texts of its groups.

    A value with a comma, colon, semicolon or bar is written in double quotes.

    Raises
    ------
    InputError
        A part has no colon or fewer than two groups, or there is no such column.
    """
    found = {}
    for part in split(text, ";"):
        pieces = split(part, ":")
        groups = split(pieces[1], "|") if len(pieces) == 2 else []
        if len(groups) < 2:
            raise InputError("COMPARE", f"{part!r} is not understood", HOW)
        name = named(columns, unquoted(pieces[0]), parameter="COMPARE", file=file)
        if name in found:
            raise InputError("COMPARE", f"column {name} is named twice", HOW)
        found[name] = groups
    return found


def recorded(values: pd.Series, *, keep: Collection[str] = (), codes: bool = False) -> tuple[pd.Series, list[str]]:
    """Take words such as "unknown" for missing in a column of labels, except those to keep, with a note.

    "None" may be the class in which nothing was found. In a column of numbers, or of yes and no, it is missing. With
    `codes`, numbers such as 9999 are missing too.
    """
    found, notes = without_unrecorded(values, keep=keep, codes=codes)
    known = found.dropna()
    if numeric(known).notna().all() or set(known.str.casefold()) <= {*_YES, *_NO}:
        return found, notes
    return without_unrecorded(values, keep=[*keep, *NOTHING_FOUND], codes=codes)


def grouped(values: pd.Series, groups: list[str] | None, patient: pd.Series, file: str) -> tuple[pd.Series, list[str]]:
    """Convert a column to the groups that are compared, with notes in words.

    Parameters
    ----------
    values : Series of str
        Values as typed; missing where blank.
    groups : list of str or None
        Texts of the groups from `compared`. With None, each value is a group; a column of more than `MOST` different
        numbers is divided at the median of the patients.
    patient : Series
        Patient of each row.
    file : str
        Name of the table, for messages.

    Returns
    -------
    Series of category
        Missing where no value is recorded or the value is in no group.
    notes : list of str

    Raises
    ------
    InputError
        A value of `COMPARE` does not occur, two groups share a row, or there are too many values.
    """
    if groups is None:
        values, notes = without_unrecorded(values, hint='COMPARE="{column}: {word} | another"')
        values, joined = one_spelling(values)
        found, more = _as_typed(values, patient, file)
        return found, [*notes, *joined, *more]
    asked = [unquoted(item) for text in groups for item in split(text, ",")]
    values, unknown = without_unrecorded(values, keep=asked, hint='COMPARE="{column}: {word} | another"')
    name, parsed = str(values.name), _numbers(values, file)
    found = pd.Series(pd.NA, index=values.index, dtype=object)
    for text in groups:
        inside = pd.Series(False, index=values.index)
        for item in split(text, ","):
            part = _inside(values, parsed, unquoted(item))
            if not part.any():
                there = ", ".join(map(str, values.dropna().value_counts().index[:MOST]))
                raise InputError(f"COMPARE, {file}, column {name}", f"no row has {item}", f"The values are {there}")
            inside |= part
        if twice := found[inside].dropna().tolist():
            raise InputError(f"COMPARE, {file}, column {name}", f"{twice[0]} and {text} share rows", "Part the groups")
        found[inside] = ", ".join(map(unquoted, split(text, ",")))
    names = [", ".join(map(unquoted, split(text, ","))) for text in groups]
    left = int((found.isna() & values.notna()).sum())
    notes = [f"{name}: {left} images have a value that COMPARE does not name, and are in no group"] if left else []
    notes = unknown + notes
    return pd.Series(pd.Categorical(found, names), index=values.index, name=name), notes


def _inside(values: pd.Series, numbers: pd.Series, item: str) -> pd.Series:
    """Find the rows with a value such as ``1`` or ``b``, or within ``<=60`` or ``40-60``; numbers as numbers."""
    exact = (values == item).fillna(False).astype(bool)
    alone = pd.to_numeric(item, errors="coerce")
    if exact.any():
        return exact
    if bound := _BOUND.fullmatch(item):
        return _OPERATORS[bound[1]](numbers, float(bound[2] + bound[3]))
    if span := _RANGE.fullmatch(item):
        return numbers.between(float(span[1]), float(span[2]))
    if not np.isnan(alone):
        return numbers == alone
    return (values.str.casefold() == item.casefold()).fillna(False).astype(bool)


def _numbers(values: pd.Series, file: str) -> pd.Series:
    """Convert a column to floats if all its cells are numbers; otherwise NaN where a cell is none.

    Raises
    ------
    InputError
        All cells are numbers, and the meaning of their commas is in doubt.
    """
    plain = values.str.replace(r"[.,' ]", "", regex=True)
    if pd.to_numeric(plain.dropna(), errors="coerce").notna().all():
        return numbers(values, Path(file))[0]
    return numeric(values)


def _as_typed(values: pd.Series, patient: pd.Series, file: str) -> tuple[pd.Series, list[str]]:
    name, known, parsed = str(values.name), values.dropna(), _numbers(values, file)
    are_numbers = len(known) > 0 and parsed[known.index].notna().all()
    if known.nunique() <= MOST:
        value = dict(zip(values, parsed, strict=True)) if are_numbers else dict.fromkeys(known, 0.0)
        order = sorted(known.unique(), key=lambda text: (value[text], text))
        return pd.Series(pd.Categorical(values, order), index=values.index, name=name), []
    if not are_numbers:
        problem = f"has {known.nunique()} different values, such as {known.iloc[0]!r}"
        raise InputError(f"GROUPS, {file}, column {name}", problem, f"Name a column of groups. {HOW}")
    middle = float(parsed.groupby(patient).first().median())
    low, high = f"<={middle:g}", f">{middle:g}"
    side = np.where(parsed <= middle, low, high)
    made = pd.Series(pd.Categorical(side, [low, high]), index=values.index, name=name).where(parsed.notna())
    return made, [f'{name}: divided at the median of the patients; COMPARE="{name}: {low} | {high}" sets other groups']


def labelled(text: str, table: pd.DataFrame, columns: list[str], file: str) -> tuple[dict[str, pd.Series], list[str]]:
    """Read the labels that `TARGETS` asks for.

    Parameters
    ----------
    text : str
        Columns and conditions, separated by commas: ``biopsied`` (0 and 1, yes and no, or classes: then each class is a
        label), ``grade=G3`` (one class), ``age>60`` or ``tumour_pixels>0`` (a bound).
    table : DataFrame of str
    columns : list of str
        Columns that may be labels.
    file : str
        Name of the table, for messages.

    Returns
    -------
    labels : dict of str to Series of float
        1, 0, or NaN where not recorded, by the name of the label.
    notes : list of str

    Raises
    ------
    InputError
        There is no such column or class, or a column has too many values.
    """
    found: dict[str, pd.Series] = {}
    notes: list[str] = []
    for part in split(text, ","):
        match = re.fullmatch(r'("[^"]*"|[^!=<>"]+)\s*(<=|>=|=|<|>)\s*([^=<>].*)', part)
        if not match and re.search("[!=<>]", re.sub('"[^"]*"', "", part)):
            raise InputError("TARGETS", f"{part!r} is not understood", 'Write such as "biopsied, grade=G3, age>60"')
        name = named(columns, unquoted(match[1] if match else part), parameter="TARGETS", file=file)
        bounded = bool(match) and match[2] in _OPERATORS
        keep = [unquoted(match[3])] if match and not bounded else []
        values, said = recorded(table[name], keep=keep, codes=bounded)
        notes += said
        if bounded:
            found[_name(name, match[2], match[3])] = _bounded(values, match[2], match[3], file)
            continue
        values, joined = one_spelling(values)
        notes += joined
        classes = _classes(values, file, most=len(values) if match else MOST)
        if match:
            one = _class(classes, unquoted(match[3]))
            if one is None:
                problem = f"no row has {unquoted(match[3])!r}"
                raise InputError(
                    f"TARGETS, {file}, column {name}", problem, f"The classes are {', '.join(classes[:MOST])}"
                )
            found[f"{name}={one}"] = (values == one).astype(float).where(values.notna())
            continue
        if {text.casefold() for text in classes} <= {*_YES, *_NO}:
            found[name] = values.str.casefold().isin(_YES).astype(float).where(values.notna())
            continue
        chosen = classes[1:] if len(classes) == 2 else classes
        for one in chosen:
            found[f"{name}={one}"] = (values == one).astype(float).where(values.notna())
        notes.append(f"{name}: classes are predicted one against the rest: {', '.join(chosen)}")
    return found, notes


def is_binary(values: pd.Series) -> bool:
    """Return True if a column holds both 0 and 1, or words such as yes and no, and nothing else."""
    known = set(recorded(values)[0].dropna().str.casefold())
    return known <= {*_YES, *_NO} and bool(known & set(_YES)) and bool(known & set(_NO))


def _class(classes: list[str], asked: str) -> str | None:
    """Find a class as it is typed; else whatever its case; else of the same number, such as 1 for 1.0."""
    number = pd.to_numeric(asked, errors="coerce")
    folded = [one for one in classes if one.casefold() == asked.casefold()]
    equal = [one for one in classes if pd.to_numeric(one, errors="coerce") == number]
    alike = folded or equal
    return asked if asked in classes else alike[0] if len(alike) == 1 else None


def _name(column: str, sign: str, bound: str) -> str:
    return f"{column}{sign}{bound.strip()}"


def _bounded(values: pd.Series, sign: str, bound: str, file: str) -> pd.Series:
    limit, parsed = pd.to_numeric(bound.strip(), errors="coerce"), _numbers(values, file)
    if np.isnan(limit):
        problem = f"{bound.strip()!r} is not a number"
        raise InputError(f"TARGETS, {file}, column {values.name}", problem, "Write a bound such as age>60")
    odd = values.index[values.notna() & parsed.isna()]
    if len(odd):
        problem = f"holds {values[odd[0]]!r}, expected a number"
        raise InputError(f"{file}, row {odd[0]}, column {values.name}", problem, "Correct the cell, or leave it empty")
    return _OPERATORS[sign](parsed, float(limit)).astype(float).where(parsed.notna())


def _classes(values: pd.Series, file: str, *, most: int) -> list[str]:
    classes = sorted(values.dropna().unique())
    if not classes:
        raise InputError(f"TARGETS, {file}, column {values.name}", "is empty", "Name another column")
    if len(classes) > most:
        problem = f"has {len(classes)} different values, such as {classes[0]!r}"
        fix = f'Name one class or a bound, as TARGETS="{values.name}={classes[0]}" or "{values.name}>60"'
        raise InputError(f"TARGETS, {file}, column {values.name}", problem, fix)
    return classes
