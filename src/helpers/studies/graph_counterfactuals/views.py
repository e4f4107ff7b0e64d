"""Views of the study: a graph and its counterfactual in one drawing, and a table of the methods in one world."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from helpers import figures
from helpers.errors import check_choice
from helpers.metrics.graphs import Graphs
from helpers.studies.graph_counterfactuals.measuring import MARKER, counterfactual_rates, known_measures


def draw_edits(before: Graphs, after: Graphs, place: int, *, ax: Axes) -> Axes:
    """Draw a graph and its counterfactual at the same places of nodes, which depend on the graph alone.

    Parameters
    ----------
    before, after : Graphs
        Graphs and their counterfactuals, in the same order of nodes.
    place : int
        Number of the graph in both.
    ax : matplotlib.axes.Axes
        Kept edges are thin and grey, removed ones dashed, added ones bold. A marker before is a filled square, and
        one that came or went has a ring.
    """
    import networkx as nx

    there = np.flatnonzero(before.types[place] >= 0)
    squares = [graphs.edges[place] > 0 for graphs in (before, after)]
    spots = nx.spring_layout(nx.from_numpy_array(squares[0][np.ix_(there, there)]), seed=0)
    at = np.zeros((before.types.shape[1], 2))
    at[there] = [spots[i] for i in range(len(there))]
    looks = {
        "kept": (squares[0] & squares[1], {"color": figures.GREY, "lw": 1}),
        "removed": (squares[0] & ~squares[1], {"color": figures.VERMILION, "lw": 1.5, "ls": "--"}),
        "added": (~squares[0] & squares[1], {"color": figures.BLUE, "lw": 3}),
    }
    for name, (edges, look) in looks.items():
        for i, pair in enumerate(np.argwhere(np.triu(edges))):
            ax.plot(*at[pair].T, **look, zorder=1, label=name if i == 0 else None)
    types = [graphs.types[place] for graphs in (before, after)]
    marked = there[types[0][there] == MARKER]
    plain = there[types[0][there] != MARKER]
    ax.scatter(*at[plain].T, s=40, color="white", edgecolor="black", zorder=2)
    ax.scatter(*at[marked].T, s=60, marker="s", color="black", zorder=2)
    turned = there[types[0][there] != types[1][there]]
    ax.scatter(*at[turned].T, s=180, facecolor="none", edgecolor=figures.ORANGE, lw=2, zorder=3)
    ax.margins(0.1)  # a ring at the edge is not cut
    ax.set_axis_off()
    return ax


def walk_view(rows: pd.DataFrame, world: str) -> pd.DataFrame:
    """Tabulate the methods in one world: shares of graphs by measure, and both bounds of edits, means of valid ones.

    Raises
    ------
    InputError
        There is no such world.
    """
    check_choice("world", world, rows["world"].unique())
    part = rows[rows["world"] == world]
    shares = {name: counterfactual_rates(part, name).set_index("method")["rate"] for name in known_measures(part)}
    valid = part[part["valid"].astype(bool)].groupby("method")[["edits_low", "edits"]].mean()
    table = pd.DataFrame(shares).assign(**valid)
    return table.loc[part["method"].drop_duplicates()]
