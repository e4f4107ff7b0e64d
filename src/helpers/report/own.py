"""What `make audit` asks of the study of one's own scores, and what its tables keep to themselves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pandas as pd

from helpers import audit, paths
from helpers.errors import InputError
from helpers.report.private import FILES
from helpers.report.recording import SMALLEST_CELL

STUDY = "07_your_own_scores"


def settled(words: list[str]) -> tuple[list[str], Path]:
    """The words with whole paths, since the run has another working directory; and a new folder for the run.

    Raises
    ------
    InputError
        No table is named: there is nothing to audit.
    """
    values = dict(word.partition("=")[::2] for word in words)
    if not values.get("SCORES"):
        fix = "Name a CSV and its columns: make audit SCORES=my.csv SCORE=dice GROUPS=sex,age_group"
        raise InputError("SCORES", "no table is named", fix)
    root = Path(values.get("DATA_ROOT", "")).expanduser().resolve()
    if values.get("DATA_ROOT"):
        values["DATA_ROOT"] = str(root)
    for name in FILES:
        if values.get(name):
            values[name] = str((root / Path(values[name]).expanduser()).resolve())
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    return [f"{name}={value}" for name, value in values.items()], paths.runs() / "audits" / STUDY / stamp


def beside_small(sizes: Mapping[str, pd.DataFrame]) -> list[tuple[str, str]]:
    """Rows "not recorded" to be hidden: with them a single suppressed group would come back by subtraction.

    Parameters
    ----------
    sizes : mapping of str to DataFrame
        From `audit.group_sizes`, by attribute.

    Returns
    -------
    list of tuple
        (attribute, "not recorded")
    """
    return [
        (name, audit.NOT_RECORDED)
        for name, of in sizes.items()
        if _lone(of) not in (None, audit.NOT_RECORDED) and audit.NOT_RECORDED in of.index
    ]


def total(n: int, sizes: Mapping[str, pd.DataFrame]) -> int | str:
    """How many cases there are: to the nearest ten where the number gives a single suppressed group away."""
    hidden = {name for name, _ in beside_small(sizes)}
    given_away = any(_lone(of) is not None for name, of in sizes.items() if name not in hidden)
    return f"about {round(n, -1)}" if given_away else n


def _lone(sizes: pd.DataFrame) -> str | None:
    """The only row under ten cases, if there is one and no more."""
    small = sizes.index[sizes["n"] < SMALLEST_CELL]
    return small[0] if len(small) == 1 else None
