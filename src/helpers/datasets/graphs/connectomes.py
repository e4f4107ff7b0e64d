"""Reader of connectomes: one folder for each graph, and lists of sex, age and diagnosis in the folders' order."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.graphs import layout
from helpers.datasets.graphs.tu import Read
from helpers.datasets.shared.files import refuse_first
from helpers.errors import InputError
from helpers.metrics.graphs import Graphs

_WEIGHT = re.compile(r"\{('weight': 1(\.0)?)?\}")


def read_connectomes(root: Path) -> Read:
    """Read the connectomes below a folder that holds the lists and ``graphs/adhd_dataset/<site>_<number>/``.

    Raises
    ------
    InputError
        A list is missing, has another length than there are folders or a value that none may have, a graph cannot be
        read or has weights other than 1, graphs differ in their regions, or the label next to a graph is not that of
        the list.
    """
    folders = sorted(path for path in root.joinpath(*layout.CONNECTOMES).iterdir() if path.is_dir())
    if not folders:
        raise InputError(root.joinpath(*layout.CONNECTOMES), "holds no folder of a graph", "Give the whole download")
    sex, age, diagnosis = (_list(root / name, len(folders)) for name in (layout.SEXES, layout.AGES, layout.DIAGNOSES))
    known = sex.str.lower()
    expected = "Male, Female or Unknown"
    refuse_first(~known.isin(list(layout.SEX)), sex, layout.SEXES, "1", expected, "Correct the line")
    years = pd.to_numeric(age, errors="coerce")
    unreadable = ~years.between(0, layout.OLDEST) & (age.str.lower() != layout.UNKNOWN_AGE)
    expected = f"years from 0 to {layout.OLDEST}, or Unknown"
    refuse_first(unreadable, age, layout.AGES, "1", expected, "Correct the line")
    expected = " or ".join((layout.CONTROL, *layout.CASES_OF))
    wrong = ~diagnosis.isin([layout.CONTROL, *layout.CASES_OF])
    refuse_first(wrong, diagnosis, layout.DIAGNOSES, "1", expected, "Correct the line")
    label = (diagnosis != layout.CONTROL).astype(int).to_numpy()
    graphs = [_graph(folder, place, label[place - 1]) for place, folder in enumerate(folders, 1)]
    sizes = {len(graph) for graph in graphs}
    if len(sizes) > 1:
        problem = f"graphs have {min(sizes)} to {max(sizes)} regions"
        raise InputError(root, problem, "Give graphs of one atlas")
    edges = np.stack(graphs)
    groups = pd.DataFrame(
        {
            "sex": known.map(layout.SEX).astype("str"),
            "age": years,
            "site": [folder.name.rpartition("_")[0] for folder in folders],
        }
    )
    coding = layout.Coding(1, "ADHD")
    return Read(Graphs(np.zeros(edges.shape[:2], np.int16), edges), label, groups, coding)


def _graph(folder: Path, place: int, label: int) -> np.ndarray:
    """Read the adjacency of one graph; errors name its place in the order of folders, and not the person."""
    where = f"folder {place} of the graphs"
    files = [folder / (folder.name + ending) for ending in (layout.ADJACENCY, layout.GRAPH_LABEL)]
    try:
        text, given = (file.read_text(encoding="utf-8") for file in files)
        written = int(json.loads(given))
    except (OSError, UnicodeError, ValueError, TypeError) as error:
        problem = f"graph or label cannot be read ({type(error).__name__})"
        raise InputError(where, problem, "Give the whole download") from None
    if written != label:
        problem = f"has label {written}, and {layout.DIAGNOSES} has {label}"
        raise InputError(where, problem, "Keep folders and lists of one download together")
    return _adjacency(text, where)


def _adjacency(text: str, where: str) -> np.ndarray:
    """Parse the multi-line adjacency list of networkx: a node with a count, then as many neighbours."""
    left, node, nodes, pairs = 0, -1, [], []
    lines = [line for line in text.split("\n") if line.strip() and not line.startswith("#")]
    for row, line in enumerate(lines, 1):
        head, _, rest = line.strip().partition(" ")
        if not head.isdecimal() or not (_WEIGHT.fullmatch(rest) if left else rest.isdecimal()):
            expected = "a neighbour of weight 1" if left else "a node and a count"
            raise InputError(f"{where}, row {row}", f"holds {line[:60]!r}, expected {expected}", "Threshold the graph")
        if left:
            pairs.append((node, int(head)))
            left -= 1
        else:
            node, left = int(head), int(rest)
            nodes.append(node)
    if left or sorted(nodes) != list(range(len(nodes))) or any(b >= len(nodes) for _, b in pairs):
        raise InputError(where, "is cut off, or its nodes are not numbered 0, 1, 2", "Download it again")
    edges = np.zeros((len(nodes), len(nodes)), np.int16)
    for one, other in pairs:
        if one == other or edges[one, other]:
            problem = "joins a node to itself" if one == other else "names an edge twice"
            raise InputError(where, problem, "Name each edge of two nodes once")
        edges[one, other] = edges[other, one] = 1
    return edges


def _list(path: Path, n: int) -> pd.Series:
    """Read a list with one line for each folder."""
    try:
        lines = path.read_text(encoding="utf-8").strip().split("\n")
    except (OSError, UnicodeError) as error:
        raise InputError(path, f"cannot be read ({type(error).__name__})", "Give the whole download") from None
    if len(lines) != n:
        raise InputError(path.name, f"has {len(lines)} lines, and there are {n} folders", "Give one line for each")
    return pd.Series(lines, index=range(1, n + 1), dtype="str").str.strip()
