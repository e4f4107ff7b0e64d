"""Factors with a planted graph of causes, in worlds in which their order can be found or cannot."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.datasets.shared.checks import check_count, check_seed
from helpers.errors import InputError, check_choice

FACTOR_WORLDS = ("bounded", "linear", "rotated", "independent", "heavy", "confounded", "group")
GROUP_NAMES = ("sex", "heart size", "finding", "brightness")
EDGES = 0.4  # probability of an edge between two factors


class DrawnFactors(NamedTuple):
    """Factors of a world, see `draw_factors`."""

    values: pd.DataFrame
    graph: np.ndarray
    gap: float | None = None


def draw_factors(
    world: str, n: int = 400, *, d: int = 4, share: float = 0.5, edges: float = EDGES, seed: int = 0
) -> DrawnFactors:
    """Draw a random graph and factors of it, each with variance 1 but for chance.

    A root is normal. Every other factor has a share of its variance from its causes: a standardised sum, over its
    causes, of a sine of random frequency (1.2 to 2.4) and phase. The rest is normal noise. So the variance shows no
    order, and there is none in the order of the columns.

    ===========  =====================================================================================
    bounded      as above
    linear       weighted sums of the causes in place of sines: the order cannot be known
    rotated      the factors of *bounded* after a random rotation: the columns follow no graph
    independent  no edge
    heavy        sums of squares: some values are far from the others, where a density is hard to estimate
    confounded   as *bounded*, with a common cause of two factors that is in no column
    group        sex causes heart size and brightness, and heart size the finding; sex is 0 or 1
    ===========  =====================================================================================

    Parameters
    ----------
    world : str
        One of the above.
    n : int
        Cases, at least 50.
    d : int
        Factors, 2 to 30; in *group* there are four.
    share : float
        Share of the variance that a factor has from its causes, above 0 and below 1.
    edges : float
        Probability of an edge between two factors, above 0; with 1 each factor is a cause of all later ones.
    seed : int

    Returns
    -------
    DrawnFactors
        ``values``, one column a factor; ``graph``, bool of shape (d, d), which has at least one edge but in
        *independent*; ``gap``, in *group* the mean finding of these cases had all been of sex 1 less had all been of
        sex 0, with their noise kept, else None.

    Raises
    ------
    InputError
        An argument is out of range.
    """
    check_choice("world", world, FACTOR_WORLDS)
    if check_count(n) < 50:
        raise InputError("n", f"{n} cases are too few for an order", "Give 50 or more")
    if not 2 <= check_count(d, "d") <= 30:
        raise InputError("d", f"{d} is not from 2 to 30", "Give a number of factors of that range")
    if not isinstance(share, float) or not 0 < share < 1:
        raise InputError("share", f"{share!r} is not between 0 and 1", "Give 0.5 if in doubt")
    if not 0 < edges <= 1:
        raise InputError("edges", f"{edges!r} is no probability above 0", "Give 0.4 if in doubt")
    rng = np.random.default_rng((check_seed(seed), FACTOR_WORLDS.index(world)))
    if world == "group":
        return _group(rng, n, share)
    graph = _graph(rng, d, 0 if world == "independent" else edges)
    values = _values(rng, graph, n, share, world)
    if world == "rotated":
        values = values @ np.linalg.qr(rng.standard_normal((d, d)))[0]
        values = values / values.std(axis=0)
    names = [f"factor {k + 1}" for k in range(d)]
    return DrawnFactors(pd.DataFrame(values, columns=names), graph)


def _graph(rng: np.random.Generator, d: int, edges: float) -> np.ndarray:
    """Draw an acyclic graph, with at least one edge if any is likely, its columns in random order."""
    graph = np.zeros((d, d), bool)
    while edges and not graph.any():
        graph = np.triu(rng.random((d, d)) < edges, 1)
    names = rng.permutation(d)
    return graph[np.ix_(names, names)]


def _values(rng: np.random.Generator, graph: np.ndarray, n: int, share: float, world: str) -> np.ndarray:
    d = len(graph)
    values, done = np.zeros((n, d)), []
    hidden = rng.standard_normal(n)
    moved = rng.choice(d, 2, replace=False) if world == "confounded" else []
    while len(done) < d:
        k = next(k for k in range(d) if k not in done and set(np.flatnonzero(graph[:, k])) <= set(done))
        causes = [values[:, j] for j in np.flatnonzero(graph[:, k])] + [hidden] * (k in moved)
        noise = rng.standard_normal(n)
        effect = sum(_mechanism(rng, cause, world) for cause in causes)
        values[:, k] = _joined(effect, noise, share) if causes else noise
        done.append(k)
    return values


def _mechanism(rng: np.random.Generator, cause: np.ndarray, world: str) -> np.ndarray:
    if world == "linear":
        return rng.choice([-1, 1]) * rng.uniform(0.5, 1.5) * cause
    if world == "heavy":
        return rng.choice([-1, 1]) * rng.uniform(0.5, 1.5) * cause**2
    return np.sin(rng.uniform(1.2, 2.4) * cause + rng.uniform(0, 2 * np.pi))


def _joined(effect: np.ndarray, noise: np.ndarray, share: float) -> np.ndarray:
    """Add noise to an effect of causes, so that the sum has variance 1 and the effect its share of it."""
    return np.sqrt(share) * (effect - effect.mean()) / effect.std() + np.sqrt(1 - share) * noise


def _group(rng: np.random.Generator, n: int, share: float) -> DrawnFactors:
    """Draw the world *group*: the effect of sex on the finding goes through heart size alone."""
    sex = rng.permutation(np.arange(n) % 2).astype(float)
    frequency, phase = rng.uniform(1.2, 1.6), rng.uniform(-0.3, 0.3)
    heart, bright = (_joined(sign * sex, rng.standard_normal(n), share) for sign in (1, rng.choice([-1, 1])))
    sine = np.sin(frequency * heart + phase)
    finding = _joined(sine, rng.standard_normal(n), share)
    moved = np.sqrt(share) / sex.std()  # heart size, by another sex
    means = [np.sin(frequency * (heart + (value - sex) * moved) + phase).mean() for value in (1, 0)]
    gap = float(np.sqrt(share) * (means[0] - means[1]) / sine.std())
    graph = np.zeros((4, 4), bool)
    graph[0, 1] = graph[0, 3] = graph[1, 2] = True
    values = pd.DataFrame(np.column_stack([sex, heart, finding, bright]), columns=list(GROUP_NAMES))
    return DrawnFactors(values, graph, gap)
