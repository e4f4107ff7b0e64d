"""Checks of the review: values of each table by pandera, then keys, days and references between tables."""

from __future__ import annotations

import pandas as pd

from helpers.datasets.review.layout import FORMS, READ_BY_US, TABLES, Table, is_day
from helpers.datasets.review.reading import file_of
from helpers.datasets.shared.files import refuse_first
from helpers.errors import InputError

Tables = dict[str, pd.DataFrame]


def checked(tables: Tables) -> Tables:
    """Check the tables of a review and return them.

    Parameters
    ----------
    tables : dict of str to DataFrame
        All tables of `layout.TABLES`, of text, with the numbers of their lines as index.

    Raises
    ------
    InputError
        A needed cell is empty, a value, a day or an id has not the form of its column, a key occurs twice or out of
        order, a reference points to nothing, days are in the wrong order, a licence has no day on which it was read, a
        verified artefact has no evidence of ours, a work cites itself, or artefacts supersede each other in a circle.
    """
    for name, rules in TABLES.items():
        _check_values(name, tables[name], rules)
        _check_keys(name, tables[name], rules)
    for name, rules in TABLES.items():
        for column, target in rules.refers.items():
            _check_reference(name, tables[name], column, tables[target][TABLES[target].key[0]], target)
        for first, second in rules.order:
            late = (tables[name][second] != "") & (tables[name][first] > tables[name][second])
            _refuse(late, tables[name], name, second, f"a day from {first} on", "Correct one of the two")
    _check_artifacts(tables)
    licence = tables["dataset"]
    unread = (licence["licence"] != "") & (licence["licence_checked"] == "")
    _refuse(unread, licence, "dataset", "licence_checked", "the day on which the licence was read", "Give the day")
    cites = tables["citation"]
    _refuse(cites["citing"] == cites["cited"], cites, "citation", "cited", "another work", "Leave the row out")
    return tables


def _refuse(bad: pd.Series, table: pd.DataFrame, name: str, column: str, expected: str, fix: str) -> None:
    if bad.any():
        refuse_first(bad, table[column].replace("", None), file_of(name), column, expected, fix)


def _check_values(name: str, table: pd.DataFrame, rules: Table) -> None:
    import pandera.pandas as pa  # takes a second to import

    from helpers.datasets.shared.schema import validate

    columns = {}
    for column in rules.columns:
        checks = [pa.Check(is_day, element_wise=True, error="a day such as 2026-11-30")] if column in rules.days else []
        if column in FORMS:
            pattern, example = FORMS[column]
            checks.append(pa.Check.str_matches(pattern, error=example))
        if column in rules.choices:
            choices = rules.choices[column]
            checks.append(pa.Check.isin(choices, error=f"one of {', '.join(choices)}"))
        needed = column in (*rules.key, *rules.needed, *rules.choices)
        columns[column] = pa.Column(checks=checks, nullable=not needed)
    frame = table.astype(object).where(table != "", None)
    validate(frame, file_of(name), pa.DataFrameSchema(columns, strict=True, ordered=True))


def _check_keys(name: str, table: pd.DataFrame, rules: Table) -> None:
    keys = list(table[list(rules.key)].itertuples(index=False, name=None))
    first: dict[tuple, int] = {}
    for row, key in zip(table.index, keys, strict=True):
        if (before := first.setdefault(key, row)) != row:
            where = f"{file_of(name)}, row {row}, column {', '.join(rules.key)}"
            raise InputError(where, f"{', '.join(key)!r} is also in row {before}", "Keep one row each")
    for row, before, key in zip(table.index[1:], keys, keys[1:], strict=False):
        if before > key:
            where = f"{file_of(name)}, row {row}, column {', '.join(rules.key)}"
            raise InputError(where, f"{', '.join(key)!r} follows {', '.join(before)!r}", "Sort the rows by the key")


def _check_reference(name: str, table: pd.DataFrame, column: str, known: pd.Series, target: str) -> None:
    lost = (table[column] != "") & ~table[column].isin(set(known))
    _refuse(lost, table, name, column, f"a key of {file_of(target)}", "Add that row, or correct the key")


def _check_artifacts(tables: Tables) -> None:
    found, works = tables["artifact"], tables["work"]["work_id"]
    of_data = found["subject_type"] == "dataset"
    _check_reference("artifact", found[of_data], "subject_id", tables["dataset"]["dataset_id"], "dataset")
    _check_reference("artifact", found[~of_data], "subject_id", works, "work")
    released = found["subject_id"].where(of_data, "").map(tables["dataset"].set_index("dataset_id")["released"])
    early = released.notna() & (found["reported_on"] < released)
    _refuse(early, found, "artifact", "reported_on", "a day after the release", "Correct one of the two")
    evidence = tables["evidence"]
    ours = set(evidence.loc[evidence["kind"].isin(READ_BY_US), "artifact_id"])
    bare = (found["status"] == "verified") & ~found["artifact_id"].isin(ours)
    fix = "Give the evidence, or write reported"
    _refuse(bare, found, "artifact", "status", f"a row in evidence.csv of kind {' or '.join(READ_BY_US)}", fix)
    _check_circle(found)


def _check_circle(found: pd.DataFrame) -> None:
    after = dict(zip(found["artifact_id"], found["supersedes"], strict=True))
    for row, start in zip(found.index, after, strict=True):
        step, seen = after[start], {start}
        while step and step not in seen:
            seen.add(step)
            step = after[step]
        if step:
            where = f"{file_of('artifact')}, row {row}, column supersedes"
            raise InputError(where, f"{start!r} leads back to {step!r}", "Let the newer supersede the older alone")
