"""Contrasts of groups alone and given the source, by linear models with robust errors.

Both models have only terms of the group and of the source. So all that counts of the cases is the number, the mean and
the sum of squares of the scores in each cell of a group and a source.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from helpers.stats.attributes import comparable, reference_group
from helpers.stats.inputs import check_scores

ALONE = 1e-9  # a smaller part of a case's residual that is free: the case alone decides its fitted value


class Cells(NamedTuple):
    """Number, mean and sum of squares around the mean of the scores in each cell, all (cells,)."""

    n: np.ndarray
    mean: np.ndarray
    squares: np.ndarray


class Fit(NamedTuple):
    """A linear model fitted to cells.

    `estimate` (terms,) is NaN for a term that cannot be separated from the others. `pull` (terms, cells) times its
    residual is the contribution of a case to the error of a term, and `fitted` is (cells,). `free` are the degrees of
    freedom that are left.
    """

    estimate: np.ndarray
    pull: np.ndarray
    fitted: np.ndarray
    free: int


def given_source(score: pd.Series, *, groups: pd.Series, sources: pd.Series) -> pd.DataFrame:
    """Estimate contrasts with the reference in a linear model, alone and adjusted for the source, with HC3 errors.

    Both models are fitted to the same cases. The interval of the change uses the contribution of each case to both
    estimates. Two separate intervals would ignore the correlation of the estimates. Source: Clogg et al. 1995.

    Returns
    -------
    DataFrame
        Index ``group``; columns ``n, n_reference``, then ``alone, alone_low, alone_high``, ``given, low, high`` and
        ``change, change_low, change_high`` (given minus alone); ``note`` gives the reason if a model cannot be
        estimated, for example because a group coincides with a source.
    """
    kept, reference = comparable(groups), reference_group(groups)
    known, levels, sizes = kept.notna().to_numpy(), list(kept.cat.categories), kept.value_counts()
    values = check_scores(score)[known]
    _, source = np.unique(pd.factorize(sources)[0][known], return_inverse=True)
    group, n_sources = kept.cat.codes.to_numpy().astype(int)[known], source.max() + 1
    cells, of_group, of_source = _cells(values, group * n_sources + source, n_sources)
    others = [k for k, level in enumerate(levels) if level != reference]
    alone = np.column_stack([of_group[:, None] == others, np.ones(len(of_group))]).astype(float)
    given = np.column_stack([alone, of_source[:, None] == np.arange(1, n_sources)])
    fits = {("alone", "alone_low", "alone_high"): fit(cells, alone), ("given", "low", "high"): fit(cells, given)}
    index = pd.Index([levels[k] for k in others], name="group", dtype=object)
    table = pd.DataFrame({"n": [int(sizes[levels[k]]) for k in others], "n_reference": int(sizes[reference])}, index)
    table["note"] = ""
    terms = slice(len(others))
    for columns, found in fits.items():
        half = stats.t.ppf(0.975, found.free) * np.sqrt(_squares(cells, found)[terms])
        estimate = found.estimate[terms]
        table[list(columns)] = np.stack([estimate, estimate - half, estimate + half], axis=1)
        inseparable = f"its effect cannot be separated from the other terms in these {len(values)} rows"
        table.loc[np.isnan(estimate), "note"] = inseparable
    change = table["given"] - table["alone"]  # missing if a model cannot be estimated
    half = stats.norm.ppf(0.975) * np.sqrt(_squares(cells, *fits.values())[terms])
    return table.assign(change=change, change_low=change - half, change_high=change + half)


def _cells(values: np.ndarray, cell: np.ndarray, n_sources: int) -> tuple[Cells, np.ndarray, np.ndarray]:
    """Return the cells with cases, and the group and the source of each."""
    occur, cell = np.unique(cell, return_inverse=True)
    n = np.bincount(cell)
    mean = np.bincount(cell, values) / n
    return Cells(n, mean, np.bincount(cell, (values - mean[cell]) ** 2)), occur // n_sources, occur % n_sources


def fit(cells: Cells, design: np.ndarray) -> Fit:
    """Fit a linear model by least squares, with the HC3 scaling of residuals (MacKinnon and White 1985).

    Parameters
    ----------
    cells : Cells
    design : ndarray of shape (cells, terms)
        The terms of every case of a cell.
    """
    root = np.sqrt(cells.n)
    scaled = root[:, None] * design
    inverse = np.linalg.pinv(scaled)
    estimate = inverse @ (root * cells.mean)
    fitted = design @ estimate
    separate = np.isclose(inverse @ scaled, np.eye(design.shape[1]), atol=1e-6).all(axis=1)
    share = inverse / root
    left = 1 - (design * share.T).sum(axis=1)  # one less the leverage of a case
    pull = np.divide(share, left, out=np.full(share.shape, np.nan), where=left > ALONE)
    pull[np.abs(share) <= 1e-12] = 0.0
    free = int(cells.n.sum()) - int(np.linalg.matrix_rank(scaled))
    return Fit(np.where(separate, estimate, np.nan), pull, fitted, free)


def _squares(cells: Cells, first: Fit, second: Fit | None = None) -> np.ndarray:
    """Compute the sum over cases of the squared contributions to each term, or of the second fit's less the first's."""
    terms = len(first.pull)
    pull, middle = -first.pull, -first.pull * (cells.mean - first.fitted)
    if second is not None:
        pull = pull + second.pull[:terms]
        middle = middle + second.pull[:terms] * (cells.mean - second.fitted)
    return (pull**2 * cells.squares + cells.n * middle**2).sum(axis=1)
