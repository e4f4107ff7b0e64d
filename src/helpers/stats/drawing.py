"""Bootstrap draws of patients, images or clusters: how often each is drawn.

Training runs and seeds are drawn by `helpers.stats.crossed.resample_seeds`; where patients and runs are both samples,
each is drawn independently of the other.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

LARGE = 5000  # rows from which replicates of a rank correlation are linearised, see `helpers.stats.trends`

SOME = 65_536  # draws at a time: half a megabyte, which fits in a processor's cache


def counts(n: int, size: int, rng: np.random.Generator, dtype: type = float) -> np.ndarray:
    """Count how often each of `n` units is drawn when `n` are drawn with replacement, `size` times, (size, n).

    Whether replicates are asked for at once or one by one, they are the same.
    """
    found = np.empty((size, n), dtype)
    step = max(1, SOME // n)
    for start in range(0, size, step):
        part = found[start : start + step]
        rows = rng.integers(0, n, part.shape) + n * np.arange(len(part))[:, None]
        part[:] = np.bincount(rows.ravel(), minlength=part.size).reshape(part.shape)
    return found


def blocks(n: int, *, n_boot: int, seed: int, step: int, dtype: type = float) -> Iterator[np.ndarray]:
    """Yield the counts of `n_boot` replicates in blocks of at most `step`, each of shape (replicates, n)."""
    rng = np.random.default_rng(seed)
    for start in range(0, n_boot, step):
        yield counts(n, min(step, n_boot - start), rng, dtype)


def multinomial(n: int, *, n_boot: int, seed: int) -> np.ndarray:
    """Draw counts of `n` units from the multinomial distribution, shape (n_boot, n).

    Their distribution is that of `counts`, but from another random stream: one binomial number for each unit.
    """
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=n_boot)
