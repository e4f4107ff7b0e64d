"""Loaders of tables of factors with an optional graph of their causes, and of Sachs' cells with published graphs."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.datasets.factors import layout
from helpers.datasets.shared.files import dropped_frame
from helpers.datasets.shared.tables import column, read_table
from helpers.errors import InputError
from helpers.stats.ordering import LEAST_TO_HALVE, check_factors, check_graph

_TRUTHS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class FactorTable(NamedTuple):
    """Factors of cases, see `load_factors`; `graph` is None if none is given."""

    values: pd.DataFrame
    dropped: pd.DataFrame
    graph: np.ndarray | None


class Cells(NamedTuple):
    """Proteins of single cells, see `load_cells`."""

    values: pd.DataFrame
    dropped: pd.DataFrame
    graphs: dict[str, np.ndarray]


def load_factors(file: str | Path, graph: str | Path = "") -> FactorTable:
    """Load the user's factors, one column each, and the graph of their causes if there is one.

    Parameters
    ----------
    file : str or Path
        Table with one row a case and numbers in all columns.
    graph : str or Path
        Table of 0 and 1 (or no and yes, false and true) with the same names above its columns, in any order: a row has
        a 1 where it is a cause of the column. Its first column may name the rows; else they have the order of the
        columns.

    Returns
    -------
    FactorTable
        ``values``, DataFrame of floats; ``dropped``, rows with an empty cell, counted; ``graph``, bool of shape (d, d)
        in the order of the columns of `values`.

    Raises
    ------
    InputError
        A file cannot be read, a cell is no number, a column is constant or another one again, there are fewer than 100
        rows (orders are tested by halves of them) or 2 columns, the names of factors and graph differ, or the graph has
        a cell that is neither 0 nor 1, or a cycle.
    """
    path = Path(file).expanduser()
    table, _ = read_table(path, "FACTORS")
    values = table.apply(lambda cells: _numbers(cells, path.name))
    empty = values.isna().any(axis=1)
    values = values[~empty].reset_index(drop=True)
    if len(values) < LEAST_TO_HALVE:
        problem = f"{len(values)} rows without an empty cell are too few for an order that is tested by halves"
        raise InputError(path.name, problem, f"Give {LEAST_TO_HALVE} or more")
    check_factors(values)
    dropped = dropped_frame([("factors", "a cell is empty", int(empty.sum()))])
    return FactorTable(values, dropped, _graph(Path(graph).expanduser(), list(values)) if str(graph) else None)


def _numbers(cells: pd.Series, file: str) -> pd.Series:
    found = pd.to_numeric(cells, errors="coerce")
    if (odd := found.isna() & cells.notna()).any():
        row = cells.index[odd][0]
        problem = f"{cells[row]!r} is no number"
        raise InputError(f"{file}, row {row}, column {cells.name}", problem, "Write numbers, with a point")
    return found.astype(float)


def _graph(path: Path, names: list[str]) -> np.ndarray:
    table, _ = read_table(path, "GRAPH")
    first = table.columns[0]
    if first not in names and set(table[first]) <= set(names):
        table = table.set_index(first)
    elif len(table) == len(table.columns):
        table.index = table.columns
    for what, found in (("columns", list(table.columns)), ("rows", list(table.index))):
        if sorted(map(str, found)) != sorted(names):
            odd = ", ".join(map(str, sorted({*found} ^ {*names}, key=str))) or "a name is there twice"
            fix = "Give the graph a row and a column for each factor, with the names of the table"
            raise InputError(path.name, f"its {what} and the factors differ: {odd}", fix)
    known = table.loc[names, names].apply(lambda cells: _truths(cells, path.name))
    return check_graph(known.to_numpy(float), names)


def _truths(cells: pd.Series, file: str) -> pd.Series:
    found = cells.str.casefold().str.removesuffix(".0").map(_TRUTHS)
    if (odd := found.isna()).any():
        row = cells.index[odd][0]
        problem = "the cell is empty" if pd.isna(cells[row]) else f"{cells[row]!r} is neither 1 nor 0"
        raise InputError(f"{file}, row {row}, column {cells.name}", problem, "Write 1 for an edge, and 0 for none")
    return found.astype(bool)


def load_cells(root: str | Path) -> Cells:
    """Load the proteins of Sachs et al. 2005 in single cells, and published graphs of them.

    Parameters
    ----------
    root : str or Path
        Folder with ``cells.csv`` (condition, and the proteins as measured) and ``graph.csv`` (cause, effect, and a
        column of truths for each published graph: true and false, yes and no, or 1 and 0).

    Returns
    -------
    Cells
        ``values``, one row a cell: ``condition``, and log(x + 10) of each protein x, as the collection has it from
        which the table comes; ``dropped``, cells with a protein below 0 or missing, counted; ``graphs``, bool of shape
        (d, d) by name, **which may have cycles**: see `helpers.stats.check_graph`.

    Raises
    ------
    InputError
        A file or column is absent, a protein is no number, an edge names no protein, or a graph has a cell that is no
        truth.
    """
    folder = Path(root).expanduser()
    table, _ = read_table(folder / layout.CELLS, "DATA_ROOT")
    condition = column(table, layout.CONDITION, where="DATA_ROOT", file=folder / layout.CELLS)
    proteins = [column(table, name, where="DATA_ROOT", file=folder / layout.CELLS) for name in layout.PROTEINS]
    raw = pd.concat([_numbers(cells, layout.CELLS) for cells in proteins], axis=1)
    good = (raw >= 0).all(axis=1)
    values = np.log(raw[good] + layout.SHIFT).assign(**{layout.CONDITION: condition[good]}).reset_index(drop=True)
    dropped = dropped_frame([("cells", "a protein is missing or below 0", int((~good).sum()))])
    edges, _ = read_table(folder / layout.GRAPH, "DATA_ROOT")
    cause, effect = (
        column(edges, name, where="DATA_ROOT", file=folder / layout.GRAPH) for name in (layout.CAUSE, layout.EFFECT)
    )
    if odd := {*cause, *effect} - {*layout.PROTEINS}:
        raise InputError(layout.GRAPH, f"{sorted(odd)[0]} is no protein of the table", "Use the names of its columns")
    graphs = {}
    for name in edges.columns.drop([layout.CAUSE, layout.EFFECT]):
        graph = np.zeros((len(layout.PROTEINS),) * 2, bool)
        there = _truths(edges[name], layout.GRAPH)
        for one, other in zip(cause[there], effect[there], strict=True):
            graph[layout.PROTEINS.index(one), layout.PROTEINS.index(other)] = True
        graphs[name] = graph
    return Cells(values, dropped, graphs)
