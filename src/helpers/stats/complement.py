"""Complementary suppression: table cells to hide so that small counts cannot be recovered from the totals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.disclosure import SMALLEST_CELL


def small(counts: np.ndarray | pd.Series) -> np.ndarray | pd.Series:
    """Mark the counts of 1 to 9, which are not shown."""
    return (counts >= 1) & (counts < SMALLEST_CELL)


def beside_small_cells(first: pd.Series, second: pd.Series, *, cluster: ArrayLike | None = None) -> np.ndarray:
    """Mark the cases in cells that must be hidden although they are large enough (complementary suppression).

    Group sizes are shown, so the sum of the hidden cells of a row or column of the cross table follows by subtraction.
    If that is the count of one cell, or under ten, another cell of that line is hidden: the smallest of those in a
    crossing line that already has a hidden cell, if there is one. This repeats until each line has none or several
    hidden cells, with ten cases or more together. Cells of cases for which an attribute is not recorded are never
    shown, and count as hidden, unless all such cases are in one cell: their number is shown. Source: Hundepool et al.
    2012, https://doi.org/10.1002/9781118348239, chapter 4.

    Parameters
    ----------
    first, second : Series of length n
        Categories, missing where not recorded.
    cluster : array_like of shape (n,), optional
        Patient of each case. A count is then of patients, and one in several cells of a line counts once in their sum.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    rows, columns = (of.astype("category").cat.codes.to_numpy() + 1 for of in (first, second))
    owner = np.arange(len(rows)) if cluster is None else np.unique(cluster, return_inverse=True)[1]
    people = np.unique(np.stack([rows, columns, owner]), axis=1)
    counts = np.zeros((rows.max() + 1, columns.max() + 1), int)  # row and column 0: not recorded
    np.add.at(counts, (people[0], people[1]), 1)
    hidden = small(counts)
    hidden[0], hidden[:, 0] = counts[0] > 0, counts[:, 0] > 0
    kept = hidden.copy()
    changed = True
    while changed:
        changed = False
        for sizes, view, (along, across, who) in ((counts, hidden, people), (counts.T, hidden.T, people[[1, 0, 2]])):
            unrecorded = int((sizes[:, 0] > 0).sum() == 1)  # the first column that hides anything
            for line in range(1, len(sizes)):
                if not view[line].any():
                    continue
                shown = np.flatnonzero((sizes[line] > 0) & ~view[line])
                # A "not recorded" cell of ten or more may be recovered by subtraction.
                lone = view[line, unrecorded:].sum() == 1 and (unrecorded or not view[line, 0])
                inside = (along == line) & (across >= unrecorded) & view[line, across]
                behind = len(np.unique(who[inside]))
                if (lone or small(behind)) and len(shown):
                    fresh = ~view[1:, shown].any(axis=0)  # needs one more in a line with none hidden so far
                    view[line, shown[np.lexsort((sizes[line, shown], fresh))[0]]] = changed = True
    return (hidden & ~kept)[rows, columns]
