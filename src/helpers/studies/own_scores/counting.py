"""Sizes behind a classifier's measures, and their replicates from counts of confusion tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from helpers.stats.drawn_areas import Placed, placed
from helpers.stats.permuted_sums import LARGE
from helpers.stats.resampled_means import CHUNK, FEW, MANY, SMALLEST, Shape, distinct, is_smooth, mean_draws
from helpers.stats.weighted import Sides, area, by_score
from helpers.studies.own_scores.weighing import effective

CLASS = 30  # rows of a class: with fewer, the largest areas are too often 1 for an expansion


class Rows(Protocol):
    """The part of `Classified` that is read here."""

    truth: np.ndarray
    predicted: np.ndarray
    probability: np.ndarray | None
    patient: np.ndarray
    weights: np.ndarray | None

    @property
    def clustered(self) -> bool:
        """Return True if a patient has several rows."""

    def parts(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return values (n,) and the rows that count (n,) of each measure that is a mean over rows."""


def countable(many: Sequence[Rows]) -> bool:
    """Return True if there are `MANY` rows or more, of equal weight, each of another patient."""
    return len(many[0].truth) >= MANY and not any(of.clustered or of.weights is not None for of in many)


def counted_draws(many: Sequence[Rows], codes: np.ndarray, k: int, *, n_boot: int, seed: int) -> list[np.ndarray]:
    """Draw the measures of each group when rows are drawn with replacement from the whole table.

    Parameters
    ----------
    many : sequence of Rows
        Classifications of the same rows; a replicate draws the same rows for all.
    codes : ndarray of int, shape (n,)
        Group of each row, -1 for none.
    k : int
        Number of groups.
    n_boot, seed : int

    Returns
    -------
    list of ndarray of shape (n_boot, measures, k)
        The measures of `Classified.parts` and then the AUROC, of each classification. NaN where no row counts.

    Notes
    -----
    Rows of one group, truth and prediction are a cell, which `_tails` may split. The numbers of rows drawn from the
    cells are multinomial, so that rates are exact. Mean error, squared error and tilt of a cell are those of
    `mean_draws`, and the AUROC follows from `Placed.at`. Where that does not hold for a group, and in one of fewer than
    `LARGE` rows or with fewer than `CLASS` of a class, rows are drawn once more for the AUROC, by `_plain_areas`.
    """
    n, rng, inside = len(codes), np.random.default_rng(seed), np.flatnonzero(codes >= 0)
    kinds = np.stack([codes, *(2 * of.truth + of.predicted for of in many)], axis=1)[inside]
    expanded = [[_expanded(of, codes == g) for g in range(k)] for of in many]
    everywhere = _columns(many, codes, expanded)
    table = everywhere[inside]
    tail = _tails(table, np.unique(kinds, axis=0, return_inverse=True)[1])
    cells, cell = np.unique(np.column_stack([kinds, tail]), axis=0, return_inverse=True)
    shares = np.bincount(cell) / n
    drawn = rng.multinomial(n, [*shares, max(0.0, 1 - shares.sum())], size=n_boot)
    counts, sums = np.zeros((len(many), 4, n_boot, k)), np.zeros((len(many), 2, 3, n_boot, k))
    for c, (g, *kind, _) in enumerate(cells):
        size = drawn[:, c]
        means = mean_draws(table[cell == c], size, rng) if table.shape[1] else np.empty((n_boot, 0))
        parts = iter(np.split((np.where(size[:, None] > 0, means, 0) * size[:, None]).T, max(1, table.shape[1] // 3)))
        for place, of in enumerate(kind):
            counts[place, of, :, g] += size
            if many[place].probability is not None:
                sums[place, of // 2, :, :, g] += next(parts)
    poor = [g for g in range(k) if not all(of[g] is None or of[g][1] for of in expanded)]
    exact = _plain_areas(many, codes, everywhere[:, 2::3], poor, n_boot, rng)
    found = []
    for place, of in enumerate(many):
        values = _rates(counts[place])
        if of.probability is not None:
            areas = _areas(expanded[place], counts[place], sums[place, :, 2], rng)
            areas[:, poor] = exact[place]
            with np.errstate(invalid="ignore"):
                errors = sums[place, :, :2].sum(axis=0) / counts[place].sum(axis=0)
            values = [*values, *errors, areas]
        found.append(np.stack(values, axis=1))
    return found


def _expanded(of: Rows, group: np.ndarray) -> tuple[Placed, bool] | None:
    """Compute the expansion of a group's AUROC, and whether it holds; None without probabilities or a class."""
    positive = of.truth[group]
    sizes = np.count_nonzero(positive), np.count_nonzero(~positive)
    if of.probability is None or not all(sizes):
        return None
    found = placed(of.probability[group], positive)
    return found, len(positive) >= LARGE and min(sizes) >= CLASS and bool(found.holds(*sizes))


def _columns(many: Sequence[Rows], codes: np.ndarray, expanded: list) -> np.ndarray:
    """Return error, squared error and tilt of each row, (n, 3 for each classification with probabilities)."""
    columns = [np.empty((len(codes), 0))]
    for of, groups in zip(many, expanded, strict=True):
        if of.probability is None:
            continue
        error, tilt = of.probability - of.truth, np.zeros(len(codes))
        for g, group in enumerate(groups):
            if group is not None:
                tilt[codes == g] = group[0].tilt
        columns.append(np.stack([error, error**2, tilt], axis=1))
    return np.concatenate(columns, axis=1)


def _tails(table: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Split cells of heavy tails: return the tail of each row, (n,), 0 in other cells.

    The rows are ordered by their largest distance from a median, in standard deviations. The nearest 31 of 32 have tail
    0, of the rest 31 of 32 have tail 1, and so on. A mean of one tail is then smooth enough for `mean_draws`, or it
    has few rows.
    """
    tail = np.zeros(len(cell), int)
    for c in range(cell.max() + 1 if table.shape[1] else 0):
        rows = np.flatnonzero(cell == c)
        part = table[rows]
        if len(rows) < SMALLEST or distinct(part) is not None or is_smooth(Shape(part), len(rows)):
            continue
        away, sd = np.abs(part - np.median(part, axis=0)), part.std(axis=0)
        away = np.divide(away, sd, out=np.zeros_like(away), where=sd > 0).max(axis=1)
        tail[rows[np.argsort(-away)]] = np.log(len(rows) / np.arange(1, len(rows) + 1)) // np.log(FEW)
    return tail


def _rates(counts: np.ndarray) -> list[np.ndarray]:
    """Compute `RATES` from counts, (4, n_boot, k), of true and false negatives, false and true positives in turn."""
    tn, fp, fn, tp = counts
    with np.errstate(invalid="ignore"):
        return [tp / (tp + fn), tn / (tn + fp), tp / (tp + fp), tn / (tn + fn), (tp + tn) / counts.sum(axis=0)]


def _areas(expanded: list, counts: np.ndarray, tilts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Compute areas from counts (4, n_boot, k) and sums of tilts (2, n_boot, k) of negatives and positives."""
    areas = np.full(tilts.shape[1:], np.nan)
    negative, positive = counts[:2].sum(axis=0), counts[2:].sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        below, above = tilts[0] / negative, tilts[1] / positive
        for g, group in enumerate(expanded):
            if group is not None:
                rest = np.sqrt(group[0].rest / (positive[:, g] * negative[:, g])) * rng.standard_normal(len(areas))
                areas[:, g] = group[0].at(above[:, g], below[:, g], rest)
    return areas


def _plain_areas(
    many: Sequence[Rows], codes: np.ndarray, tilts: np.ndarray, poor: list[int], n_boot: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Draw rows of some groups one by one, and compute their areas under each classification, (n_boot, groups).

    Rows of a group that have the same truth and the same tilt in each classification are drawn as a count, which is
    exact: they have one order to all rows of the other class. Of near-perfect scores these are most rows.
    """
    found = [np.empty((n_boot, len(poor))) for _ in many]
    if not poor:
        return found
    rows, n = np.flatnonzero(np.isin(codes, poor)), len(codes)
    kinds = np.stack([codes, *(of.truth for of in many), *tilts.T], axis=1)[rows]
    _, first, numbers = np.unique(kinds, axis=0, return_index=True, return_counts=True)
    rows, step = rows[first], max(1, CHUNK // max(1, len(first)))
    shares, inside = [*(numbers / n), max(0.0, 1 - numbers.sum() / n)], codes[rows]
    sides = [[_ranked(of, rows, inside == g) for g in poor] for of in many]
    for start in range(0, n_boot, step):
        drawn = rng.multinomial(n, shares, size=min(step, n_boot - start))[:, :-1]
        weights = np.ascontiguousarray(drawn.T, dtype=float)
        for ranked, areas in zip(sides, found, strict=True):
            for column, of in enumerate(ranked):
                if of is not None:
                    areas[start : start + step, column] = area(of, weights)
    return found


def _ranked(of: Rows, rows: np.ndarray, group: np.ndarray) -> Sides | None:
    if of.probability is None:
        return None
    return by_score(of.probability[rows], of.truth[rows], np.flatnonzero(group))


def counted_sizes(found: Rows, codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Count the rows and the patients of each measure in each group, both (measures, groups)."""

    def count(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        inside = rows & (codes >= 0)
        sizes = np.bincount(codes[inside], minlength=k)
        if not found.clustered:
            return sizes, sizes
        pairs = np.unique(found.patient[inside] * k + codes[inside])
        return sizes, np.bincount(pairs % k, minlength=k)

    sizes = [count(rows) for _, rows in found.parts().values()]
    if found.probability is not None:
        classes = [count(found.truth), count(~found.truth)]
        sizes.append(tuple(np.minimum(*pair) for pair in zip(*classes, strict=True)))
    return tuple(np.stack(part) for part in zip(*sizes, strict=True))


def effective_sizes(found: Rows, codes: np.ndarray, k: int) -> np.ndarray:
    """Compute the effective number of rows of each measure in each group, (measures, groups)."""
    weights = found.weights

    def of(rows: np.ndarray) -> list[float]:
        return [effective(weights[rows & (codes == g)]) for g in range(k)]

    sizes = [of(rows) for _, rows in found.parts().values()]
    if found.probability is not None:
        sizes.append(np.minimum(of(found.truth), of(~found.truth)))
    return np.array(sizes)
