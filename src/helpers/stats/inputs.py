"""Common checks of scores and groups, so that every statistic treats invalid and missing input alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.errors import InputError


class Grouped(NamedTuple):
    """Scores with their group codes.

    `values` are float (n,), `codes` int (n,) with -1 for a case without a group, and `levels` the groups that occur, in
    order.
    """

    values: np.ndarray
    codes: np.ndarray
    levels: list[object]

    @property
    def n_missing(self) -> int:
        """Count the cases without a group."""
        return int((self.codes < 0).sum())

    def labelled(self) -> Grouped:
        """Return the cases that have a group."""
        keep = self.codes >= 0
        return Grouped(self.values[keep], self.codes[keep], self.levels)

    def split(self) -> list[np.ndarray]:
        """Split the scores into one array per group, in the order of `levels`."""
        return [self.values[self.codes == k] for k in range(len(self.levels))]

    def code(self, level: object) -> int:
        """Return the position of a group among the levels."""
        if level not in self.levels:
            raise InputError(f"group {level!r}", f"no case has it; groups here are {self.levels}", "Name one of them.")
        return self.levels.index(level)


def check_scores(score: ArrayLike, name: str = "score") -> np.ndarray:
    """Return the scores as a finite float array of shape (n,).

    Raises
    ------
    InputError
        There is no value, a value is not a number, or values are masked, NaN or infinite (the message gives their
        number).
    """
    try:
        if np.iscomplexobj(score):
            raise InputError(name, "complex numbers", "Take magnitudes first.")
        masked = np.ma.isMaskedArray(score)
        values = np.ma.asarray(score, dtype=float).filled(np.nan) if masked else np.asarray(score, dtype=float)
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: a tensor that requires a gradient
        raise InputError(name, f"not numbers ({error})", "Give one number per case.") from None
    if values.ndim != 1 or values.size == 0:
        raise InputError(name, f"shape {values.shape}, expected (n,) with n > 0", "Give one number per case.")
    bad = int((~np.isfinite(values)).sum())
    if bad:
        fix = "Leave these cases out and count them, or give them a value by a stated policy, before the audit."
        raise InputError(name, f"{bad} of {values.size} values are NaN or infinite", fix)
    return values


def check_success(success: ArrayLike, name: str = "success") -> np.ndarray:
    """Return the outcomes as floats 0 and 1 of shape (n,)."""
    values = check_scores(success, name)
    if not np.isin(values, (0, 1)).all():
        raise InputError(name, "values other than 0 and 1", "Make it with stats.success(score, threshold=...).")
    return values


def check_groups(groups: ArrayLike, n: int, name: str = "groups") -> tuple[np.ndarray, list[object]]:
    """Return codes (n,), -1 if missing, and the levels that occur: in category order, other labels sorted.

    In an array of texts "nan" is missing, because NumPy writes a missing value so.

    Raises
    ------
    InputError
        There are several columns, or not one label per score.
    """
    if np.ndim(groups) > 1:
        raise InputError(name, f"shape {np.shape(groups)}, expected (n,)", "Give one column of labels.")
    series = groups if isinstance(groups, pd.Series) else pd.Series(groups)
    if isinstance(groups, np.ndarray) and groups.dtype.kind in "US":
        series = series.mask(series.isin(("nan", b"nan")))
    if len(series) != n:
        raise InputError(name, f"{len(series)} labels for {n} scores", "Give one label per score.")
    if isinstance(series.dtype, pd.CategoricalDtype):
        categorical = series.cat.remove_unused_categories()
        return categorical.cat.codes.to_numpy().astype(int), list(categorical.cat.categories)
    codes, levels = pd.factorize(series)
    order = np.array(sorted(range(len(levels)), key=lambda k: (str(type(levels[k])), levels[k])), dtype=int)
    rank = np.empty(len(levels) + 1, dtype=int)
    rank[order], rank[-1] = np.arange(len(levels)), -1
    return rank[codes], [levels[k] for k in order]


def group_scores(score: ArrayLike, groups: ArrayLike, *, at_least: int = 2, name: str = "score") -> Grouped:
    """Check scores and groups together.

    Parameters
    ----------
    at_least : int
        Smallest number of groups for which the statistic is meaningful.
    """
    values = check_success(score, name) if name == "success" else check_scores(score, name)
    if isinstance(score, pd.Series) and isinstance(groups, pd.Series) and not score.index.equals(groups.index):
        raise InputError("groups", f"its index is not that of the {name}", "Take both columns from one frame.")
    codes, levels = check_groups(groups, len(values))
    if len(levels) < at_least:
        problem = f"{len(levels)} group(s) with cases ({levels}), at least {at_least} are needed"
        raise InputError("groups", problem, "Compare an attribute that takes two or more values in these cases.")
    return Grouped(values, codes, levels)


def is_binary(score: ArrayLike) -> bool:
    """Return True if the scores are outcomes (bool, or only 0 and 1)."""
    array = np.asarray(score)
    return array.dtype == bool or bool(np.isin(array, (0, 1)).all())


def need_columns(frame: pd.DataFrame, names: Sequence[str]) -> None:
    """Raise InputError for the first column that a frame lacks."""
    missing = [name for name in names if name not in frame]
    if missing:
        raise InputError(f"column {missing[0]}", "not in the frame", f"It has {', '.join(map(str, frame.columns))}.")
