"""Areas under the ROC curve (AUROC) of rows that are drawn or permuted, from the mean placement of each class.

The placement of a positive is the share of negatives below it, that of a negative the share of positives above it;
ties count half. The AUROC is the mean of either. When rows are drawn, it moves by the mean deviation of the placements
of the drawn positives, by that of the negatives, and by a smaller term of pairs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from helpers.stats.permuted_sums import null_sums
from helpers.stats.weighted import by_score

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
        None where `Placed.holds` fails in a group.

    Notes
    -----
    The sums of tilts are those of `null_sums`. Over groups the rest has the covariance of sums of a doubly centred
    table whose rows and columns are permuted: the product, element by element, of those of two simple random samples.
    """
    of = placed(score, positive)
    sizes = [np.bincount(codes[side], minlength=codes.max() + 1) for side in (positive, ~positive)]
    if not of.holds(*sizes).all():
        return None
    order = np.argsort(~positive, kind="stable")
    sums = null_sums(of.tilt[order], codes[order], (~positive)[order].astype(int), n, rng)
    both = [total / size for total, size in zip(sums, sizes, strict=True)]
    shared = [(np.diag(size) - np.outer(size, size) / size.sum()) / (size.sum() - 1) for size in sizes]
    pairs = sizes[0] * sizes[1]
    spread = of.rest * sizes[0].sum() * sizes[1].sum() * shared[0] * shared[1] / np.outer(pairs, pairs)
    return of.at(*both, rng.multivariate_normal(np.zeros(len(pairs)), spread, n, method="eigh"))
