"""Bounds of the graph edit distance between many pairs of graphs with typed nodes and typed edges.

An edit inserts, deletes or retypes one node or one edge, and costs 1. The exact distance takes exponential time, so
it is enclosed. A distance that is cut off after some time, as in
`networkx.graph_edit_distance` with a `timeout`, is neither a bound from below nor a tight one from above.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from helpers.errors import InputError
from helpers.metrics.graphs import Graphs, check_graphs, padded


class EditBounds(NamedTuple):
    """Bounds of a distance, and the alignment that attains the upper one, see `edit_bounds`."""

    lower: np.ndarray
    upper: np.ndarray
    order: np.ndarray


def edit_bounds(first: Graphs, second: Graphs) -> EditBounds:
    """Compute bounds of the edit distance of each pair of graphs.

    Parameters
    ----------
    first, second : Graphs
        n graphs each, of up to V and W nodes. `first` may also hold one graph, which is paired with all of `second`.

    Returns
    -------
    lower : ndarray of int, shape (n,)
        No alignment needs fewer edits: the least cost of an assignment of nodes with their edges, in which an edge
        that differs counts half at each of its ends (the branch bound: Zheng et al. 2015, IEEE TKDE 27:68), rounded up.
    upper : ndarray of int, shape (n,)
        Edits under the better of two alignments, the places of the nodes as given and that assignment, each improved
        by exchanges of two nodes until none helps. It is never below the distance, and it is 0 for equal graphs.
    order : ndarray of int, shape (n, max(V, W))
        Node of `second` at the place of each node of `first`; numbers from W are places without a node.

    Raises
    ------
    InputError
        As in `check_graphs`, or the numbers of graphs differ.
    """
    one, other = _paired(first, second)
    cost = _branch_costs(one, other)
    assigned = np.array([linear_sum_assignment(square)[1] for square in cost], int).reshape(one.types.shape)
    lower = np.ceil(np.take_along_axis(cost, assigned[:, :, None], 2).sum((1, 2)) - 1e-6).astype(int)
    starts = [np.broadcast_to(np.arange(one.types.shape[1]), one.types.shape), assigned]
    orders = [_improved(one, other, start) for start in starts]
    edits = np.stack([_edits(one, _arranged(other, order)) for order in orders])
    best = edits.argmin(0)
    order = np.where(best[:, None] == 0, *orders)
    return EditBounds(lower, edits.min(0), order)


def edits_in_place(first: Graphs, second: Graphs) -> np.ndarray:
    """Count edits between graphs whose nodes are in the same places, such as a graph and its counterfactual.

    Returns
    -------
    ndarray of int, shape (n,)
        Edge changes and changes of node types: an upper bound of the edit distance.

    Raises
    ------
    InputError
        As in `edit_bounds`.
    """
    return _edits(*_paired(first, second))


def arranged(graphs: Graphs, order: np.ndarray) -> Graphs:
    """Return graphs with their nodes in another order, shape (n, V), such as that of `edit_bounds`."""
    return _arranged(padded(graphs, order.shape[1]), order)


def _paired(first: Graphs, second: Graphs) -> tuple[Graphs, Graphs]:
    one, other = check_graphs(first, "first"), check_graphs(second, "second")
    if len(one.types) not in (1, len(other.types)):
        problem = f"{len(one.types)} and {len(other.types)} graphs cannot be paired"
        raise InputError("first and second", problem, "Give as many of both")
    places = max(one.types.shape[1], other.types.shape[1])
    one, other = padded(one, places), padded(other, places)
    n = len(other.types)
    return Graphs(*(np.broadcast_to(part, (n, *part.shape[1:])) for part in one)), other


def _edits(one: Graphs, other: Graphs) -> np.ndarray:
    return (one.types != other.types).sum(1) + (one.edges != other.edges).sum((1, 2)) // 2


def _arranged(graphs: Graphs, order: np.ndarray) -> Graphs:
    rows = np.arange(len(order))[:, None]
    return Graphs(graphs.types[rows, order], graphs.edges[rows[:, :, None], order[:, :, None], order[:, None, :]])


def _kinds(one: Graphs, other: Graphs) -> range:
    return range(1, max(int(one.edges.max(initial=0)), int(other.edges.max(initial=0))) + 1)


def _branch_costs(one: Graphs, other: Graphs) -> np.ndarray:
    """Compute the cost of placing each node of `other` at each node of `one`, shape (n, V, V)."""
    degree = [(graphs.edges != 0).sum(2) for graphs in (one, other)]
    differ = np.maximum(degree[0][:, :, None], degree[1][:, None, :]).astype(float)
    for kind in _kinds(one, other):
        counts = [(graphs.edges == kind).sum(2) for graphs in (one, other)]
        differ -= np.minimum(counts[0][:, :, None], counts[1][:, None, :])
    return (one.types[:, :, None] != other.types[:, None, :]) + differ / 2


def _improved(one: Graphs, other: Graphs, order: np.ndarray) -> np.ndarray:
    """Optimise an order by exchanging two nodes as long as this saves edits, the best first, in all pairs at once."""
    order, open_ones = order.copy(), np.arange(len(order))
    upper = np.triu_indices(order.shape[1], 1)
    while len(open_ones) and len(upper[0]):
        left = Graphs(*(part[open_ones] for part in one))
        right = _arranged(Graphs(*(part[open_ones] for part in other)), order[open_ones])
        gain = _changes(left, right)[:, upper[0], upper[1]]
        best = gain.argmin(1)
        better = np.take_along_axis(gain, best[:, None], 1)[:, 0] < 0
        open_ones, best = open_ones[better], best[better]
        a, b = upper[0][best], upper[1][best]
        order[open_ones, a], order[open_ones, b] = order[open_ones, b], order[open_ones, a]
    return order


def _changes(one: Graphs, other: Graphs) -> np.ndarray:
    """Compute the change in edits if nodes a and b of `other` are exchanged, shape (n, V, V), for a < b.

    Of the edges, those of a and of b change, but not the edge between both.
    """
    places = one.types.shape[1]
    equal = np.zeros(one.edges.shape, np.float32)
    for kind in (0, *_kinds(one, other)):
        equal += (one.edges == kind).astype(np.float32) @ (other.edges == kind).astype(np.float32)
    rows = places - equal  # places at which row a of `one` and row b of `other` differ
    rows += one.types[:, :, None] != other.types[:, None, :]
    kept = np.einsum("naa->na", rows)
    between = (one.edges != other.edges) * 2.0 - 2.0 * (one.edges != 0) - 2.0 * (other.edges != 0)
    return rows + rows.transpose(0, 2, 1) - kept[:, :, None] - kept[:, None, :] + between
