"""Loader of the user's cases: scores and groups from a CSV, or groups from a CSV and scores from two mask folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.datasets.own.attributes import check_sizes, parse_edges, parse_names, to_groups
from helpers.datasets.own.judgements import RIGHT, Asked, check_asked, judge_cases
from helpers.datasets.own.patients import by_patient, check_parts, check_patients
from helpers.datasets.own.withholding import withhold
from helpers.datasets.shared.cells import numbers, summary_rows
from helpers.datasets.shared.files import Notes, at, dropped_frame, patient_ids, plain_name
from helpers.datasets.shared.tables import column, outcomes, read_table
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError, check_choice

GIVEN_AWAY = "in a small group, whose size and mean the other groups would give away"
MEASURED = ("dice", "hd95", "nsd")  # the scores that `scores.score_folders` computes


class OwnScores(NamedTuple):
    """Cases that have a score, and the names of their columns.

    `cases` has one row for each case and no identifier. `groups` names the columns of attributes: they are categorical,
    and missing if nothing is recorded. `second` and `source` are empty if they were not given. `notes` lists in words
    all that was assumed or looks odd. `dropped` (table, reason, n) counts the cases that were left out. `withheld` has
    the size of each small group whose cases were left out because other groups give it away, by attribute.

    `binary` is True if each row has a score of 0 or 1, so that a mean is a rate. With a truth, `rows` has one row for
    each prediction: ``truth, predicted`` (0 or 1), ``probability`` and ``second`` if there are any. `cases` then has
    the share of right predictions of each patient as score, and `patient` gives the position in `cases` of the patient
    of each row. Without a truth both are None.
    """

    cases: pd.DataFrame
    score: str
    groups: list[str]
    second: str
    source: str
    dropped: pd.DataFrame
    notes: list[str]
    binary: bool = False
    rows: pd.DataFrame | None = None
    patient: np.ndarray | None = None
    withheld: Mapping[str, Mapping[str, int]] = MappingProxyType({})


def load_own_scores(
    file: str | Path,
    *,
    score: str = "",
    groups: str | Sequence[str],
    second: str = "",
    source: str = "",
    case: str = "",
    bins: str = "",
    names: str = "",
    span: str = "",
    patient: str = "",
    classifier: Mapping[str, object] = MappingProxyType({}),
    root: str | Path = "",
    scored: pd.DataFrame | None = None,
) -> OwnScores:
    """Load a CSV with one row for each case.

    Parameters
    ----------
    file : str or Path
        File in CSV, .xlsx, .parquet or .feather; `shared.tables.read_table` documents the encodings and separators.
    score, second, source, case : str
        Names of columns: the score (``dice`` if empty); a second score of the same cases; the source of a case (such as
        the hospital), a possible confounder; and its identifier, which is checked for repeats and then left out.
    groups : str or sequence of str
        Columns of the attributes that define the groups to compare, as a sequence of names or as "sex, age".
    bins : str
        Edges that divide a column of numbers into groups: "age: 40, 60; bmi: 25". A value equal to an edge is in the
        lower group.
    names : str
        Names of codes: "sex: 1=female, 2=male; skin: 1=I, 2=II". A code with a name is a group, also if it looks like
        "not recorded", as in "race: Unknown=unknown".
    span : str
        Lowest and highest value that scores should have, as "0, 1". Values outside are kept and counted in `notes`.
    patient : str
        Column of the patient, if a patient may have several rows. Each patient is then one case, with the mean of the
        scores.
    classifier : mapping
        Columns and choices of a classifier, see `own.judgements.Asked`. With its ``truth``, `score` must be empty, and
        `second` names labels, or predictions of another model if ``second_is`` is "model".
    root : str or Path
        Folder to which a relative `file` refers. If empty, it is the working directory.
    scored : DataFrame, optional
        Result of `scores.score_folders`. Then `score` is one of its columns, and `case` is the column of the CSV with
        the masks' file names, with or without file ending and in upper or lower case.

    Raises
    ------
    InputError
        A column is absent or named twice, a score is not a number, a case occurs twice, no case has a mask; or an
        attribute has too many values, only one group, or fewer than two groups of ten cases. A row has no patient, or a
        patient two values of an attribute. For a classifier see `own.judgements`.
    """
    if not str(file):
        fix = "Give a CSV with one row a case, as SCORES=my.csv; folders of masks may give the scores"
        raise InputError("SCORES", "no table is named", fix)
    asked = Asked(**classifier, second=second)
    check_asked(asked, score=score)
    score = score or ("" if asked.truth else "dice")
    path = Path(root, file)
    table, notes = read_table(path, "SCORES")
    columns = _names(groups)
    counted: Notes = []
    if scored is not None:
        table = _joined(table, scored, score, case, path, counted, by=columns[:1])
    roles = {"SCORE": score, **asked.columns(), "SECOND": second, "SOURCE_COLUMN": source, "CASE": case}
    roles["PATIENT"] = patient
    _check_roles({role: name for role, name in roles.items() if name}, columns, table, path)
    if case:
        summary = summary_rows(table[case], table[columns])
        counted.append((path.name, "summary row, not a case", int(summary.sum())))
        table = table[~summary]
        _check_repeats(table[case], path)
    owner = check_patients(table[patient], path) if patient else pd.Series(range(len(table)), table.index)
    if patient and asked.split:
        check_parts(table[asked.split], owner, path)
    frame, judged, said = _scores(table, score, asked, _limits(span), path, counted)
    score, scores = score or RIGHT, [score or RIGHT, *([second] if second else [])]
    notes += said
    grouped, said = _groups(table.loc[frame.index], columns, source, path, bins=bins, names=names)
    notes += said
    frame, said = _scored(frame.join(grouped), scores, columns, counted, path.name)
    owner, cases = owner[frame.index], frame
    if patient:
        attributes = [*columns, *([source] if source else [])]
        cases, more = by_patient(frame, owner, scores=scores, groups=attributes, path=path)
        said = [*said, *more]
    if source:
        cases[source] = cases[source].astype(object).where(cases[source].notna(), "not recorded").astype("category")
    for name in columns:
        check_sizes(cases[name])
    kept, withheld = withhold(cases, columns)
    if withheld:
        counted.append((path.name, GIVEN_AWAY, int((~kept).sum())))
        known = owner.map(kept) if patient else kept
        frame, owner, cases = frame[known], owner[known], cases[kept].copy()
        for name in columns:
            cases[name] = cases[name].cat.remove_unused_categories()
            check_sizes(cases[name])
        said = [*said, *(f"{name}: {_left_out(of)}" for name, of in withheld.items())]
    left_out, notes = dropped_frame(counted), [*notes, *said]
    binary = bool(frame[score].isin((0, 1)).all())
    found = OwnScores(cases.reset_index(drop=True), score, columns, second, source, left_out, notes, binary)
    found = found._replace(withheld=withheld)
    if judged is None:
        return found
    rows = judged.loc[frame.index].reset_index(drop=True)
    return found._replace(rows=rows, patient=pd.factorize(owner, sort=True)[0])


def _scores(
    table: pd.DataFrame, score: str, asked: Asked, limits: tuple[float, float], path: Path, counted: Notes
) -> tuple[pd.DataFrame, pd.DataFrame | None, list[str]]:
    """Read the scores, or judge predictions by the truth; the second result has these, and is None without a truth."""
    if not asked.truth:
        frame, notes = pd.DataFrame(index=table.index), []
        for name in filter(None, (score, asked.second)):
            frame[name], said = numbers(outcomes(table[name]), path)
            notes += said + _outside(frame[name], limits)
        return frame, None, notes
    judged, notes = judge_cases(table, asked, path, counted)
    frame = judged[[RIGHT]].copy()
    if asked.second:
        against = "truth" if asked.second_is == "model" else "predicted"
        frame[asked.second] = (judged["second"] == judged[against]).astype(float)
    return frame, judged.drop(columns=RIGHT), notes


def _groups(
    table: pd.DataFrame, columns: list[str], source: str, path: Path, *, bins: str, names: str
) -> tuple[pd.DataFrame, list[str]]:
    """Convert the columns of groups and of the source to categories, with notes."""
    read = [*columns, *([source] if source else [])]
    edges = parse_edges(bins, columns)
    named = parse_names(names, read, edges)
    frame, notes = pd.DataFrame(index=table.index), []
    for name in read:
        asked = {"edges": edges.get(name), "named": named.get(name), "source": name == source}
        frame[name], said = to_groups(table[name], path, **asked)
        notes += said
    return frame, notes


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
        fix = "Keep one row a case; if a patient has several, name the column as PATIENT, not CASE"
        raise InputError(at(path, repeated[0], str(ids.name)), problem, fix)


def _joined(
    table: pd.DataFrame, scored: pd.DataFrame, score: str, case: str, path: Path, counted: Notes, *, by: list[str]
) -> pd.DataFrame:
    """Join the scores of the masks to the table of groups, by case.

    Pairs of masks that are both empty are left out and counted by the groups of the first column in `by`: with nothing
    to find and nothing found, overlap and distance are 0 by 0, and neither 0 nor 1 is right.
    """
    check_choice("SCORE of masks", score, MEASURED)
    if not case:
        raise InputError("CASE", "no column is named", "Name the column that has the masks' file names")
    ids = patient_ids(column(table, case, where="CASE", file=path))
    _check_repeats(ids, path)
    found = table.drop(columns=[n for n in MEASURED if n in table]).assign(**{case: ids})
    found = found.dropna(subset=[case])
    scored = scored.assign(patient_id=scored["patient_id"].map(plain_name))
    if "status" in scored and (scored["status"] == "both empty").any():
        names = scored.loc[scored["status"] == "both empty", "patient_id"]
        nothing = found[case].isin(names)
        of = found.loc[nothing, by[0]].fillna("not recorded") if by and by[0] in found else pd.Series(dtype="str")
        for group, n in of.value_counts().items():
            counted.append(("masks", f"both masks are empty, so there is nothing to score: {group}", int(n)))
        found, scored = found[~nothing], scored[~scored["patient_id"].isin(names)]
        if scored.empty:
            raise InputError(
                "masks", "both masks of every pair are empty", "Look at the files, and at the labels in them"
            )
    merged = found.reset_index().merge(scored[["patient_id", score]], left_on=case, right_on="patient_id")
    if merged.empty:
        problem = f"no name matches a scored pair of masks ({len(found)} names, {len(scored)} pairs)"
        fix = "Write the masks' file names into this column"
        here, there = (next(iter(names), "") for names in (found[case], scored["patient_id"]))
        shown = f"such as {there!r}; this column has {here!r}"
        raise InputError(f"CASE, {path.name}, column {case}", problem, f"{fix}, {shown}")
    counted.append((path.name, "no pair of masks of that name", len(found) - len(merged)))
    counted.append(("masks", "no row of that name in the table", len(scored) - len(merged)))
    merged = merged.set_index("index").drop(columns="patient_id")
    return merged.assign(**{score: merged[score].map(repr, na_action="ignore").astype("str")})


def _left_out(groups: Mapping[str, int]) -> str:
    few = f"of {' and '.join(map(repr, groups))} there are fewer than {SMALLEST_CELL} cases"
    return f"{few}; they are left out of every table, because sums of other groups would give them away"


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
