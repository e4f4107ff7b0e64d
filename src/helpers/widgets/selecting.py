"""Selection of cases from a frame: by source, by group, and by intersection of groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.stats.inputs import check_groups, check_scores

SOURCES = ("dataset", "source")  # columns with the origin of each case, in the data sets of this book


def column(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column of a frame; refuse if the frame does not have it, or has it twice."""
    if name not in frame:
        raise InputError(f"column {name}", "the table has no such column", "Pick a column that it has")
    if isinstance(found := frame[name], pd.DataFrame):
        raise InputError(f"column {name}", "it occurs twice", "Keep one column of each name")
    return found


def sources(frame: pd.DataFrame) -> tuple[str, list[object]]:
    """Return the column with the source of each case, and its values; empty if there are not several sources."""
    for name in SOURCES:
        if (frame.columns == name).sum() == 1:
            levels = check_groups(column(frame, name), len(frame))[1]
            if len(levels) > 1:
                return name, levels
    return "", []


def of_source(frame: pd.DataFrame, only: tuple[str, object] | None) -> pd.DataFrame:
    """Select the cases that have one value in a column; `only` is that column and value, or None for all cases."""
    if only is None:
        return frame
    kept = frame[column(frame, only[0]) == only[1]]
    if kept.empty:
        raise InputError(f"{only[0]} {only[1]}", "no case has this value", "Pick another")
    return kept


def crossed(frame: pd.DataFrame, attributes: Sequence[str]) -> pd.Series:
    """Return the group of each case, or the intersection of its groups, as a series with categories in order.

    The result is missing for a case if any of its groups is missing.

    Parameters
    ----------
    frame : DataFrame
        One row per case.
    attributes : sequence of str
        Columns; values of a single column are kept, those of several are joined by " × ".
    """
    parts = [check_groups(column(frame, name), len(frame)) for name in dict.fromkeys(attributes)]
    known = np.all([codes >= 0 for codes, _ in parts], axis=0)
    places = np.stack([codes for codes, _ in parts], axis=1)[known]
    found, inverse = np.unique(places, axis=0, return_inverse=True)
    each = [[levels[k] for k, (_, levels) in zip(row, parts, strict=True)] for row in found]
    names = [row[0] if len(row) == 1 else " × ".join(map(str, row)) for row in each]
    if len(set(names)) < len(names):
        raise InputError(" × ".join(attributes), "two groups have one name", "Give the groups different names")
    codes = np.full(len(frame), -1)
    codes[known] = inverse.ravel()
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(names, dtype=object)), index=frame.index)


def scored(frame: pd.DataFrame, score: str) -> pd.Series:
    """Return a mask of the cases that have a score, and check that these scores are finite numbers.

    Raises
    ------
    InputError
        No case has a score, or a score is not a finite number.
    """
    known = column(frame, score).notna()
    if not known.any():
        raise InputError(f"column {score}", "no case of this selection has a score", "Pick another selection")
    check_scores(frame.loc[known.to_numpy(), score], f"column {score}")
    return known
