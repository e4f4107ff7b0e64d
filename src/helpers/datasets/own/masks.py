"""Scores of masks, joined to the user's table: by name, and with pairs that have nothing to score."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.datasets.own.patients import check_repeats
from helpers.datasets.shared.files import Notes, patient_ids, plain_name
from helpers.datasets.shared.tables import column
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError, check_choice

# The scores that `scores.score_folders` computes; of distances the low end is good.
DISTANCES = ("hd95", "assd")
MORE = ("iou", "assd", "lesion_sensitivity", "lesion_precision", "lesion_f1")
MEASURED = ("dice", "hd95", "nsd", *MORE)
LEAVE_OUT, BEST, WORST = EMPTY = ("leave out", "1", "0")  # how a pair of two empty masks counts
NOTHING = "both masks are empty, so there is nothing to score"


def score_empty(scored: pd.DataFrame, score: str, empty: str) -> tuple[pd.DataFrame, list[str]]:
    """Score the pairs of two empty masks as `empty` asks, with a note; overlap and distance are then 0 by 0.

    nnU-Net and MONAI leave such pairs out, BraTS counts them as perfect.

    Parameters
    ----------
    scored : DataFrame
        Result of `scores.score_folders`, with a column ``status``.
    score : str
        The score that is audited.
    empty : {"leave out", "1", "0"}
        With "1" an overlap is 1 and a distance 0 mm; with "0" an overlap is 0 and a distance the diagonal of the image,
        which is the HD95 of `scored`.

    Returns
    -------
    scored : DataFrame
    notes : list of str
    """
    nothing = _both_empty(scored)
    if not nothing.any():
        return scored, []
    if empty == LEAVE_OUT:
        return scored, ["pairs of two empty masks are left out; EMPTY=1 counts them as perfect, EMPTY=0 as failed"]
    far = score in DISTANCES
    value = (0.0 if far else 1.0) if empty == BEST else (scored["hd95"] if far else 0.0)
    kind = "0 mm" if empty == BEST else "the diagonal of the image"
    n = int(nothing.sum())
    many = str(n) if n >= SMALLEST_CELL else f"fewer than {SMALLEST_CELL}"
    worth = "perfect" if empty == BEST else "failed"
    said = f"{many} pairs of two empty masks count as {worth}, with {score} {kind if far else empty}: EMPTY={empty}"
    return scored.assign(**{score: scored[score].mask(nothing, value)}), [said]


def _both_empty(scored: pd.DataFrame) -> pd.Series:
    return scored["status"] == "both empty" if "status" in scored else pd.Series(False, scored.index)


def join_masks(
    table: pd.DataFrame,
    scored: pd.DataFrame,
    *,
    score: str,
    case: str,
    by: str,
    empty: str,
    path: Path,
    counted: Notes,
) -> tuple[pd.DataFrame, list[str]]:
    """Join the scores of the masks to the table of groups, by case.

    Pairs without a score are left out and counted, by group where a group has ten: two empty masks, unless `empty`
    gives them a score, and pairs for which it is not defined, such as the share of lesions found where there is none.

    Parameters
    ----------
    table : DataFrame of str
        Table of the user.
    scored : DataFrame
        Result of `scores.score_folders`. Its ``attrs["notes"]`` are passed on.
    score, case : str
        The score, and the column of `table` with the masks' file names.
    by : str
        Column whose groups are counted.
    empty : str
        See `score_empty`.
    counted : list
        Rows and masks that are left out are added here, by reason.

    Returns
    -------
    table : DataFrame of str
        Rows with a score, in a new column.
    notes : list of str
    """
    check_choice("SCORE of masks", score, MEASURED)
    if not case:
        raise InputError("CASE", "no column is named", "Name the column that has the masks' file names")
    ids = patient_ids(column(table, case, where="CASE", file=path))
    check_repeats(ids, path)
    found = table.drop(columns=[n for n in MEASURED if n in table]).assign(**{case: ids})
    found = found.dropna(subset=[case])
    notes = list(scored.attrs.get("notes", []))
    scored, said = score_empty(scored.assign(patient_id=scored["patient_id"].map(plain_name)), score, empty)
    pairs = scored[["patient_id", score]]
    known = found.reset_index().merge(pairs, left_on=case, right_on="patient_id")
    if known.empty:
        problem = f"no name matches a scored pair of masks ({len(found)} names, {len(scored)} pairs)"
        fix = "Write the masks' file names into this column"
        here, there = (next(iter(names), "") for names in (found[case], scored["patient_id"]))
        shown = f"such as {there!r}; this column has {here!r}"
        raise InputError(f"CASE, {path.name}, column {case}", problem, f"{fix}, {shown}")
    counted.append((path.name, "no pair of masks of that name", len(found) - len(known)))
    counted.append(("masks", "no row of that name in the table", len(scored) - len(known)))
    known = known.set_index("index").drop(columns="patient_id")
    nothing = known[case].isin(scored.loc[_both_empty(scored), "patient_id"]) & (empty == LEAVE_OUT)
    undefined = known[score].isna() & ~nothing
    of = known[by].fillna("not recorded") if by in known else pd.Series("any group", known.index)
    for reason, rows in ((NOTHING, nothing), (f"{score} is not defined for this pair", undefined)):
        counts = of[rows].value_counts()
        large = counts[counts >= SMALLEST_CELL]
        counted += [("masks", f"{reason}: {group}", int(n)) for group, n in large.items()]
        few = f"{reason}: groups with fewer than {SMALLEST_CELL} such pairs"
        counted.append(("masks", few, int(counts.sum() - large.sum())))
    known = known[~nothing & ~undefined]
    if known.empty:
        problem = "both masks of every pair are empty" if nothing.all() else f"{score} is not defined for any pair"
        raise InputError("masks", problem, "Look at the files, and at the labels in them")
    return known.assign(**{score: known[score].map(repr).astype("str")})[[*found.columns, score]], [*notes, *said]
