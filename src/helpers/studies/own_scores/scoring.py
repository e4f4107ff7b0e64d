"""Scores of the reader's own two folders of masks, where they are given."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.errors import InputError
from helpers.scores.folders import score_folders


def score_own(
    expert: str, predicted: str, *, score: str, better: str, root: str | Path = ""
) -> tuple[pd.DataFrame | None, pd.DataFrame]:
    """As `score_folders` for folders that may both be left out: then there is no frame, and nothing is dropped.

    Parameters
    ----------
    expert, predicted : str
        Folders of masks; relative ones lie in `root`.
    score, better : str
        The score that will be audited, and which of its ends is better: checked before hours of work.

    Raises
    ------
    InputError
        One folder is named without the other, or a distance is said to be better when higher; as `score_folders`.
    """
    if not expert and not predicted:
        return None, pd.DataFrame(columns=["table", "reason", "n"])
    for name, folder in (("EXPERT", expert), ("PREDICTED", predicted)):
        if not folder:
            raise InputError(name, "this folder is not named, the other is", "Name both folders of masks")
    wanted = "lower" if score == "hd95" else "higher"
    if better != wanted:
        raise InputError("BETTER", f"{better!r} does not suit {score}", f"Say BETTER={wanted}")
    return score_folders(Path(root, expert), Path(root, predicted))
