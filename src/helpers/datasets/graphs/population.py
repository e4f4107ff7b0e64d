"""Random graphs with one cycle, whose label, motif, marker and groups are related as a world plants it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.metrics.graphs import Graphs

# World -> share of graphs whose label agrees with the motif and with the marker; each is drawn apart from the other.
AGREEMENT = {
    "motif": {"motif": 1.0, "marker": 0.5},
    "shortcut": {"motif": 0.8, "marker": 0.97},
    "group": {"motif": 0.8, "marker": 0.97},  # of women; men are as in the world `motif`
    "null": {"motif": 0.5, "marker": 0.5},
}


class Drawn(NamedTuple):
    """Graphs and their cases: ``label, motif, marker, sex, site``."""

    graphs: Graphs
    cases: pd.DataFrame


def draw(rng: np.random.Generator, world: str, n: int, nodes: int) -> Drawn:
    """Draw graphs of `nodes` nodes and as many edges: a random tree, and one edge that closes the only cycle.

    The cycle is a triangle if there is a motif, and longer if not. The marker is one node of type 1. So neither the
    number of nodes nor that of edges has to do with the label, and the motif goes or comes by moving one edge.
    """
    label = rng.permutation(np.arange(n) % 2)
    woman = rng.random(n) < 0.5
    share = AGREEMENT[world]
    motif = np.where(rng.random(n) < share["motif"], label, 1 - label)
    marker = np.where(rng.random(n) < share["marker"], label, 1 - label)
    if world == "group":
        motif = np.where(woman, motif, label)
        marker = np.where(woman, marker, rng.integers(0, 2, n))
    edges = _with_cycle(rng, motif == 1, nodes)
    types = np.zeros((n, nodes), int)
    types[np.arange(n), rng.integers(0, nodes, n)] = marker
    cases = {"label": label, "motif": motif, "marker": marker}
    cases |= {"sex": np.where(woman, "female", "male"), "site": np.where(marker == 1, "B", "A")}
    return Drawn(Graphs(types, edges), pd.DataFrame(cases))


def _with_cycle(rng: np.random.Generator, triangle: np.ndarray, nodes: int) -> np.ndarray:
    """Draw trees and close a cycle in each: of three nodes, or of four and more; a star is drawn again."""
    edges = np.zeros((len(triangle), nodes, nodes), int)
    open_ones = np.arange(len(triangle))
    while len(open_ones):
        tree = random_trees(rng, len(open_ones), nodes)
        near = (tree @ tree > 0) & (tree == 0)
        free = np.where(triangle[open_ones, None, None], near, ~near & (tree == 0)) & np.triu(np.ones_like(tree[0]), 1)
        place = np.where(free, rng.random(tree.shape), -1).reshape(len(tree), -1).argmax(1)
        found = np.flatnonzero(free.any((1, 2)))
        one, other = np.divmod(place[found], nodes)
        tree[found, one, other] = tree[found, other, one] = 1
        edges[open_ones[found]] = tree[found]
        open_ones = np.delete(open_ones, found)
    return edges


def random_trees(rng: np.random.Generator, n: int, nodes: int) -> np.ndarray:
    """Draw adjacencies of labelled trees, all equally likely: decoded sequences of Pruefer (1918).

    Returns
    -------
    ndarray of int, shape (n, nodes, nodes)
    """
    code = rng.integers(0, nodes, (n, nodes - 2))
    degree = 1 + (code[:, :, None] == np.arange(nodes)).sum(1)
    tree, rows = np.zeros((n, nodes, nodes), int), np.arange(n)
    for step in range(nodes - 2):
        leaf, inner = (degree == 1).argmax(1), code[:, step]
        tree[rows, leaf, inner] = tree[rows, inner, leaf] = 1
        degree[rows, leaf] = 0
        degree[rows, inner] -= 1
    last = np.argsort(degree != 1, axis=1, kind="stable")[:, :2]
    tree[rows, last[:, 0], last[:, 1]] = tree[rows, last[:, 1], last[:, 0]] = 1
    return tree
