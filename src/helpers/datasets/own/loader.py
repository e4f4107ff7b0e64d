"""Loader of the user's cases: scores and groups from a CSV, or groups from a CSV and scores from two mask folders."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.datasets.shared.files import Notes, at, dropped_frame, patient_ids
from helpers.datasets.shared.tables import NO_NUMBER, column, numbers, read_table
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError, check_choice

MOST_NUMBERS, MOST_NAMES = 10, 30
MEASURED = ("dice", "hd95", "nsd")  # the scores that `scores.score_folders` computes


class OwnScores(NamedTuple):
    """Cases that have a score, and the names of their columns.

    `cases` has one row for each case and no identifier. `groups` names the columns of attributes: they are categorical,
    and missing if nothing is recorded. `second` and `source` are empty if they were not given. `notes` lists in words
    all that was assumed or looks odd. `dropped` (table, reason, n) counts the cases that were left out.
    """

    cases: pd.DataFrame
    score: str
    groups: list[str]
    second: str
    source: str
    dropped: pd.DataFrame
    notes: list[str]


def load_own_scores(
    file: str | Path,
    *,
    score: str,
    groups: str | Sequence[str],
    second: str = "",
    source: str = "",
    case: str = "",
    bins: str = "",
    span: str = "",
    root: str | Path = "",
    scored: pd.DataFrame | None = None,
) -> OwnScores:
    """Load a CSV with one row for each case.

    Parameters
    ----------
    file : str or Path
        File in CSV, .xlsx, .parquet or .feather; `shared.tables.read_table` documents the encodings and separators.
    score, second, source, case : str
        Names of columns: the score; a second score of the same cases; the source of a case (such as the hospital), a
        possible confounder; and its identifier, which is checked for repeats and then left out. All but the first may
        be empty.
    groups : str or sequence of str
        Columns of the attributes that define the groups to compare, as a sequence of names or as "sex, age".
    bins : str
        Edges that divide a column of numbers into groups: "age: 40, 60; bmi: 25". A value equal to an edge is in the
        lower group.
    span : str
        Lowest and highest value that scores should have, as "0, 1". Values outside are kept and counted in `notes`.
    root : str or Path
        Folder to which a relative `file` refers. If empty, it is the working directory.
    scored : DataFrame, optional
        Result of `scores.score_folders`. Then `score` is one of its columns, and `case` is the column of the CSV with
        the masks' file names, with or without file ending and in upper or lower case.

    Raises
    ------
    InputError
        A column is absent or named twice, a score is not a number, a case occurs twice, no case has a mask; or an
        attribute has too many values, only one group, or fewer than two groups of ten cases.
    """
    if not str(file):
        fix = "Give a CSV with one row a case, as SCORES=my.csv; folders of masks may give the scores"
        raise InputError("SCORES", "no table is named", fix)
    path = Path(root, file)
    table, notes = read_table(path, "SCORES")
    names = _names(groups)
    counted: Notes = []
    if scored is not None:
        table = _joined(table, scored, score, case, path, counted)
    roles = {"SCORE": score, "SECOND": second, "SOURCE_COLUMN": source, "CASE": case}
    _check_roles({role: name for role, name in roles.items() if name}, names, table, path)
    if case:
        _check_repeats(table[case], path)
    frame, limits = pd.DataFrame(index=table.index), _limits(span)
    for name in filter(None, (score, second)):
        frame[name], said = numbers(table[name], path)
        notes += said + _outside(frame[name], limits)
    edges = _edges(bins, names)
    for name in filter(None, (*names, source)):
        frame[name], said = _attribute(table[name], edges.get(name), path)
        notes += said
    frame, said = _scored(frame, [s for s in (score, second) if s], names, counted, path.name)
    if source:
        frame[source] = frame[source].astype(object).where(frame[source].notna(), "not recorded").astype("category")
    for name in names:
        _check_groups(frame[name])
    notes += said
    return OwnScores(frame.reset_index(drop=True), score, names, second, source, dropped_frame(counted), notes)


def _names(groups: str | Sequence[str]) -> list[str]:
    parts = groups.split(",") if isinstance(groups, str) else groups
    return [" ".join(part.split()) for part in parts if part.strip()]


def _check_roles(roles: dict[str, str], names: list[str], table: pd.DataFrame, path: Path) -> None:
    if not names:
        fix = f"Name columns as GROUPS=sex,age_group; the file has {', '.join(table.columns[:12])}"
        raise InputError("GROUPS", "no column of groups is named", fix)
    taken: dict[str, str] = {}
    for role, name in [*roles.items(), *(("GROUPS", name) for name in names)]:
        column(table, name, where=role, file=path)
        if name in taken:
            raise InputError(role, f"column {name!r} is also named by {taken[name]}", "Use each column once")
        taken[name] = role


def _check_repeats(ids: pd.Series, path: Path) -> None:
    known = ids.dropna()
    if repeated := known.index[known.duplicated().to_numpy()].tolist():
        first = known.index[(known == known[repeated[0]]).to_numpy()][0]
        more = f"; {len(repeated)} rows repeat an earlier one" if len(repeated) > 1 else ""
        problem = f"this case is also in row {first}{more}"
        raise InputError(at(path, repeated[0], str(ids.name)), problem, "Keep one row a case, or leave CASE empty")


def _joined(
    table: pd.DataFrame, scored: pd.DataFrame, score: str, case: str, path: Path, counted: Notes
) -> pd.DataFrame:
    """Join the scores of the masks to the table of groups, by case."""
    check_choice("SCORE of masks", score, MEASURED)
    if not case:
        raise InputError("CASE", "no column is named", "Name the column that has the masks' file names")
    ids = patient_ids(column(table, case, where="CASE", file=path))
    _check_repeats(ids, path)
    found = table.drop(columns=[n for n in MEASURED if n in table]).assign(**{case: ids})
    found = found.dropna(subset=[case])
    merged = found.reset_index().merge(scored[["patient_id", score]], left_on=case, right_on="patient_id")
    if merged.empty:
        problem = f"no name matches a scored pair of masks ({len(found)} names, {len(scored)} pairs)"
        raise InputError(f"CASE, {path.name}, column {case}", problem, "Write the masks' file names into this column")
    counted.append((path.name, "no pair of masks of that name", len(found) - len(merged)))
    counted.append(("masks", "no row of that name in the table", len(scored) - len(merged)))
    merged = merged.set_index("index").drop(columns="patient_id")
    return merged.assign(**{score: merged[score].map(repr, na_action="ignore").astype("str")})


def _limits(span: str) -> tuple[float, float]:
    if not span.strip():
        return -np.inf, np.inf
    try:
        low, high = map(float, span.split(","))
    except ValueError:
        low = high = np.nan
    if not low < high:
        raise InputError("SPAN", f"{span!r} is not understood", 'Write the lowest and the highest score, as "0, 1"')
    return low, high


def _outside(values: pd.Series, limits: tuple[float, float]) -> list[str]:
    low, high = limits
    n = int((values.lt(low) | values.gt(high)).sum())
    said = (
        f"{values.name}: {n} value(s) outside {low:g} to {high:g} are kept; look at them, or set SPAN to what is right"
    )
    return [said] if n else []


def _edges(bins: str, names: list[str]) -> dict[str, list[float]]:
    """Parse a text such as "age: 40, 60; bmi: 25" into a mapping from column to edges."""
    found = {}
    for part in filter(str.strip, bins.split(";")):
        name, colon, text = part.partition(":")
        name = " ".join(name.split())
        try:
            edges = [float(edge) for edge in text.split(",")]
        except ValueError:
            colon = ""
        if not colon or not np.isfinite(edges).all() or sorted(set(edges)) != edges:
            raise InputError("BINS", f"{part.strip()!r} is not understood", 'Write "age: 40, 60", edges rising')
        check_choice("BINS", name, names)
        found[name] = edges
    return found


def _attribute(values: pd.Series, edges: list[float] | None, path: Path) -> tuple[pd.Series, list[str]]:
    """Convert a column to categories, with notes about what looks odd in it."""
    name, known = str(values.name), values.dropna()
    if edges is not None:
        parsed, notes = numbers(values, path)
        between = [f"over {low:g} to {high:g}" for low, high in itertools.pairwise(edges)]
        labels = [f"up to {edges[0]:g}", *between, f"over {edges[-1]:g}"]
        cut = pd.cut(parsed, [-np.inf, *edges, np.inf], labels=labels)
        return cut.rename(name), notes
    n = known.nunique()
    words = known.isin(NO_NUMBER)
    parsed = pd.to_numeric(known[~words].str.replace(",", ".", regex=False), errors="coerce")
    numeric = len(parsed) > 0 and parsed.notna().all()
    if n > (MOST_NUMBERS if numeric else MOST_NAMES):
        fix = f'Cut it by edges, as BINS="{name}: 40, 60"' if numeric else "Name a column of groups, not of texts"
        raise InputError(f"{path.name}, column {name}", f"{n} different {'numbers' if numeric else 'values'}", fix)
    taken = [
        f"{name}: {word!r} is a group of {count} case(s); where it means not recorded, leave the cells empty"
        for word, count in known[words].value_counts().items()
    ]
    return values.astype("category").rename(name), taken + _alike(known, name)


def _alike(known: pd.Series, name: str) -> list[str]:
    """Report groups with names that differ only by case, blanks or punctuation; they stay separate groups."""
    spelled: dict[str, list[str]] = {}
    for label in known.unique():
        spelled.setdefault("".join(c for c in label.casefold() if c.isalnum()) or label, []).append(label)
    return [
        f"{name}: {' and '.join(map(repr, same))} differ only by case, blanks or hyphens, and are kept apart"
        for same in spelled.values()
        if len(same) > 1
    ]


def _scored(
    frame: pd.DataFrame, scores: list[str], names: list[str], counted: Notes, table: str
) -> tuple[pd.DataFrame, list[str]]:
    """Keep the cases that have every score, with a note about each group that loses all its cases."""
    has = frame[scores].notna().all(axis=1)
    for score in scores:
        counted.append((table, f"no {score}", int(frame[score].isna().sum())))
    kept, notes = frame[has].copy(), []
    if kept.empty:
        raise InputError(f"{table}, column {scores[0]}", "no case has a score", "Fill in the scores")
    if len(kept) == 1:
        raise InputError(table, "one case has a score", "An audit compares groups of ten cases or more")
    for name in names:
        counts = kept[name].value_counts()
        lost = [
            str(group) for group in frame[name].cat.categories if not counts[group] and (frame[name] == group).any()
        ]
        notes += [f"{name}: no case of {group!r} has a score, so nothing can be said about it" for group in lost]
        kept[name] = kept[name].cat.remove_unused_categories()
    return kept, notes


def _check_groups(groups: pd.Series) -> None:
    counts, where = groups.value_counts(), f"column {groups.name}"
    fix = "Leave it out of GROUPS, or name another column"
    if len(counts) == 0:
        raise InputError(where, "it is empty for all cases with a score", fix)
    if len(counts) == 1:
        raise InputError(where, f"all cases are {counts.index[0]!r}", fix)
    if (counts >= SMALLEST_CELL).sum() < 2:
        raise InputError(
            where, f"fewer than two of its {len(counts)} groups have {SMALLEST_CELL} cases with a score", fix
        )
