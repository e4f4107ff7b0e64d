"""Measures of a counterfactual: validity on hard graphs, edits, support, transfer, and the planted truth it changes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers import stats
from helpers.errors import InputError
from helpers.learn import GraphClassifier
from helpers.metrics.graph_edits import edit_bounds, edits_in_place
from helpers.metrics.graphs import Graphs, graph_facts
from helpers.studies.graph_counterfactuals.baselines import predicted

MARKER = 1  # type of the node that represents the site
MEASURES = ("valid", "support", "transfer", "motif_changed", "marker_changed", "edges_changed", "types_changed")


class Support(NamedTuple):
    """Facts that all training graphs share, see `support_of`: more than that is not asked of a graph."""

    connected: bool
    edges: frozenset[int]
    markers: frozenset[int]


def support_of(known: Graphs) -> Support:
    """Describe training graphs: whether all are connected, and their numbers of edges and of nodes not of type 0."""
    facts = graph_facts(known)
    markers = (known.types > 0).sum(1)
    return Support(bool(facts["connected"].all()), frozenset(facts["edges"].tolist()), frozenset(markers.tolist()))


def in_support(support: Support, graphs: Graphs) -> np.ndarray:
    """Return for each graph whether it shares those facts, bool of shape (n,).

    If all training graphs have as many edges, as thresholded connectomes have, one more edge leaves the support.
    """
    facts = graph_facts(graphs)
    known = np.isin(facts["edges"], list(support.edges)) & np.isin((graphs.types > 0).sum(1), list(support.markers))
    return known & (facts["connected"] | (not support.connected))


def measured(
    graphs: Graphs,
    found: Graphs,
    *,
    classifier: GraphClassifier,
    second: GraphClassifier,
    support: Support,
) -> pd.DataFrame:
    """Measure one counterfactual of each graph.

    Parameters
    ----------
    graphs, found : Graphs
        Graphs and their counterfactuals, with nodes in the same places.
    classifier, second : GraphClassifier
        The classifier that is explained, and one from another seed.
    support : Support
        From `support_of`.

    Returns
    -------
    DataFrame
        One row for each graph: ``valid`` (the class is not that of the graph), ``edits`` (an upper bound: in place or
        aligned) and ``edits_low`` (a lower bound), ``support``, ``transfer`` (of valid ones: `second` gives the
        target; else missing), ``motif_changed`` and ``marker_changed`` (a triangle or a marker came or went),
        ``edges_changed`` and ``types_changed``, and ``on_motif`` (share of changed edges that are edges of a triangle
        before or after; missing without any).
    """
    before, after = predicted(classifier, graphs), predicted(classifier, found)
    bounds = edit_bounds(graphs, found)
    valid = before != after
    changed = graphs.edges != found.edges
    on = changed & (_in_triangle(graphs) | _in_triangle(found))
    n_changed = changed.sum((1, 2))
    triangles = [graph_facts(part)["triangles"] > 0 for part in (graphs, found)]
    markers = [(part.types == MARKER).any(1) for part in (graphs, found)]
    with np.errstate(invalid="ignore"):
        on_motif = on.sum((1, 2)) / n_changed
    return pd.DataFrame(
        {
            "valid": valid,
            "edits": np.minimum(bounds.upper, edits_in_place(graphs, found)),
            "edits_low": bounds.lower,
            "support": in_support(support, found),
            "transfer": np.where(valid, (predicted(second, found) == 1 - before).astype(float), np.nan),
            "motif_changed": triangles[0] != triangles[1],
            "marker_changed": markers[0] != markers[1],
            "edges_changed": n_changed > 0,
            "types_changed": (graphs.types != found.types).any(1),
            "on_motif": on_motif,
        }
    )


def _in_triangle(graphs: Graphs) -> np.ndarray:
    linked = (graphs.edges != 0).astype(np.float32)
    return (linked @ linked > 0) & (linked > 0)


def known_measures(rows: pd.DataFrame) -> list[str]:
    """List the `MEASURES` that some row has; of real graphs no motif and no marker is known."""
    return [name for name in MEASURES if rows[name].notna().any()]


def counterfactual_rates(
    rows: pd.DataFrame, measure: str, *, by: tuple[str, ...] = ("world", "method")
) -> pd.DataFrame:
    """Compute the share of graphs for which a measure holds, with Wilson's interval; missing ones are left out.

    Raises
    ------
    InputError
        The measure is none of `MEASURES`, or missing in all rows.
    """
    if measure not in MEASURES:
        raise InputError("measure", f"must be one of {', '.join(MEASURES)}, got {measure!r}", "Give one of these")
    part = rows[rows[measure].notna()]
    if part.empty:
        raise InputError("measure", f"{measure} is missing in all rows", "Choose one of `known_measures`")
    return stats.rates_by(part, part[measure].astype(bool), by=list(by))


def discovery(rows: pd.DataFrame, method: str, world: str = "shortcut", control: str = "motif") -> dict[str, Any]:
    """Compute how often valid counterfactuals change the marker where it is the shortcut, and where it is not.

    Returns
    -------
    dict
        ``found`` in `world` and ``false`` in `control`, each with ``estimate, low, high`` (Wilson) and ``n``; a world
        without a valid counterfactual is left out.
    """
    values = {}
    for name, place in (("found", world), ("false", control)):
        share = discovery_of(rows[rows["world"] == place], method)
        if share is not None:
            values[name] = share
    return values


def discovery_of(rows: pd.DataFrame, method: str) -> dict[str, Any] | None:
    """Compute the share of the valid counterfactuals of a method that change the marker; None if none is valid."""
    part = rows[(rows["method"] == method) & rows["valid"].astype(bool)]
    if part.empty:
        return None
    row = counterfactual_rates(part, "marker_changed", by=("method",)).iloc[0]
    return stats.estimate({"estimate": row["rate"], "low": row["low"], "high": row["high"]}, units=row["n"])


def statistics(rows: pd.DataFrame, *, n_boot: int = 2_000, seed: int = 0) -> dict[str, dict[str, Any]]:
    """Estimate what each claim is about, by its id, on the graphs of one world.

    Parameters
    ----------
    rows : DataFrame
        Rows of one data set, a row for each graph and method.
    n_boot, seed : int
        Draws of graphs, with all methods of a graph together, behind an interval.

    Returns
    -------
    dict
        ``valid`` (validity of the walk less that of as many random edits), ``robust`` (less that of decoded samples of
        the prior), ``nearest`` (edits of the nearest training graph less those of valid walks), ``support`` (share in
        the support, valid walks less as many random edits) and ``marker`` (the same of the share that changes the
        marker, by which a shortcut is discovered): ``estimate, low, high`` and ``n``, of graphs. The last three are
        left out with fewer than two valid walks.
    """
    wanted = {
        "valid": ("valid", "random edits", "traversal", False),
        "robust": ("valid", "prior sample", "traversal", False),
        "nearest": ("edits", "traversal", "nearest graph", True),
        "support": ("support", "random edits", "traversal", True),
        "marker": ("marker_changed", "random edits", "traversal", True),
    }
    walked = rows[(rows["method"] == "traversal") & rows["valid"].astype(bool)]
    values = {}
    for name, (measure, less, method, of_valid) in wanted.items():
        part = rows[rows["method"].isin([less, method]) & (rows["graph"].isin(walked["graph"]) | (not of_valid))]
        if of_valid and len(walked) < 2:
            continue
        drawn = {"cluster": part["graph"], "n_boot": n_boot, "seed": seed}
        found = stats.bootstrap(part[measure].astype(float), groups=part["method"], a=less, b=method, **drawn)
        values[name] = stats.estimate(found, units=part["graph"].nunique())
    return values


def size_split(nodes: ArrayLike, label: ArrayLike) -> tuple[int, float, float]:
    """Find the split on the number of nodes that classifies graphs best.

    Returns
    -------
    nodes : int
        Largest number of nodes of one side.
    accuracy : float
        Share of graphs that it classifies.
    majority : float
        Share of the larger class. Near 1 and far above it the number of nodes is the whole task, as in AIDS.
    """
    size, positive = np.asarray(nodes), np.asarray(label) == 1
    cuts = np.unique(size)
    hits = np.array([((size <= cut) == positive).mean() for cut in cuts])
    best = int(np.maximum(hits, 1 - hits).argmax())
    share = positive.mean()
    return int(cuts[best]), float(max(hits[best], 1 - hits[best])), float(max(share, 1 - share))
