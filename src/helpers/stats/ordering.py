"""Orders of variables against a graph of causes: edges reversed, and trivial orders by variance or explained variance.

A graph is a square array of 0 and 1, in which row i has a 1 in column j if variable i is a cause of variable j.
An order lists the positions of the variables, causes first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from helpers.errors import InputError, check_choice

LEAST = 50  # rows of a table of factors
LEAST_TO_HALVE = 2 * LEAST  # rows of a table whose halves are ordered
WIDEST = 1e100  # span of a factor: a wider one cannot be squared and summed, nor one below its inverse
TRIVIAL = ("variance", "R2")  # values by which `trivial_order` sorts


class Reversed(NamedTuple):
    """Edges of a graph that an order reverses, and all edges."""

    count: int
    edges: int

    @property
    def share(self) -> float | None:
        """Compute the share of edges that are reversed; None for a graph without an edge."""
        return self.count / self.edges if self.edges else None


def check_factors(factors: ArrayLike, *, least: int = LEAST, columns: int = 2) -> np.ndarray:
    """Return a table of factors as floats of shape (n, d).

    Parameters
    ----------
    factors : array_like or DataFrame, shape (n, d)
        One row a case, one column a factor.
    least, columns : int
        Smallest n and d that are accepted.

    Raises
    ------
    InputError
        It is no such table, a value is missing or infinite, a column is constant or varies by more than 1e100 or less
        than 1e-100, two columns are equal up to shift and scale, or half of the rows or more are equal.
    """
    names = list(factors.columns) if isinstance(factors, pd.DataFrame) else None
    try:
        values = np.asarray(factors, float)
    except (TypeError, ValueError) as error:
        raise InputError("factors", f"not numbers ({error})", "Give one number for each case and factor") from None
    if values.ndim != 2 or values.shape[1] < columns:
        raise InputError("factors", f"shape {values.shape}, expected (n, {columns} or more)", "Give more factors")
    if len(values) < least:
        raise InputError("factors", f"{len(values)} rows are too few for an order", f"Give {least} or more")
    names = names or [str(k) for k in range(values.shape[1])]
    for name, column in zip(names, values.T, strict=True):
        if bad := int((~np.isfinite(column)).sum()):
            raise InputError(f"factor {name}", f"{bad} values are NaN or infinite", "Leave these rows out, counted")
        with np.errstate(over="ignore"):
            span = np.ptp(column)
        if span <= 1e-12 * np.abs(column).max(initial=0):
            raise InputError(f"factor {name}", "all values are equal", "Leave the column out: it has no order")
        if not 1 / WIDEST < span < WIDEST:
            raise InputError(f"factor {name}", f"values that span {span:.1g} cannot be squared", "Give another unit")
    alike = np.abs(np.corrcoef(values.T)) > 1 - 1e-9
    for i, j in combinations(range(values.shape[1]), 2):
        if alike[i, j]:
            problem = f"it equals {names[i]}, up to shift and scale"
            raise InputError(f"factor {names[j]}", problem, "Leave one of the two out")
    equal = np.unique(values, axis=0, return_counts=True)[1].max()
    if equal >= len(values) / 2:
        fix = "Leave repeated rows out, counted: a density has no curvature there"
        raise InputError("factors", f"{equal} of {len(values)} rows are equal", fix)
    return values


def check_graph(graph: ArrayLike, names: Sequence[str] | None = None) -> np.ndarray:
    """Return a graph of causes as bool of shape (d, d).

    Parameters
    ----------
    graph : array_like of 0 and 1, shape (d, d)
        Row i has a 1 in column j if i is a cause of j.
    names : sequence of str, optional
        Names of the variables, for messages.

    Raises
    ------
    InputError
        It is not square, has other values, or has a cycle, which the message names.
    """
    try:
        values = np.asarray(graph, float)
    except (TypeError, ValueError) as error:
        raise InputError("graph", f"not numbers ({error})", "Write 0 and 1") from None
    if values.ndim != 2 or len(set(values.shape)) > 1:
        raise InputError("graph", f"shape {values.shape} is not square", "Give a row and a column for each factor")
    if not np.isin(values, (0, 1)).all():
        raise InputError("graph", "values other than 0 and 1", "Write 1 where the row is a cause of the column")
    names = list(names) if names is not None else [str(k) for k in range(len(values))]
    if len(names) != len(values):
        raise InputError("graph", f"{len(values)} rows for {len(names)} factors", "Give one row for each factor")
    if cycle := _cycle(values > 0):
        path = " > ".join(names[k] for k in cycle)
        raise InputError("graph", f"it has a cycle, {path}, so no order agrees with it", "Give an acyclic graph")
    return values > 0


def _cycle(graph: np.ndarray) -> list[int]:
    """Return the nodes of a cycle, the first one repeated at the end; empty if there is none."""
    left = np.arange(len(graph))
    while len(left) and (roots := ~graph[np.ix_(left, left)].any(axis=0)).any():
        left = left[~roots]
    if not len(left):
        return []
    path = [int(left[0])]
    while path[-1] not in path[:-1]:  # each node that is left has a cause among those that are left
        path.append(int(left[graph[left, path[-1]].argmax()]))
    return path[path.index(path[-1]) :][::-1]


def graph_order(graph: ArrayLike) -> np.ndarray:
    """Return an order, int of shape (d,), that agrees with an acyclic graph; errors as in `check_graph`."""
    known, order = check_graph(graph), []
    while len(order) < len(known):
        left = [k for k in range(len(known)) if k not in order]
        order.append(next(k for k in left if not known[left, k].any()))
    return np.array(order, int)


def edges_reversed(order: ArrayLike, graph: ArrayLike) -> Reversed:
    """Count the edges of a graph whose effect comes before the cause in an order.

    This is the divergence of an order from a graph (Rolland et al. 2022): 0 if the order agrees with the graph; a
    random order reverses half of the edges on average.

    Raises
    ------
    InputError
        The order is not one of the graph's variables; or as in `check_graph`.
    """
    known = check_graph(graph)
    place = _places(order, len(known))
    cause, effect = np.nonzero(known)
    return Reversed(int((place[effect] < place[cause]).sum()), len(cause))


def _places(order: ArrayLike, d: int) -> np.ndarray:
    """Return the place of each variable in an order."""
    positions = np.asarray(order)
    if positions.shape != (d,) or sorted(positions.tolist()) != list(range(d)):
        raise InputError("order", f"{positions.tolist()} does not list {d} variables", "List each once, from 0")
    return np.argsort(positions)


def explained_by_others(factors: ArrayLike) -> np.ndarray:
    """Compute for each factor the share of its variance that the others explain linearly, shape (d,)."""
    values = check_factors(factors)
    precision = np.linalg.pinv(np.corrcoef(values.T))
    return 1 - 1 / np.maximum(np.diag(precision), 1)


def trivial_order(factors: ArrayLike, by: str, *, falling: bool = False) -> np.ndarray:
    """Sort factors by their variance, or by the share of it that the others explain, without any thought of causes.

    Simulated data often give their order away by the one (Reisach et al. 2021) or by the other (Reisach et al. 2023).

    Parameters
    ----------
    factors : array_like, shape (n, d)
    by : {"variance", "R2"}
    falling : bool
        Whether the largest value comes first.

    Returns
    -------
    ndarray of int, shape (d,)

    Raises
    ------
    InputError
        There is no such value; or as in `check_factors`.
    """
    check_choice("by", by, TRIVIAL)
    values = check_factors(factors)
    key = values.var(axis=0) if by == "variance" else explained_by_others(values)
    return np.argsort(-key if falling else key, kind="stable")


def order_agreement(orders: Sequence[ArrayLike]) -> float:
    """Compute the mean of Kendall's tau over all pairs of orders of the same variables; 1 if all are equal.

    Raises
    ------
    InputError
        There are fewer than two orders, or they list different variables.
    """
    if len(orders) < 2:
        raise InputError("orders", f"{len(orders)} cannot agree", "Give two or more")
    places = [_places(order, len(np.asarray(orders[0]))) for order in orders]
    return float(np.mean([stats.kendalltau(a, b).statistic for a, b in combinations(places, 2)]))


def ordered_pairs(
    factors: ArrayLike,
    find_order: Callable[[np.ndarray], ArrayLike],
    *,
    n_subsamples: int = 40,
    level: float = 0.05,
    seed: int = 0,
) -> pd.DataFrame:
    """Test for each pair of factors whether a method orders them, or gives them an arbitrary order.

    A subsample of half of the cases, drawn without replacement, varies about as much around the whole sample as the
    sample around the truth. So a pair counts as ordered if at most a share of `level` / 2 of the subsamples has the
    order that most of them do not have. Draws with replacement hold cases twice, which a density estimate takes for
    structure.

    Parameters
    ----------
    factors : array_like, shape (n, d)
    find_order : callable
        Takes an array of shape (n / 2, d) and returns an order.
    n_subsamples : int
        At least 2 / `level`.
    level : float
        Rate of false orders where a method has no reason to prefer one.
    seed : int

    Returns
    -------
    DataFrame
        One row for each pair: ``first, second`` (positions), ``share`` (of the subsamples in which `first` comes
        before `second`), and ``ordered``, bool.

    Raises
    ------
    InputError
        The level is not between 0 and 1, there are too few subsamples or, with less than 100, rows; or as in
        `check_factors`.
    """
    if not 0 < level < 1:
        raise InputError("level", f"{level!r} is not between 0 and 1", "Give 0.05 if in doubt")
    values = check_factors(factors, least=LEAST_TO_HALVE)
    if n_subsamples < 2 / level:
        problem = f"{n_subsamples} cannot show an order at the level {level:g}"
        raise InputError("n_subsamples", problem, f"Give {int(np.ceil(2 / level))} or more")
    rng, n = np.random.default_rng(seed), len(values)
    found = [find_order(values[rng.choice(n, n // 2, replace=False)]) for _ in range(n_subsamples)]
    places = np.stack([_places(order, values.shape[1]) for order in found])
    first, second = np.triu_indices(values.shape[1], 1)
    share = (places[:, first] < places[:, second]).mean(axis=0)
    rarer = np.minimum(share, 1 - share)
    return pd.DataFrame({"first": first, "second": second, "share": share, "ordered": rarer <= level / 2})
