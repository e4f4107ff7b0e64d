"""Design weights of the rows of the user's table: one over the probability with which each row was drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.shared.cells import with_points
from helpers.datasets.shared.files import at
from helpers.datasets.shared.missing import not_recorded
from helpers.errors import InputError

MOST = 1e9  # the largest weight over the smallest; beyond it one of them is a slip


def weights_of(values: pd.Series, path: Path) -> pd.Series:
    """Read the design weights of the rows that are measured, over the largest of them: weights are relative.

    Parameters
    ----------
    values : Series of str
        Cells of these rows; the index is the row in the file.
    path : Path
        File that errors name.

    Returns
    -------
    Series of float
        Above 0, up to 1.

    Raises
    ------
    InputError
        A weight is missing, not a number, infinite, or 0 or less; or some are over a billion times as large as others.
    """
    name = str(values.name)
    try:
        points, _ = with_points(values.mask(not_recorded(values)))
    except InputError as error:
        raise InputError(f"{path.name}, {error.where}", error.problem, error.fix) from None
    found = pd.to_numeric(points, errors="coerce").astype(float)
    bad = found.index[~(np.isfinite(found) & (found > 0)).to_numpy()]
    if len(bad):
        cell = values[bad[0]]
        more = f" (and {len(bad) - 1} more cells)" if len(bad) > 1 else ""
        problem = f"{'is empty' if pd.isna(cell) else f'holds {str(cell)[:60]!r}'}, expected a number above 0{more}"
        fix = "Give every row that is measured one over its probability to be drawn; leave out rows that were not drawn"
        raise InputError(at(path, bad[0], name), problem, fix)
    if found.max() / MOST > found.min():
        row = found.idxmin()
        problem = f"holds {str(values[row])[:60]!r}, and the largest weight is {values[found.idxmax()]}"
        raise InputError(at(path, row, name), problem, "Correct the one that is wrong: no sample is drawn so unequally")
    return found / found.max()


def weighing(weights: pd.Series) -> tuple[pd.Series | None, str]:
    """Return the weights, None if all are equal, and a note on them: equal weights change nothing."""
    if np.ptp(weights) == 0:
        return None, f"{weights.name}: all weights are equal, so that nothing is weighted"
    times = f"{1 / weights.min():.3g}"
    return weights, f"{weights.name}: design weights, the largest {times} times the smallest; n is not weighted"
