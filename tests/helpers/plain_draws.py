"""Data sets on which fast draws are compared with plain ones, and the comparison."""

from __future__ import annotations

import numpy as np

DRAWS = 10_000
SHARES = np.array([0.025, 0.05, 0.5, 0.95, 0.975])  # the ends of 95% and 90% intervals, and the middle
ERROR = np.sqrt(2 * SHARES * (1 - SHARES) / DRAWS)  # of the share of plain draws below a percentile of fast ones
KINDS = {
    "smooth": lambda rng, n: rng.beta(8, 1.5, n),
    "normal": lambda rng, n: rng.normal(size=n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "lognormal": lambda rng, n: rng.lognormal(0, rng.choice([0.5, 1, 1.5]), n),
    "heavy tails": lambda rng, n: rng.standard_t(3, n),
    "very heavy tails": lambda rng, n: rng.pareto(2.2, n),
    "one outlier": lambda rng, n: np.append(rng.beta(8, 1.5, n - 1), rng.choice([3, 10, 1e3, 1e6])),
    "many zeros": lambda rng, n: rng.beta(5, 2, n) * (rng.random(n) < rng.choice([0.1, 0.5, 0.95])),
    "ties": lambda rng, n: rng.beta(8, 1.5, n).round(int(rng.choice([1, 2, 3]))),
    "ratings": lambda rng, n: rng.choice([1.0, 2, 3, 4, 5], n, p=[0.05, 0.1, 0.2, 0.3, 0.35]),
    "outcomes": lambda rng, n: (rng.random(n) < rng.choice([0.02, 0.3, 0.9])).astype(float),
    "constant": lambda rng, n: np.full(n, rng.choice([0.1, 0.3, 7.0])),
    "two clusters": lambda rng, n: np.where(rng.random(n) < 0.3, rng.normal(0, 0.02, n), rng.normal(1, 0.1, n)),
}


def size(rng: np.random.Generator, least: int = 60, most: int = 1000) -> int:
    """A number of rows, as often of one order of size as of another."""
    return int(np.exp(rng.uniform(np.log(least), np.log(most))))


def apart(fast: np.ndarray, plain: np.ndarray) -> np.ndarray:
    """How far percentiles of fast draws are from plain ones, in Monte-Carlo errors of their shares, (shares,).

    Where many plain draws are equal to a percentile, only a share outside their step is apart.
    """
    below, above = _shares(fast, plain)
    step = np.where(below > SHARES, below - SHARES, np.minimum(above - SHARES, 0.0))
    return np.where(above - below > ERROR, step, (below + above) / 2 - SHARES) / ERROR


def covered(fast: np.ndarray, plain: np.ndarray) -> float:
    """The share of plain draws inside the 95% interval of the fast ones; NaN where many are equal to an end."""
    below, above = _shares(fast, plain)
    return float(above[-1] - below[0]) if (above - below < ERROR).all() else float("nan")


def _shares(fast: np.ndarray, plain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of plain draws below the percentiles of fast ones, and up to these."""
    ends, ordered = np.quantile(fast, SHARES), np.sort(plain)
    rounding = 1e-9 * (np.abs(ordered).max() + np.ptp(ordered))
    sides = ((ends - rounding, "left"), (ends + rounding, "right"))
    return tuple(np.searchsorted(ordered, *side) / len(plain) for side in sides)
