"""Preparation of `make audit`, which runs the study of the user's scores."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from helpers import paths
from helpers.errors import InputError
from helpers.report.private import FILES

STUDY = "07_your_own_scores"


def settled(words: list[str]) -> tuple[list[str], Path]:
    """Return the words with absolute paths, since the run has another working directory, and a new folder for the run.

    Raises
    ------
    InputError
        No table of scores is named, so there is nothing to audit.
    """
    values = dict(word.partition("=")[::2] for word in words)
    if not values.get("SCORES"):
        fix = "Name a CSV and its columns: make audit SCORES=my.csv SCORE=dice GROUPS=sex,age_group"
        raise InputError("SCORES", "no table is named", fix)
    root = Path(values.get("DATA_ROOT", "")).expanduser().resolve()
    if values.get("DATA_ROOT"):
        values["DATA_ROOT"] = str(root)
    for name in FILES:
        column = name == "PREDICTED" and not values.get("EXPERT")
        if values.get(name) and not column:
            values[name] = str((root / Path(values[name]).expanduser()).resolve())
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    return [f"{name}={value}" for name, value in values.items()], paths.runs() / "audits" / STUDY / stamp
