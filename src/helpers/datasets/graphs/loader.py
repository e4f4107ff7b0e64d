"""Loader of collections of graphs in the TU format, or of connectomes in folders, as one dense batch and a table."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.datasets.graphs import layout
from helpers.datasets.graphs.connectomes import read_connectomes
from helpers.datasets.graphs.tu import Read, read_tu
from helpers.datasets.shared.checks import check_count
from helpers.datasets.shared.files import Notes, dropped_frame
from helpers.errors import InputError
from helpers.metrics.graphs import Graphs, graph_facts


class LabelledGraphs(NamedTuple):
    """Graphs of two classes, see `load_graphs`."""

    cases: pd.DataFrame
    dropped: pd.DataFrame
    graphs: Graphs
    positive: str
    node_names: tuple[str, ...]
    edge_names: tuple[str, ...]


def load_graphs(root: str | Path, *, max_nodes: int | None = None) -> LabelledGraphs:
    """Load a folder of graphs, real or simulated; its layout is recognised.

    Parameters
    ----------
    root : str or Path
        Folder that holds the TU files of one collection, such as ``MUTAG_A.txt``, and may hold ``groups.csv`` (graph,
        sex, site); or the connectomes of ADHD-200, with ``genders_list.txt``.
    max_nodes : int, optional
        Leave out larger graphs; they are counted by class.

    Returns
    -------
    cases : DataFrame
        One row for each graph: ``graph`` (its number from 1, which names no person), ``label`` (1 for the class of
        interest, whatever its code is), ``nodes``, ``edges``, ``sex``, ``age`` in years and ``site``, where known.
    dropped : DataFrame
        Graphs that were left out, counted by reason.
    graphs : Graphs
        In the order of `cases`.
    positive : str
        Meaning of label 1: of an unknown collection the larger code.
    node_names, edge_names : tuple of str
        Names of the types, where the coding of the collection is known; else their numbers.

    Raises
    ------
    InputError
        There are no such files, they are no undirected graphs of two classes, or `max_nodes` leaves one class.
    """
    folder = Path(root).expanduser()
    tables = sorted(folder.glob(f"*{layout.ARCS}")) if folder.is_dir() else []
    if len(tables) > 1:
        raise InputError(folder, f"holds {len(tables)} collections", "Give the folder of one collection")
    if tables:
        read = read_tu(tables[0])
    elif folder.joinpath(*layout.CONNECTOMES).is_dir():
        read = read_connectomes(folder)
    else:
        problem = f"there is no file *{layout.ARCS} and no folder {'/'.join(layout.CONNECTOMES)}"
        raise InputError(folder, problem, "Give the folder of a collection of graphs")
    return _labelled(read, None if max_nodes is None else check_count(max_nodes, "max_nodes"), folder)


def _labelled(read: Read, max_nodes: int | None, folder: Path) -> LabelledGraphs:
    positive = read.coding.positive if read.coding else int(read.labels.max())
    facts = graph_facts(read.graphs)
    cases = pd.DataFrame({"graph": np.arange(1, len(read.labels) + 1)})
    cases["label"] = (read.labels == positive).astype(int)
    cases["nodes"], cases["edges"] = facts["nodes"], facts["edges"]
    if read.groups is not None:
        cases = cases.join(read.groups.reset_index(drop=True))
    cases = cases.reindex(columns=list(layout.CASE_COLUMNS)).astype({"sex": "str", "age": float, "site": "str"})
    notes: Notes = []
    keep = np.ones(len(cases), bool)
    reasons = {"no edge": facts["edges"] == 0}
    if max_nodes is not None:
        reasons[f"more than {max_nodes} nodes"] = facts["nodes"] > max_nodes
    for reason, rows in reasons.items():
        for label in (0, 1):
            gone = keep & rows & (cases["label"] == label).to_numpy()
            notes.append(("graphs", f"{reason}, label {label}", int(gone.sum())))
        keep &= ~rows
    if cases["label"][keep].nunique() < 2:
        left = ", ".join(f"{n} by {reason}" for _, reason, n in notes if n) or "none"
        problem = f"a class is left without graphs; left out: {left}"
        if max_nodes is None:
            raise InputError(folder, problem, "Give a collection with graphs of both classes")
        raise InputError("max_nodes", problem, "Give a larger number")
    width = max(int(facts["nodes"][keep].max()), 1)
    graphs = Graphs(read.graphs.types[keep][:, :width], read.graphs.edges[keep][:, :width, :width])
    names = [
        _names(read.coding, kind, int(top)) for kind, top in enumerate((graphs.types.max(), graphs.edges.max() - 1))
    ]
    meaning = read.coding.meaning if read.coding else f"class {positive}"
    return LabelledGraphs(cases[keep].reset_index(drop=True), dropped_frame(notes), graphs, meaning, *names)


def _names(coding: layout.Coding | None, kind: int, top: int) -> tuple[str, ...]:
    known = () if coding is None else (coding.nodes, coding.edges)[kind]
    return known or tuple(map(str, range(top + 1)))
