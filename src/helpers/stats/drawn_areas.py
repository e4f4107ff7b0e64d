"""Areas under the ROC curve (AUROC) of rows that are drawn or permuted, from the mean placement of each class.

The placement of a positive is the share of negatives below it, that of a negative the share of positives above it;
ties count half. The AUROC is the mean of either. When rows are drawn, it moves by the mean deviation of the placements
of the drawn positives, by that of the negatives, and by a smaller term of pairs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from helpers.stats.permuted_sums import null_sums
from helpers.stats.resampled_means import CHUNK, FEW, MANY
from helpers.stats.weighted import area, by_score

PAIRED = 0.02  # largest share of the rest in the variance of an area that is drawn at once
NOTHING = 1e-12  # a variance that is only rounding


class Placed(NamedTuple):
    """AUROC of rows, and what its expansion needs.

    `tilt` (n,) is the placement of each row less the `area`. `spread` are the variances of the tilts of positives and
    of negatives. The term of a pair is `twist` times the product of its tilts, and a rest that is not correlated with
    them, of the mean square `rest`.
    """

    area: float
    tilt: np.ndarray
    spread: tuple[float, float]
    twist: float
    rest: float

    def at(self, positive: np.ndarray, negative: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """Compute areas from the mean tilts of the drawn positives and negatives and the rest, all (draws, ...)."""
        return np.clip(self.area + positive + negative + self.twist * positive * negative + rest, 0, 1)

    def holds(self, n_positive: np.ndarray, n_negative: np.ndarray) -> np.ndarray:
        """Return True where a normal number may replace the rest, for areas of so many positives and negatives."""
        first = self.spread[0] / n_positive + self.spread[1] / n_negative
        return self.rest / (n_positive * n_negative) <= PAIRED * first


def placed(score: np.ndarray, positive: np.ndarray) -> Placed:
    """Compute the expansion of the AUROC of rows of both classes, by Hoeffding's decomposition.

    Parameters
    ----------
    score : ndarray of shape (n,)
    positive : ndarray of bool, shape (n,)

    Notes
    -----
    A pair of a positive i and a negative j scores 1, 1/2 for a tie, or 0. It is the area, the tilts of i and of j, and
    a term of the pair. The tilts give the variance of DeLong et al. 1988. The term of pairs adds as much to the
    skewness as the tilts do, by its part that is proportional to the product of both tilts: that is `twist`, the
    coefficient of its least-squares fit. Source: van der Vaart 1998, Asymptotic Statistics, sections 11.4 and 12.2.
    """
    sides = by_score(score, positive)
    upper, lower = score[sides.positive], score[sides.negative]
    n, m = len(upper), len(lower)
    beaten = [np.searchsorted(upper, lower, side) for side in ("left", "right")]
    area = float((sides.below + sides.at_most).sum() / (2 * n * m))
    tilt = np.empty(len(score))
    tilt[sides.positive] = of_upper = (sides.below + sides.at_most) / (2 * m) - area
    tilt[sides.negative] = of_lower = 1 - sum(beaten) / (2 * n) - area
    spread = tuple(0.0 if (v := float((of**2).mean())) < NOTHING else v for of in (of_upper, of_lower))
    if not all(spread):
        return Placed(area, tilt, spread, 0.0, 0.0)
    summed = np.concatenate(([0.0], np.cumsum(of_lower)))
    common = float(of_upper @ (summed[sides.below] + summed[sides.at_most])) / (2 * n * m)
    square = float((3 * sides.below + sides.at_most).sum()) / (4 * n * m)  # of the score of a pair
    twist = common / (spread[0] * spread[1])
    rest = square - area**2 - sum(spread) - common * twist
    return Placed(area, tilt, spread, twist, rest if rest > NOTHING else 0.0)


def null_areas(
    score: np.ndarray, positive: np.ndarray, codes: np.ndarray, *, n: int, rng: np.random.Generator
) -> np.ndarray | None:
    """Draw the AUROC of each group when groups are permuted within positives and within negatives, (n, groups).

    Parameters
    ----------
    score : ndarray of shape (rows,)
    positive : ndarray of bool, shape (rows,)
    codes : ndarray of int, shape (rows,)
        Group of each row, from 0; each has rows of both classes.
    n : int
        Permutations.

    Returns
    -------
    ndarray or None
        None where `Placed.holds` fails in every group, or in groups with more than one row in `FEW` of a large class.

    Notes
    -----
    If all but one row in `FEW` are alike, as those of near-perfect scores, areas are those of `_of_exceptions`.
    Otherwise a group is small where `Placed.holds` fails. Its rows are drawn one by one, and its area is exact.

    The areas of the others follow from `Placed.at`. The sums of tilts are those of `_sums`. Over groups the rest has
    the covariance of sums of a doubly centred table whose rows and columns are permuted: the product, element by
    element, of those of two simple random samples.
    """
    of = placed(score, positive)
    exact = _of_exceptions(score, positive, codes, of.tilt, n, rng)
    if exact is not None:
        return exact
    sizes = [np.bincount(codes[side], minlength=codes.max() + 1) for side in (positive, ~positive)]
    small = ~of.holds(*sizes)
    if small.all() or any(s.sum() >= MANY and s[small].sum() * FEW > s.sum() for s in sizes):
        return None
    sums, places = zip(*(_sums(of.tilt[s], codes[s], small, n, rng) for s in (positive, ~positive)), strict=True)
    both = [total / size for total, size in zip(sums, sizes, strict=True)]
    shared = [(np.diag(size) - np.outer(size, size) / size.sum()) / (size.sum() - 1) for size in sizes]
    pairs = sizes[0] * sizes[1]
    spread = of.rest * sizes[0].sum() * sizes[1].sum() * shared[0] * shared[1] / np.outer(pairs, pairs)
    areas = of.at(*both, rng.multivariate_normal(np.zeros(len(pairs)), spread, n, method="eigh"))
    rank = np.unique(score, return_inverse=True)[1]
    for g, of_class in zip(np.flatnonzero(small), zip(*places, strict=True), strict=True):
        areas[:, g] = _areas(*(rank[side][at] for side, at in zip((positive, ~positive), of_class, strict=True)))
    return areas


def _sums(
    tilt: np.ndarray, codes: np.ndarray, small: np.ndarray, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Draw the sum of tilts of each group of a class, (n, groups), and the places of the rows of each small group.

    Notes
    -----
    Fewer than `MANY` rows are shuffled. Of more, the rows of small groups are drawn without replacement. The sums of
    the others are those of `null_sums`, moved in proportion to their sizes so that all sums add up to 0. This gives
    them the right mean for the rows drawn, as in conditioning by kriging (Chiles and Delfiner 2012, Geostatistics,
    section 7.3), and their covariance up to the share of the small groups.
    """
    sizes = np.bincount(codes, minlength=len(small))
    ends = np.cumsum(sizes[small])[:-1]
    if len(tilt) < MANY:
        order = rng.permuted(np.tile(np.arange(len(tilt)), (n, 1)), axis=1)
        sums = tilt[order] @ (codes[:, None] == np.arange(len(small)))
        return sums, [order[:, codes == g] for g in np.flatnonzero(small)]
    (sums,) = null_sums(tilt, codes, np.zeros(len(tilt), int), n, rng)
    if not small.any():
        return sums, []
    places = np.split(_without_replacement(len(tilt), sizes[small].sum(), n, rng), ends, axis=1)
    drawn = np.stack([tilt[at].sum(axis=1) for at in places], axis=1)
    moved = (sums[:, small] - drawn).sum(axis=1)
    sums[:, small] = drawn
    sums[:, ~small] += moved[:, None] * sizes[~small] / sizes[~small].sum()
    return sums, places


def _without_replacement(total: int, taken: int, n: int, rng: np.random.Generator) -> np.ndarray:
    places = np.empty((n, taken), np.int32)
    for row in places:
        row[:] = rng.choice(total, taken, replace=False)
    return places


def _areas(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Compute the AUROC of each row from the ranks of its positives, (n, p), and of its negatives, (n, q)."""
    row = np.arange(len(upper))[:, None]
    step = max(upper.max(), lower.max()) + 1
    ordered = np.sort(lower + row * step, axis=1).ravel()
    beaten = sum(np.searchsorted(ordered, upper + row * step, side) for side in ("left", "right"))
    return (beaten / (2 * lower.shape[1]) - row).mean(axis=1)


def _of_exceptions(
    score: np.ndarray, positive: np.ndarray, codes: np.ndarray, tilt: np.ndarray, n: int, rng: np.random.Generator
) -> np.ndarray | None:
    """Draw the areas of permuted groups, (n, groups), if most rows of a class are alike; None if too few are.

    Rows of a class with one tilt have one order to the rows of the other class, so that they are alike. In each class
    only the groups of rows outside the most frequent tilt are drawn; the other rows fill up the groups. This is exact.
    """
    rows, classes = [], []
    for side in (np.flatnonzero(positive), np.flatnonzero(~positive)):
        _, cell = np.unique(tilt[side], return_inverse=True)
        alike = cell == np.bincount(cell).argmax()
        rows += [*side[~alike], side[alike][0]]
        classes.append((codes[side], np.count_nonzero(~alike)))
    if len(rows) * FEW > len(score):
        return None
    sides, areas = by_score(score[rows], positive[rows]), np.empty((n, codes.max() + 1))
    step = max(1, CHUNK // len(rows))
    for part in (slice(start, min(start + step, n)) for start in range(0, n, step)):
        drawn = [of[_without_replacement(len(of), alone, part.stop - part.start, rng)].T for of, alone in classes]
        for g in range(areas.shape[1]):
            inside = [(of == g).astype(float) for of in drawn]
            rest = [np.count_nonzero(of == g) - w.sum(axis=0) for (of, _), w in zip(classes, inside, strict=True)]
            areas[part, g] = area(sides, np.concatenate([inside[0], rest[:1], inside[1], rest[1:]]))
    return areas
