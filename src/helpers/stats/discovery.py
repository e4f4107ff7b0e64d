"""A small PC algorithm with Fisher's z test, and the arrows of its graph that a true graph does not have."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from helpers.errors import InputError
from helpers.stats.ordering import check_factors, check_graph

MOST = 8  # variables


class Arrows(NamedTuple):
    """Arrows of a found graph that are wrong, all its arrows, and all its edges, with or without direction."""

    wrong: int
    arrows: int
    edges: int


def pc_graph(factors: ArrayLike, *, alpha: float = 0.05) -> np.ndarray:
    """Find a graph by tests of conditional independence, as far as they direct its edges.

    The stable PC algorithm (Spirtes and Glymour 1991; Colombo and Maathuis 2014): edges are removed while a partial
    correlation given some neighbours is not significant by Fisher's z, colliders get their arrows, and three rules of
    Meek (1995) direct what follows from them. Where two colliders disagree, the first is kept.

    Parameters
    ----------
    factors : array_like, shape (n, d)
        At most 8 columns.
    alpha : float
        Level of each test.

    Returns
    -------
    ndarray of bool, shape (d, d)
        True in [i, j] alone for an arrow from i to j, and in both places for an edge without direction.

    Raises
    ------
    InputError
        There are too many columns, the level is no share, or the cases are too few for the tests; or as in
        `helpers.stats.ordering.check_factors`.
    """
    values = check_factors(factors)
    n, d = values.shape
    if d > MOST:
        raise InputError("factors", f"{d} columns, at most {MOST} are tested", "Choose some of them")
    if not 0 < alpha < 1:
        raise InputError("alpha", f"{alpha!r} is not a level between 0 and 1", "Give 0.05 if in doubt")
    edges, separators = _skeleton(np.corrcoef(values.T), n, alpha)
    return _directed(_with_colliders(edges, separators))


def fisher_z(correlation: np.ndarray, i: int, j: int, given: tuple[int, ...], n: int) -> float:
    """Compute the p value of the partial correlation of two variables given others, by Fisher's z.

    Parameters
    ----------
    correlation : ndarray, shape (d, d)
    i, j : int
    given : tuple of int
    n : int
        Cases.
    """
    part = correlation[np.ix_([i, j, *given], [i, j, *given])]
    precision = np.linalg.pinv(part)
    r = np.clip(-precision[0, 1] / np.sqrt(precision[0, 0] * precision[1, 1]), -1 + 1e-12, 1 - 1e-12)
    return float(2 * stats.norm.sf(np.sqrt(n - len(given) - 3) * abs(np.arctanh(r))))


def _skeleton(correlation: np.ndarray, n: int, alpha: float) -> tuple[np.ndarray, dict[frozenset, set[int]]]:
    """Return the edges, symmetric bool, and the variables that separate each removed pair."""
    d = len(correlation)
    edges, separators = ~np.eye(d, dtype=bool), {}
    for size in range(d - 1):
        before = edges.copy()  # of this size, so that the order of the variables does not matter
        for i, j in permutations(range(d), 2):
            others = [k for k in np.flatnonzero(before[i]) if k != j]
            if not before[i, j] or len(others) < size:
                continue
            found = [s for s in combinations(others, size) if fisher_z(correlation, i, j, s, n) > alpha]
            if found:
                edges[i, j] = edges[j, i] = False
                separators.setdefault(frozenset((i, j)), set()).update(*found)
    return edges, separators


def _with_colliders(edges: np.ndarray, separators: dict[frozenset, set[int]]) -> np.ndarray:
    """Direct both edges into k where i - k - j are no triangle and k does not separate i from j."""
    graph = edges.copy()
    for i, j in combinations(range(len(edges)), 2):
        if edges[i, j]:
            continue
        for k in np.flatnonzero(edges[i] & edges[j]):
            free = graph[i, k] and graph[j, k]  # no earlier collider has turned one of the two around
            if k not in separators[frozenset((i, j))] and free:
                graph[k, i] = graph[k, j] = False
    return graph


def _directed(graph: np.ndarray) -> np.ndarray:
    """Direct further edges until no rule of Meek applies: no new collider, and no cycle."""
    graph, changed = graph.copy(), True
    while changed:
        changed = False
        arrow = graph & ~graph.T
        for i, j in np.argwhere(graph & graph.T):
            beyond = arrow[:, i] & ~graph[:, j] & ~graph[j]  # k -> i - j, and k is no neighbour of j
            between = arrow[i] & arrow[:, j]  # i -> k -> j
            sides = np.flatnonzero((graph[i] & graph[:, i]) & arrow[:, j])  # i - k -> j, twice
            apart = any(not (graph[a, b] or graph[b, a]) for a, b in combinations(sides, 2))
            if beyond.any() or between.any() or apart:
                graph[j, i], changed = False, True
                break
    return graph


def wrong_arrows(found: ArrayLike, graph: ArrayLike) -> Arrows:
    """Count the arrows of a found graph that the true graph does not have.

    A graph without arrows has none that is wrong, so the count means nothing without the number of arrows.

    Parameters
    ----------
    found : array_like of bool, shape (d, d)
        From `pc_graph`.
    graph : array_like of 0 and 1, shape (d, d)
        The true graph, acyclic.

    Raises
    ------
    InputError
        The two have different sizes; or as in `helpers.stats.ordering.check_graph`.
    """
    known, got = check_graph(graph), np.asarray(found, bool)
    if got.shape != known.shape:
        raise InputError("found", f"shape {got.shape}, the graph has {known.shape}", "Give graphs of one size")
    arrows = got & ~got.T
    return Arrows(int((arrows & ~known).sum()), int(arrows.sum()), int(np.triu(got | got.T).sum()))
