"""Bounds of the graph edit distance enclose that of networkx, and are exact where the answer is plain."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from helpers import metrics
from helpers.errors import InputError
from helpers.metrics.graph_edits import arranged
from helpers.metrics.graphs import Graphs


def random_graphs(seed: int, n: int, places: int, *, types: int = 3, kinds: int = 2, least: int = 1) -> Graphs:
    rng = np.random.default_rng(seed)
    there = np.arange(places) < rng.integers(least, places + 1, n)[:, None]
    upper = np.triu(rng.integers(1, kinds + 1, (n, places, places)) * (rng.random((n, places, places)) < 0.4), 1)
    both = there[:, :, None] & there[:, None, :]
    return Graphs(np.where(there, rng.integers(0, types, (n, places)), -1), (upper + upper.transpose(0, 2, 1)) * both)


def as_networkx(types: np.ndarray, edges: np.ndarray) -> nx.Graph:
    graph = nx.Graph()
    graph.add_nodes_from((i, {"type": int(kind)}) for i, kind in enumerate(types) if kind >= 0)
    pairs = zip(*np.nonzero(np.triu(edges)), strict=True)
    graph.add_edges_from((i, j, {"type": int(edges[i, j])}) for i, j in pairs)
    return graph


def distance(first: Graphs, second: Graphs, i: int) -> float:
    pair = [as_networkx(graphs.types[i], graphs.edges[i]) for graphs in (first, second)]
    same = lambda one, other: one["type"] == other["type"]  # noqa: E731
    return nx.graph_edit_distance(*pair, node_match=same, edge_match=same)


@pytest.mark.parametrize(("places", "kinds"), [((4, 4), 2), ((5, 3), 1)])
def test_bounds_enclose_the_distance(places, kinds):
    first, second = (random_graphs(seed, 12, size, kinds=kinds) for seed, size in zip((1, 2), places, strict=True))
    found = metrics.edit_bounds(first, second)
    exact = np.array([distance(first, second, i) for i in range(12)])
    assert (found.lower <= exact).all() and (exact <= found.upper).all()
    assert (found.lower == exact).mean() >= 0.5 and (found.upper == exact).mean() >= 0.75


def test_the_upper_bound_is_attained_by_its_order():
    first, second = random_graphs(3, 30, 8), random_graphs(4, 30, 6)
    found = metrics.edit_bounds(first, second)
    assert (metrics.edits_in_place(first, arranged(second, found.order)) == found.upper).all()
    assert (np.sort(found.order, 1) == np.arange(8)).all()
    assert (found.upper <= metrics.edits_in_place(first, second)).all()


def test_shuffled_graphs_are_equal():
    """Exchanges of two nodes find the alignment of most graphs; the lower bound is 0 for all."""
    first = random_graphs(5, 40, 7, least=7)
    order = np.stack([np.random.default_rng(i).permutation(7) for i in range(40)])
    found = metrics.edit_bounds(first, arranged(first, order))
    assert (found.lower == 0).all() and (found.upper == 0).mean() > 0.9
    assert (metrics.edit_bounds(first, first).upper == 0).all()


@pytest.mark.parametrize(("edit", "expected"), [("edge", 1), ("node type", 1), ("edge type", 1), ("move", 2)])
def test_a_known_edit_is_counted(edit, expected):
    first = random_graphs(6, 20, 7, types=7, least=7)
    types, edges = (part.copy() for part in first)
    for i, square in enumerate(edges):
        free, taken = (np.argwhere(np.triu(mask, 1))[0] for mask in (square == 0, square > 0))
        if edit == "node type":
            types[i, 0] = 9
        elif edit == "edge type":
            square[tuple(taken)] = square[tuple(taken[::-1])] = 3 - square[tuple(taken)]
        else:
            square[tuple(free)] = square[tuple(free[::-1])] = 1
            if edit == "move":
                square[tuple(taken)] = square[tuple(taken[::-1])] = 0
    found = metrics.edit_bounds(first, Graphs(types, edges))
    assert (metrics.edits_in_place(first, Graphs(types, edges)) == expected).all()
    assert (found.upper <= expected).all() and (found.lower <= found.upper).all()
    assert (found.lower >= 1).mean() > 0.9


def test_a_padding_place_costs_nothing_and_a_node_with_its_edges_each_one():
    triangle = Graphs(np.zeros((1, 3), int), (1 - np.eye(3, dtype=int))[None])
    pair = Graphs(np.array([[0, 0, -1]]), np.array([[[0, 1, 0], [1, 0, 0], [0, 0, 0]]]))
    found = metrics.edit_bounds(triangle, pair)
    assert found.lower.tolist() == found.upper.tolist() == [3]
    assert metrics.edit_bounds(pair, Graphs(pair.types[:, :2], pair.edges[:, :2, :2])).upper.tolist() == [0]


def test_one_graph_is_paired_with_all():
    second = random_graphs(7, 5, 6)
    one = Graphs(*(part[:1] for part in second))
    repeated = Graphs(*(np.repeat(part, 5, 0) for part in one))
    assert (metrics.edit_bounds(one, second).upper == metrics.edit_bounds(repeated, second).upper).all()


@pytest.mark.parametrize(
    ("types", "edges", "message"),
    [
        (np.zeros((2, 3)), np.zeros((2, 3, 2)), "do not fit"),
        (np.zeros((1, 2)), np.array([[[0, 1], [0, 0]]]), "first, graph 0: an edge has one direction only"),
        (np.zeros((1, 2)), np.array([[[1, 0], [0, 0]]]), "a node has an edge to itself"),
        (np.array([[0, -1]]), np.array([[[0, 1], [1, 0]]]), "an edge ends where there is no node"),
        (np.zeros((2, 2)), np.zeros((2, 2, 2)), "2 and 3 graphs cannot be paired"),
    ],
)
def test_bad_graphs_are_refused(types, edges, message):
    with pytest.raises(InputError, match=message):
        metrics.edit_bounds(Graphs(types, edges), random_graphs(0, 3, 2))
