"""The study's first experiment: orders of simulated factors by SCORE and trivial rivals, and pairs called ordered."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers import learn, stats
from helpers.datasets import DrawnFactors, draw_factors

SCORE = "SCORE"
BASELINES = ("random", "variance up", "variance down", "R2 up", "R2 down")
METHODS = (*BASELINES, SCORE)  # what is printed first comes first
SEX = "sex"  # binary, so it is conditioned on, and comes before all others


def orders_of(
    values: ArrayLike, *, groups: ArrayLike | None = None, eta: float = 0.01, seed: int = 0
) -> dict[str, np.ndarray]:
    """Order factors by each method.

    Parameters
    ----------
    values : array_like, shape (n, d)
        At most 3,000 rows.
    groups : array_like, shape (n,), optional
        A variable that is conditioned on: means of the groups are taken away before factors are sorted.
    eta : float
        As in `helpers.learn.score_order`.
    seed : int
        Seed of the random order.

    Returns
    -------
    dict
        Name of the method to an order, causes first.
    """
    table = np.asarray(values, float)
    if groups is not None:
        table = table - pd.DataFrame(table).groupby(np.asarray(groups)).transform("mean").to_numpy()
    return trivial_orders(table, seed=seed) | {SCORE: learn.score_order(table, groups=groups, eta=eta).order}


def trivial_orders(values: ArrayLike, *, seed: int = 0) -> dict[str, np.ndarray]:
    """Order factors at random, and by their variance and explained variance, each way; by method."""
    table = stats.check_factors(values)
    found = {"random": np.random.default_rng((seed, 5)).permutation(table.shape[1])}
    for by in ("variance", "R2"):
        for way, falling in (("up", False), ("down", True)):
            found[f"{by} {way}"] = stats.trivial_order(table, by, falling=falling)
    return found


def apart(drawn: DrawnFactors) -> tuple[pd.DataFrame, np.ndarray, np.ndarray | None]:
    """Take sex out of the factors: return the others, the graph between them, and sex (None where there is none)."""
    if SEX not in drawn.values:
        return drawn.values, drawn.graph, None
    others = drawn.values.columns != SEX
    return drawn.values.loc[:, others], drawn.graph[np.ix_(others, others)], drawn.values[SEX].to_numpy()


def order_job(world: str, d: int, n: int, seed: int, *, share: float = 0.5, eta: float = 0.01) -> list[dict[str, Any]]:
    """Draw a graph and its factors, and count the edges that each method's order reverses.

    Parameters
    ----------
    world, d, n, share, seed
        As in `helpers.datasets.draw_factors`.
    eta : float

    Returns
    -------
    list of dict
        A row a method: ``method``, ``reversed`` and ``edges`` (counts), ``share`` (None without an edge).
    """
    values, graph, groups = apart(draw_factors(world, n, d=d, share=share, seed=seed))
    rows = []
    for method, order in orders_of(values, groups=groups, eta=eta, seed=seed).items():
        found = stats.edges_reversed(order, graph)
        rows.append({"method": method, "reversed": found.count, "edges": found.edges, "share": found.share})
    return rows


def pairs_job(
    world: str, seed: int, *, d: int = 4, n: int = 400, share: float = 0.5, eta: float = 0.01, n_subsamples: int = 40
) -> dict[str, Any]:
    """Draw factors, and count the pairs that SCORE orders at 5%, by subsamples of half of the cases.

    Returns
    -------
    dict
        ``pairs`` and ``ordered``, and of the pairs with an edge ``edges``, and ``right`` and ``wrong``, those that are
        ordered as the edge and against it.
    """
    values, graph, groups = apart(draw_factors(world, n, d=d, share=share, seed=seed))
    if groups is not None:  # subsamples of the rows alone would lose which group a row is of
        values = values - values.groupby(groups).transform("mean")
    find = partial(scored, eta=eta)
    pairs = stats.ordered_pairs(values, find, n_subsamples=n_subsamples, seed=seed)
    first, second = pairs["first"].to_numpy(), pairs["second"].to_numpy()
    edge, back = graph[first, second], graph[second, first]
    before = pairs["share"].to_numpy() > 0.5
    called = pairs["ordered"].to_numpy()
    right = called & ((edge & before) | (back & ~before))
    wrong = called & ((edge & ~before) | (back & before))
    counts = {"pairs": len(pairs), "ordered": called.sum(), "edges": (edge | back).sum()}
    return {name: int(v) for name, v in {**counts, "right": right.sum(), "wrong": wrong.sum()}.items()}


def scored(values: np.ndarray, *, eta: float) -> np.ndarray:
    """Return SCORE's order of factors, int of shape (d,), without its variances."""
    return learn.score_order(values, eta=eta).order
