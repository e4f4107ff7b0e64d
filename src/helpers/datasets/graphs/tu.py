"""Reader of the TU text format: one line for each arc, node and graph, numbered from 1 over the whole collection."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.datasets.graphs import layout
from helpers.datasets.shared.files import read_csv, refuse_first
from helpers.errors import InputError
from helpers.metrics.graphs import Graphs

_AGAIN = "Download the collection again"


class Read(NamedTuple):
    """Graphs of a folder before any is left out: graphs, their labels as written, and groups by graph or None."""

    graphs: Graphs
    labels: np.ndarray
    groups: pd.DataFrame | None
    coding: layout.Coding | None


def read_tu(arcs: Path) -> Read:
    """Read a collection, given the path of its ``<name>_A.txt``; the other files are next to it.

    Raises
    ------
    InputError
        A file is missing or no table of whole numbers, an arc joins two graphs, joins a node to itself, is repeated
        or has one direction only, labels are not two, or a label or type is outside the coding of the collection.
    """
    name = arcs.name.removesuffix(layout.ARCS)
    coding = layout.coding_of(name)
    of = _column(arcs, name, layout.INDICATOR)
    n = int(of[-1])
    known = np.diff(of, prepend=1)
    if of[0] != 1 or not np.isin(known, (0, 1)).all():
        row = int(np.flatnonzero(~np.isin(known, (0, 1)))[0]) + 1 if of[0] == 1 else 1
        problem = "graphs are not numbered 1, 2, 3 in blocks"
        raise InputError(f"{name}{layout.INDICATOR}, row {row}", problem, _AGAIN)
    labels = _column(arcs, name, layout.LABELS)
    if len(labels) != n:
        problem = f"there are {len(labels)} labels and {n} graphs"
        raise InputError(f"{name}{layout.LABELS}", problem, "Give one label for each graph")
    if len(np.unique(labels)) != 2:
        problem = f"there are {len(np.unique(labels))} classes, expected two"
        raise InputError(f"{name}{layout.LABELS}", problem, "Choose graphs of two classes")
    if coding and coding.positive not in labels:
        found = " and ".join(map(str, np.unique(labels)))
        problem = f"holds the classes {found}, and {coding.meaning} is {coding.positive} in {name}"
        raise InputError(f"{name}{layout.LABELS}", problem, "Restore the labels, or give the files another name")
    first = np.searchsorted(of, np.arange(1, n + 1))
    place = np.arange(len(of)) - first[of - 1]
    types = np.full((n, int(place.max()) + 1), -1, np.int16)
    types[of - 1, place] = _types(arcs, name, len(of), layout.NODE_LABELS, coding.nodes if coding else ())
    pairs = _numbers(arcs, 2)
    kinds = _types(arcs, name, len(pairs), layout.EDGE_LABELS, coding.edges if coding else ())
    edges = _edges(arcs, pairs, kinds, of, place, types.shape)
    return Read(Graphs(types, edges), labels, _groups(arcs.parent / layout.GROUPS, n), coding)


def _edges(
    path: Path, pairs: np.ndarray, kinds: np.ndarray, of: np.ndarray, place: np.ndarray, shape: tuple[int, ...]
) -> np.ndarray:
    """Set each arc in the square of its graph; refuse one that no undirected graph can have."""
    fix = "Correct the row, or download the collection again"
    _refuse(path, (pairs < 1) | (pairs > len(of)), f"names a node that is not among the {len(of)}", fix)
    start, end = pairs.T - 1
    _refuse(path, of[start] != of[end], "joins nodes of two graphs", fix)
    _refuse(path, start == end, "joins a node to itself", "Remove self-loops")
    key = start * len(of) + end
    _, where = np.unique(key, return_index=True)
    _refuse(path, ~np.isin(np.arange(len(key)), where), "repeats an arc", "Name each arc once")
    edges = np.zeros((*shape, shape[1]), np.int16)
    edges[of[start] - 1, place[start], place[end]] = kinds + 1
    back = edges[of[start] - 1, place[end], place[start]]
    _refuse(path, back == 0, "has one direction only", "Write each edge in both directions")
    _refuse(path, back != kinds + 1, "has another edge label than the way back", "Give both directions one label")
    return edges


def _refuse(path: Path, bad: np.ndarray, problem: str, fix: str) -> None:
    rows = bad if bad.ndim == 1 else bad.any(1)
    if rows.any():
        raise InputError(f"{path.name}, row {int(rows.argmax()) + 1}", problem, fix)


def _types(arcs: Path, name: str, n: int, ending: str, names: tuple[str, ...]) -> np.ndarray:
    """Read types of nodes or edges; all are 0 without such a file."""
    path = arcs.with_name(name + ending)
    if not path.is_file():
        return np.zeros(n, np.int16)
    found = _numbers(path, 1)[:, 0]
    if len(found) != n:
        raise InputError(path.name, f"has {len(found)} rows, expected {n}", _AGAIN)
    most = len(names) - 1 if names else np.iinfo(np.int16).max - 1
    _refuse(path, (found < 0) | (found > most), f"is outside the coding, 0 to {most}", "Correct the type")
    return found.astype(np.int16)


def _column(arcs: Path, name: str, ending: str) -> np.ndarray:
    return _numbers(arcs.with_name(name + ending), 1)[:, 0]


def _numbers(path: Path, columns: int) -> np.ndarray:
    """Read a file of whole numbers without a header, shape (rows, columns)."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeError) as error:
        raise InputError(path, f"cannot be read ({type(error).__name__})", "Give all files of the collection") from None
    lines = lines[:-1] if lines[-1].strip() == "" else lines
    cells = pd.Series(lines, index=range(1, len(lines) + 1), dtype="str").str.strip()
    pattern = r"\s*,\s*".join([r"-?\d{1,15}"] * columns)
    refuse_first(~cells.str.fullmatch(pattern), cells, path, "1", f"{columns} whole numbers", _AGAIN)
    if cells.empty:
        raise InputError(path, "is empty", _AGAIN)
    return np.array(",".join(cells).split(","), np.int64).reshape(-1, columns)


def _groups(path: Path, n: int) -> pd.DataFrame | None:
    """Read groups by graph, in the order of graphs; a graph without a row has missing groups."""
    if not path.is_file():
        return None
    table = read_csv(path)
    for column in layout.GROUP_COLUMNS:
        if column not in table:
            raise InputError(f"{path.name}, column {column}", "there is no such column", "Give graph, sex and site")
    table.index = table.index + 2
    numbers = pd.to_numeric(table["graph"], errors="coerce")
    fix = "Name a graph by its number"
    refuse_first(~numbers.isin(range(1, n + 1)), table["graph"], path, "graph", f"a graph from 1 to {n}", fix)
    refuse_first(numbers.duplicated(), table["graph"], path, "graph", "a graph that no other row has", fix)
    return table.set_index(numbers.astype(int))[["sex", "site"]].reindex(range(1, n + 1))
