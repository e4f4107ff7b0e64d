"""Dense batches of graphs with typed nodes and typed edges, and plain facts about each graph."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from helpers.errors import InputError


class Graphs(NamedTuple):
    """Undirected graphs of up to V nodes as two arrays; places without a node are padding.

    types : ndarray of int, shape (n, V)
        Type of each node from 0, and -1 where there is no node.
    edges : ndarray of int, shape (n, V, V)
        0 where there is no edge, else 1 and the type of the edge from 0; symmetric, with a diagonal of 0.
    """

    types: np.ndarray
    edges: np.ndarray


def check_graphs(graphs: Graphs, name: str = "graphs") -> Graphs:
    """Return graphs as arrays of integers.

    Raises
    ------
    InputError
        Shapes do not fit, an edge has one direction only or ends at padding, or there is a self-loop.
    """
    types, edges = np.asarray(graphs[0]), np.asarray(graphs[1])
    if types.ndim != 2 or edges.shape != (*types.shape, types.shape[-1]):
        problem = f"types of shape {types.shape} and edges of shape {edges.shape} do not fit"
        raise InputError(name, problem, "Give (n, V) and (n, V, V)")
    there = types >= 0
    wrong = {
        "an edge has one direction only": edges != edges.transpose(0, 2, 1),
        "a node has an edge to itself": (edges != 0) & np.eye(types.shape[1], dtype=bool),
        "an edge ends where there is no node": (edges != 0) & ~(there[:, :, None] & there[:, None, :]),
    }
    for problem, bad in wrong.items():
        if bad.any():
            raise InputError(f"{name}, graph {int(bad.any((1, 2)).argmax())}", problem, "Correct the edges")
    return Graphs(types, edges)


def padded(graphs: Graphs, places: int) -> Graphs:
    """Give graphs more places for nodes, all of them empty; `places` is at least V."""
    more = places - graphs.types.shape[1]
    types = np.pad(graphs.types, ((0, 0), (0, more)), constant_values=-1)
    return Graphs(types, np.pad(graphs.edges, ((0, 0), (0, more), (0, more))))


def graph_facts(graphs: Graphs) -> dict[str, np.ndarray]:
    """Compute numbers of nodes, edges and triangles of each graph, and whether it is connected.

    Returns
    -------
    dict of ndarray, each of shape (n,)
        ``nodes``, ``edges`` and ``triangles`` (the trace of the third power of the adjacency, over 6) of int, and
        ``connected`` of bool; a graph without a node is not connected.
    """
    there, linked = graphs.types >= 0, (graphs.edges != 0).astype(np.float32)
    triangles = np.einsum("nij,nji->n", linked @ linked, linked) / 6
    reach = linked + np.eye(linked.shape[1], dtype=np.float32)
    for _ in range(max(int(np.ceil(np.log2(max(linked.shape[1], 2)))), 1)):
        reach = (reach @ reach > 0).astype(np.float32)
    first = there.argmax(1)
    reached = reach[np.arange(len(there)), first] > 0
    return {
        "nodes": there.sum(1),
        "edges": (linked.sum((1, 2)) / 2).round().astype(int),
        "triangles": triangles.round().astype(int),
        "connected": there.any(1) & (reached | ~there).all(1),
    }
