"""Bounds of the graph edit distance against networkx, at node and edge labels."""

import numpy as np

from helpers import metrics
from tests.benchmarks import contest
from tests.helpers.test_metrics_graph_edits import distance, random_graphs


def test_bounds_of_twenty_pairs_of_seven_nodes():
    first, second = (random_graphs(seed, 20, 7, least=7) for seed in (0, 1))
    turns = contest.take_turns(
        {
            "ours": lambda: metrics.edit_bounds(first, second),
            "networkx": lambda: np.array([distance(first, second, i) for i in range(20)]),
        },
    )
    found, exact = turns["ours"][0]["found"], turns["networkx"][0]["found"]
    assert (found.lower <= exact).all() and (exact <= found.upper).all()
    contest.at_least(1_000, "bounds of the edit distance, 20 pairs of 7 nodes", turns, "networkx", package="networkx")
