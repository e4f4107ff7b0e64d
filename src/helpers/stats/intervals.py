"""Intervals of a share and of a mean, for every table that gives one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from statsmodels.stats.proportion import proportion_confint


def wilson(count: ArrayLike, n: ArrayLike, *, alpha: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Compute Wilson's interval ``(low, high)`` of the share ``count / n``, with a coverage of 1 - alpha.

    It stays between 0 and 1, and can be used with few cases (Wilson 1927). Arrays give arrays.
    """
    return proportion_confint(count, n, alpha=alpha, method="wilson")


def half_width_of(sd: float, n: int | np.ndarray, *, level: float = 0.95) -> float | np.ndarray:
    """Compute the half width of Student's interval of a mean of `n` values, such as seeds, given their SD `sd`."""
    return stats.t.ppf((1 + level) / 2, np.asarray(n) - 1) * sd / np.sqrt(n)
