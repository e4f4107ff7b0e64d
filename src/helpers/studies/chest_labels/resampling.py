"""One resampling of all patients, from which every statistic is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse, stats

from helpers.stats import drawing
from helpers.stats.resample import percentile_interval

STEP = 100  # replicates at a time: 25 MB for 30,805 patients


class Draws(NamedTuple):
    """A statistic of all patients, shape (...), and of each replicate, shape (n_boot, ...)."""

    estimate: np.ndarray
    replicates: np.ndarray

    def of(self, take: Callable[[np.ndarray], np.ndarray]) -> Draws:
        """Take a part or a contrast of the statistic; `take` acts on the last axes."""
        return Draws(take(self.estimate), take(self.replicates))


def resample(
    statistics: Mapping[str, Callable[[np.ndarray], np.ndarray]], *, n_patients: int, n_boot: int, seed: int
) -> dict[str, Draws]:
    """Draw all patients with replacement, and compute every statistic from the same draws.

    Parameters
    ----------
    statistics : mapping of str to callable
        Each takes how often each patient is drawn, shape (draws, n_patients), and returns shape (draws, ...).
    n_patients : int
        Patients, drawn for the panel or not.
    n_boot : int
        Replicates.
    seed : int

    Returns
    -------
    dict of str to Draws
    """
    once = np.ones((1, n_patients))
    found = {name: [] for name in statistics}
    for times in drawing.blocks(n_patients, n_boot=n_boot, seed=seed, step=STEP):
        for name, statistic in statistics.items():
            found[name].append(statistic(times))
    return {name: Draws(of(once)[0], np.concatenate(found[name])) for name, of in statistics.items()}


def interval(draws: Draws, n: int) -> dict[str, float]:
    """Compute estimate, 95% percentile interval, standard error, z and two-sided p of one number.

    The standard error is the standard deviation of the replicates, so patients are clusters; z is the estimate over
    it. Without a defined estimate or replicate all are NaN.
    """
    known = draws.replicates[np.isfinite(draws.replicates)]
    names = ("estimate", "low", "high", "se", "z", "p")
    if not np.isfinite(draws.estimate) or len(known) < 2:
        return dict.fromkeys(names, float("nan"))
    found = percentile_interval(float(draws.estimate), known, n, 0.95)
    se = float(known.std(ddof=1))
    z = found.estimate / se if se > 0 else float("nan")
    values = (found.estimate, found.low, found.high, se, z, float(2 * stats.norm.sf(abs(z))))
    return dict(zip(names, values, strict=True))


@dataclass(frozen=True)
class Means:
    """Means of several values over the rows of each cell, such as images of a sex: a statistic of `resample`."""

    sums: sparse.csr_matrix  # by patient: for each cell its weight, and its weighted values
    shape: tuple[int, int]

    def __call__(self, times: np.ndarray) -> np.ndarray:
        """Compute the means, shape (draws, cells, values), NaN where a cell has no row."""
        cells, values = self.shape
        table = (times @ self.sums).reshape(len(times), cells, values + 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return table[..., 1:] / table[..., :1]


def means(
    values: pd.DataFrame, *, cells: np.ndarray, patient: np.ndarray, n_patients: int, by_patient: bool = False
) -> Means:
    """Prepare means over rows as a statistic of `resample`.

    Parameters
    ----------
    values : DataFrame of shape (n, k)
    cells : ndarray of int, shape (n,)
        Cell of each row; negative for none.
    patient : ndarray of int, shape (n,)
    by_patient : bool
        Whether each patient counts once in a cell, with the mean of the rows there; otherwise each row counts once.
    """
    inside = np.flatnonzero(cells >= 0)
    size, k = int(cells.max()) + 1, values.shape[1]
    weight = np.ones(len(inside))
    if by_patient:
        _, pair, many = np.unique(patient[inside] * size + cells[inside], return_inverse=True, return_counts=True)
        weight = 1 / many[pair]
    table = np.column_stack([np.ones(len(inside)), values.to_numpy(float)[inside]]) * weight[:, None]
    rows, columns = np.repeat(patient[inside], k + 1), cells[inside][:, None] * (k + 1) + np.arange(k + 1)
    sums = sparse.coo_matrix((table.ravel(), (rows, columns.ravel())), shape=(n_patients, size * (k + 1)))
    return Means(sums.tocsr(), (size, k))
