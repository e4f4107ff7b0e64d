"""Loader of the user's cases: scores and groups from a CSV, or groups from a CSV and scores from two mask folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.datasets.own.asking import check_roles, limits, names_of
from helpers.datasets.own.attributes import check_sizes, parse_edges, parse_names, to_groups
from helpers.datasets.own.judgements import RIGHT, Asked, check_asked, judge_cases
from helpers.datasets.own.long_tables import LACKING, asked_model, audited, compared, paired, read_models, rows_of
from helpers.datasets.own.masks import EMPTY, LEAVE_OUT, join_masks
from helpers.datasets.own.patients import (
    by_patient,
    by_row,
    check_parts,
    check_patients,
    check_repeats,
    one_number,
    spellings,
    unnamed,
    varying,
)
from helpers.datasets.own.ranges import outside, without_codes
from helpers.datasets.own.summaries import without_summaries
from helpers.datasets.own.weighting import weighing, weights_of
from helpers.datasets.own.withholding import FEW, coarse, withhold
from helpers.datasets.shared.files import Notes, dropped_frame, plain_name
from helpers.datasets.shared.missing import numbers
from helpers.datasets.shared.tables import outcomes, read_table
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError, check_choice

ENDLESS = r"^([+-]?)(?:∞|1\.#INF\w*)$"  # other spellings of inf, the latter by Windows


class OwnScores(NamedTuple):
    """Cases that have a score, and the names of their columns.

    `cases` has one row for each case and no identifier. `groups` names the columns of attributes: they are categorical,
    and missing if nothing is recorded. `second` and `source` are empty if they were not given. `notes` lists in words
    all that was assumed or looks odd. `dropped` (table, reason, n) counts the cases that were left out. `withheld` has
    the size of each small group whose cases were left out because other groups give it away, by attribute.
    `source` is missing for the cases without one, and its name is empty if fewer than ten cases have one.

    `binary` is True if each row has a score of 0 or 1, so that a mean is a rate. With a truth, `rows` has one row for
    each prediction: ``truth, predicted`` (0 or 1), ``probability`` and ``second`` if there are any. `cases` then has
    the share of right predictions of each patient as score, and `patient` gives the position in `cases` of the patient
    of each row. Without a truth both are None.

    `varying` names attributes that vary within patients; `cases` then has rows, and `patient` the patient of each.

    `weights` has the design weight of each case, and `rows` one of each row, as ``weight``. Both are left out if there
    are none, or if all are equal.

    `models` has the scores of every model, in a table with several: one column a model, the audited one first, and one
    row for each case that has all of them; the index is its position in `cases`.
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
    models: pd.DataFrame | None = None
    weights: pd.Series | None = None
    varying: tuple[str, ...] = ()


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
    model: str = "",
    weight: str = "",
    classifier: Mapping[str, object] = MappingProxyType({}),
    root: str | Path = "",
    scored: pd.DataFrame | None = None,
    empty: str = LEAVE_OUT,
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
        scores; or rows stay the cases, and sizes count patients, if an attribute such as the view varies within one.
    model : str
        Column of the model, if the table has one row for each case and model: "model", or "model: unet" to audit that
        one in place of the first. `case` or `patient` joins the rows of a case.
    weight : str
        Column of design weights, positive and finite: one over the probability with which a row was drawn. A patient
        has the weighted mean of the scores of the rows, and the mean of their weights.
    classifier : mapping
        Columns and choices of a classifier, see `own.judgements.Asked`. With its ``truth``, `score` must be empty, and
        `second` names labels, or predictions of another model if ``second_is`` is "model".
    root : str or Path
        Folder to which a relative `file` refers. If empty, it is the working directory.
    scored : DataFrame, optional
        Result of `scores.score_folders`. Then `score` is one of its columns, and `case` is the column of the CSV with
        the masks' file names, with or without file ending and in upper or lower case.
    empty : {"leave out", "1", "0"}
        Score of a pair of two empty masks, see `own.masks.score_empty`.

    Raises
    ------
    InputError
        A column is absent or named twice, a score is not a number, a case occurs twice, no case has a mask; or an
        attribute has too many values, only one group, or fewer than two groups of ten cases. A row has no patient, or a
        patient two values of the source, or of an attribute next to ``model``. For a classifier see `own.judgements`.
    """
    if not str(file):
        fix = "Give a CSV with one row a case, as SCORES=my.csv; folders of masks may give the scores"
        raise InputError("SCORES", "no table is named", fix)
    score, second, source, case, patient, weight = map(plain_name, (score, second, source, case, patient, weight))
    plain = {name: plain_name(value) if isinstance(value, str) else value for name, value in classifier.items()}
    asked = Asked(**plain, second=second, weight=weight)
    check_asked(asked, score=score)
    check_choice("EMPTY", empty, EMPTY)
    score = score or ("" if asked.truth else "dice")
    path = Path(root, file)
    table, notes = read_table(path, "SCORES")
    columns = names_of(groups, table.columns)
    counted: Notes = []
    of_models = chosen = ""
    if model:
        others = {"TRUTH": bool(asked.truth), "EXPERT": scored is not None, "WEIGHT": bool(weight)}
        of_models, chosen = asked_model(model, table.columns, case=case, patient=patient, others=others)
    if scored is not None:
        by = columns[0] if columns else ""
        asked_of_masks = {"score": score, "case": case, "by": by, "empty": empty, "path": path, "counted": counted}
        table, said = join_masks(table, scored, **asked_of_masks)
        notes += said
    roles = {"SCORE": score, **asked.columns(), "SECOND": second, "SOURCE_COLUMN": source, "CASE": case}
    roles |= {"PATIENT": patient, "MODEL": of_models, "WEIGHT": weight}
    check_roles({role: name for role, name in roles.items() if name}, columns, table, path)
    named = [name for name in (case, patient) if name]
    if named:
        table, said = without_summaries(table, named, columns, score, path.name, counted)
        notes += said
    of = None
    if model:
        of, said = read_models(table[of_models], chosen, path, counted)
        table, notes = table.loc[of.index], notes + said
    if case:
        ids, said = one_number(table[case])
        table = table.assign(**{case: ids})
        check_repeats(ids, path, of=of)
        notes += said
        notes += [*unnamed(ids), *spellings(ids)]
    owner = pd.Series(range(len(table)), table.index)
    if patient:
        owner, said = check_patients(table[patient], path)
        notes += said
    if patient and asked.split:
        check_parts(table[asked.split], owner, path)
    frame, judged, said = _scores(table, score, asked, limits(span), path, counted)
    score, scores = score or RIGHT, [score or RIGHT, *([second] if second else [])]
    notes += said
    grouped, said = _groups(table.loc[frame.index], columns, source, path, bins=bins, names=names)
    notes += said
    frame, attributes, found = frame.join(grouped), list(grouped), None
    if of is not None:
        rows = rows_of(of, table[case] if case else None, owner if patient else None)
        found = paired(frame[score], rows, counted, path)
        frame = audited(frame, rows, attributes, path)
    frame, said = _scored(frame, scores, columns, counted, path.name)
    owner, cases = owner[frame.index], frame
    weights = weights_of(table.loc[frame.index, weight], path) if weight else None
    several = varying(frame, owner, columns) if patient and not model else {}
    if several:
        cases, more = by_row(frame, owner, groups=columns, several=several, path=path, source=source)
        said, source = [*said, *more], ""
    elif patient:
        cases, more = by_patient(frame, owner, scores=scores, groups=attributes, path=path, weights=weights)
        said = [*said, *more]
    who, units = (owner, None) if several else (None, owner if patient else None)
    for name in columns:
        check_sizes(cases[name], who)
    ids = pd.Series(cases.index if patient or found is None else rows.unit[cases.index], cases.index)
    parts = found.parts(ids) if found else {}
    if source:
        parts[f"no {source}, {FEW}"] = cases[source].notna()
    withheld = withhold(cases, columns, parts, who)
    counted += [(path.name, why, int(n)) for why, n in withheld.reason[~withheld.kept].value_counts().items()]
    if not withheld.kept.all():
        known = withheld.kept if units is None else units.map(withheld.kept)
        frame, owner, cases = frame[known], owner[known], cases[withheld.kept]
        cases = cases.assign(**{name: cases[name].cat.remove_unused_categories() for name in columns})
        for name in columns:
            check_sizes(cases[name], who)
    late = [f"{name}: {_left_out(of)}" for name, of in withheld.groups.items()]
    if source:
        part = withheld.parts[f"no {source}, {FEW}"][cases.index]
        cases[source] = cases[source].where(part).cat.remove_unused_categories()
        source, more = _of_source(source, part, withheld.reason, path, counted)
        late += more
    models = None
    if found is not None:
        part = withheld.parts[LACKING][cases.index]
        models, more = compared(ids[cases.index], part, found, path, counted)
        said = [*more, *said]
    left_out = dropped_frame(counted)
    exact = withheld.kept.all() and (left_out["n"] >= SMALLEST_CELL).all()
    notes = [*coarse([*notes, *said], exact=exact), *late]
    binary = bool(frame[score].isin((0, 1)).all()) and (judged is not None or frame[score].nunique() > 1)
    found = OwnScores(cases.reset_index(drop=True), score, columns, second, source, left_out, notes, binary)
    numbered = pd.factorize(owner, sort=True)[0]
    late = {"varying": tuple(several), "patient": numbered if several else None}
    found = found._replace(withheld=withheld.groups, models=models, **late)
    if weight:
        weights, said = weighing(weights[frame.index])
        found.notes.append(said)
    if weights is not None:
        of_cases = weights if units is None else weights.groupby(units).mean()
        found = found._replace(weights=of_cases[cases.index].reset_index(drop=True))
    if judged is None:
        return found
    rows = judged.loc[frame.index].assign(**({} if weights is None else {"weight": weights})).reset_index(drop=True)
    return found._replace(rows=rows, patient=numbered)


def _scores(
    table: pd.DataFrame, score: str, asked: Asked, limits: tuple[float, float], path: Path, counted: Notes
) -> tuple[pd.DataFrame, pd.DataFrame | None, list[str]]:
    """Read the scores, or judge predictions by the truth; the second result has these, and is None without a truth."""
    if not asked.truth:
        frame, notes = pd.DataFrame(index=table.index), []
        for name in filter(None, (score, asked.second)):
            cells = table[name].str.replace(ENDLESS, r"\1inf", regex=True)
            frame[name], said = numbers(outcomes(cells), path)
            frame[name], coded = without_codes(frame[name], limits)
            notes += said + coded + outside(frame[name], limits)
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


def _of_source(source: str, part: pd.Series, reason: pd.Series, path: Path, counted: Notes) -> tuple[str, list[str]]:
    """Return the name of the source, empty if too few cases have one, and notes on the cases without one."""
    if part.sum() < SMALLEST_CELL:
        return "", [f"{source}: too few cases have a source, so nothing is given the source"]
    notes, lost = [], int((reason == f"no {source}, {FEW}").sum())
    if n := int((~part).sum()):
        counted.append((path.name, f"no {source}: only the parts on the source leave these cases out", n))
        notes.append(f"{source}: {n} cases have no source; only the parts on the source leave them out")
    if lost:
        many, why = str(lost) if lost >= SMALLEST_CELL else f"fewer than {SMALLEST_CELL}", FEW.removeprefix("and ")
        notes.append(f"{source}: {many} cases without a source are left out of every table, because {why}")
    return source, notes


def _left_out(groups: Mapping[str, int]) -> str:
    few = f"of {' and '.join(map(repr, groups))} there are fewer than {SMALLEST_CELL} cases"
    return f"{few}; they are left out of every table, because sums of other groups would give them away"


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
