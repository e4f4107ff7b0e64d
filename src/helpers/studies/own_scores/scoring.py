"""Scores of the user's two folders of masks, if they are given."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.datasets.shared.files import dropped_frame
from helpers.errors import InputError
from helpers.scores.folders import score_folders


def score_own(
    expert: str, predicted: str, *, score: str = "", better: str, truth: str = "", root: str | Path = ""
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

    Raises
    ------
    InputError
        One folder is named without the other or next to a truth, or `better` does not suit the score: "lower" for
        "hd95", "higher" for all others; see also `score_folders`.
    """
    if truth and expert:
        raise InputError("EXPERT", "TRUTH is named too, and masks have none", "Leave one of the two out")
    if truth and better != "higher":
        raise InputError("BETTER", f"must be higher with TRUTH, got {better!r}", "Set BETTER=higher, or leave it out")
    score = score or "dice"
    if truth or not (expert or predicted):
        return None, dropped_frame([])  # of whole numbers, so that a joined count under ten is suppressed
    for name, folder in (("EXPERT", expert), ("PREDICTED", predicted)):
        if not folder:
            fix = "Name both folders of masks" + (", or TRUTH if PREDICTED is a column" if not expert else "")
            raise InputError(name, "only the other folder is named", fix)
    wanted = "lower" if score == "hd95" else "higher"
    if better != wanted:
        raise InputError("BETTER", f"must be {wanted} for {score}, got {better!r}", f"Set BETTER={wanted}")
    scored, dropped = score_folders(Path(root, expert), Path(root, predicted))
    return scored, dropped[~dropped["reason"].str.startswith("both masks empty")]  # the loader leaves these out
