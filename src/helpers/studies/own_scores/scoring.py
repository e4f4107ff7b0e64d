"""Scores of the user's two folders of masks, if they are given."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.datasets.own.masks import DISTANCES, MEASURED, MORE
from helpers.datasets.shared.files import dropped_frame
from helpers.errors import InputError, check_choice


def score_own(
    expert: str,
    predicted: str,
    *,
    score: str = "",
    better: str,
    truth: str = "",
    root: str | Path = "",
    value: str = "",
) -> tuple[pd.DataFrame | None, pd.DataFrame]:
    """Score the user's expert and predicted masks by `score_folders`, if both folders are given.

    If neither is given, or if `predicted` is a column of predictions, which goes with a truth, there is no frame, and
    no case is dropped.

    Parameters
    ----------
    expert, predicted : str
        Folders of masks; relative paths start at `root`. With a truth `predicted` is a column.
    score, better : str
        The score that will be audited (dice if empty), and its better end ("lower" or "higher"). Both are checked
        before hours of work.
    truth : str
        Column of the truth of a classifier, or empty.
    value : str
        Label of the structure to score, in masks that hold several, or labels together, as "1,4"; empty for masks of
        one structure.

    Raises
    ------
    InputError
        One folder is named without the other or next to a truth, `value` is given without folders or is "each", or
        `better` does not suit the score: "lower" for distances, "higher" for all others; see also `score_folders`.
    """
    if truth and expert:
        raise InputError("EXPERT", "TRUTH is named too, and masks have none", "Leave one of the two out")
    if truth and better != "higher":
        raise InputError("BETTER", f"must be higher with TRUTH, got {better!r}", "Set BETTER=higher, or leave it out")
    score = score or "dice"
    if truth or not (expert or predicted):
        if value:
            raise InputError(
                "MASK_VALUE", "no folders of masks are named", "Name EXPERT and PREDICTED, or leave it out"
            )
        return None, dropped_frame([])  # of whole numbers, so that a joined count under ten is suppressed
    for name, folder in (("EXPERT", expert), ("PREDICTED", predicted)):
        if not folder:
            fix = "Name both folders of masks" + (", or TRUTH if PREDICTED is a column" if not expert else "")
            raise InputError(name, "only the other folder is named", fix)
    check_choice("SCORE of masks", score, MEASURED)
    if value.strip() == "each":
        raise InputError("MASK_VALUE", "'each' gives a case several scores", "Name one label, or audit each by itself")
    wanted = "lower" if score in DISTANCES else "higher"
    if better != wanted:
        raise InputError("BETTER", f"must be {wanted} for {score}, got {better!r}", f"Set BETTER={wanted}")
    from helpers.scores.folders import score_folders  # imports readers of images, which a table does not need

    options = ({"value": value} if value else {}) | ({"more": True} if score in MORE else {})
    scored, dropped = score_folders(Path(root, expert), Path(root, predicted), **options)
    scored.attrs["notes"] = [*scored.attrs.get("notes", []), *_assumed(scored, score)]
    return scored, dropped[~dropped["reason"].str.contains("masks? empty: kept")]  # notes and the loader have these


def _assumed(scored: pd.DataFrame, score: str) -> list[str]:
    """List in words the score of a pair with one empty mask, and the lesions that count as found."""
    notes = []
    for status, side in {"missed": "predicted", "spurious": "expert"}.items():
        pairs = scored[scored["status"] == status]
        if len(pairs) and pairs[score].notna().all():  # the loader counts the others as not defined
            worth = "the diagonal of the image" if score in DISTANCES else "0"
            notes.append(f"only the {side} mask is empty: kept, with {score} {worth} ({len(pairs)} cases)")
    if score.startswith("lesion"):
        rule = "voxels that touch by a face, an edge or a corner, and it is found by a lesion of the other mask"
        notes.append(f"{score}: a lesion is all {rule} with an IoU of at least 0.5, one to one")
    return notes
