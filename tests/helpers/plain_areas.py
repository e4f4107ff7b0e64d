"""Scores of two classes on which fast draws of areas under the ROC curve are compared with plain ones."""

from __future__ import annotations

import numpy as np

SCORES = {
    "far apart": lambda rng, y: rng.normal(2.5 * y),
    "apart": lambda rng, y: rng.normal(1.0 * y),
    "alike": lambda rng, y: rng.normal(0.0 * y),
    "skewed": lambda rng, y: rng.exponential(1 + 2.0 * y),
    "more spread": lambda rng, y: rng.normal(0.5 * y, 1 + 3.0 * y),
    "ties": lambda rng, y: rng.normal(1.5 * y).round(int(rng.integers(0, 2))),
    "ratings": lambda rng, y: rng.binomial(4, 0.4 + 0.3 * y),
    "outcomes": lambda rng, y: rng.random(len(y)) < 0.2 + 0.6 * y,
    "constant": lambda rng, y: np.full(len(y), 0.3),
    "few exceptions": lambda rng, y: y + 0.1 * rng.random(len(y)) - 2 * y * (rng.random(len(y)) < 0.03),
    "hardly mixed": lambda rng, y: rng.random(len(y)) + rng.choice([0.8, 0.95, 0.99]) * y,
    "two kinds": lambda rng, y: np.where(rng.random(len(y)) < 0.5, rng.normal(3.0 * y), rng.normal(-1.0 * y)),
}


def classes(rng: np.random.Generator, n: int, least: int = 10) -> np.ndarray:
    """Classes of some rows at least, one of them rare or not."""
    y = rng.random(n) < rng.choice([0.02, 0.1, 0.5])
    y[:least], y[least : 2 * least] = True, False
    return rng.permutation(y)


def scored(rng: np.random.Generator, name: str, y: np.ndarray) -> np.ndarray:
    """Scores of one kind."""
    return np.asarray(SCORES[name](rng, y), float)
