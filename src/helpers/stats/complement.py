"""Which cells of a crossing to leave out, so that no small one comes back by subtraction from what is shown."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.disclosure import SMALLEST_CELL


def small(counts: np.ndarray | pd.Series) -> np.ndarray | pd.Series:
    """Which counts are 1 to 9: they are not shown."""
    return (counts >= 1) & (counts < SMALLEST_CELL)


def beside_small_cells(first: pd.Series, second: pd.Series) -> np.ndarray:
    """Cases in cells that are large enough and yet give a small one away.

    Sizes of groups are shown, so a line of the crossing with one cell of 1 to 9 cases gives it by subtraction. There
    another cell is left out too, the smallest of those that cost no further one, until no line has a single one.
    Cells of cases for which an attribute is not recorded are never shown, and count as left out.

    Parameters
    ----------
    first, second : Series of length n
        Categories, missing where not recorded.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    rows, columns = (of.astype("category").cat.codes.to_numpy() + 1 for of in (first, second))
    counts = np.zeros((rows.max() + 1, columns.max() + 1), int)  # row and column 0: not recorded
    np.add.at(counts, (rows, columns), 1)
    hidden = small(counts)
    hidden[0], hidden[:, 0] = counts[0] > 0, counts[:, 0] > 0
    kept = hidden.copy()
    changed = True
    while changed:
        changed = False
        for sizes, view in ((counts, hidden), (counts.T, hidden.T)):
            for line in range(1, len(sizes)):
                shown = np.flatnonzero((sizes[line] > 0) & ~view[line])
                # A cell "not recorded" of ten or more may be given away.
                lone = view[line].sum() == 1 and (not view[line, 0] or small(sizes[line, 0]))
                if lone and len(shown):
                    fresh = ~view[1:, shown].any(axis=0)  # would need one more in a line that is whole so far
                    view[line, shown[np.lexsort((sizes[line, shown], fresh))[0]]] = changed = True
    return (hidden & ~kept)[rows, columns]
