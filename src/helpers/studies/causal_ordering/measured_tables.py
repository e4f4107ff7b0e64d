"""Tables that were not simulated by the study: orders of the user's factors, and of cells against published graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from helpers import datasets, learn, paths, stats
from helpers.errors import InputError
from helpers.studies.causal_ordering.ordering import METHODS, SCORE, trivial_orders

RANDOM_ORDERS = 2_000
ALL = "all rows"


class Tables(NamedTuple):
    """Parts of a table with the graphs they are held against, see `read_tables`."""

    parts: dict[str, pd.DataFrame]
    graphs: dict[str, np.ndarray]
    refused: dict[str, str]
    dropped: pd.DataFrame
    files: list[Path]


def read_tables(root: str = "", *, factors: str = "", graph: str = "") -> Tables:
    """Read the user's table of factors, or the folder of Sachs' cells.

    Parameters
    ----------
    root : str
        Folder of the data; empty for that in the environment variable of `helpers.paths.data_root`.
    factors, graph : str
        The user's table and graph, from here or from `root`. Without a table, `root` holds the cells.

    Returns
    -------
    Tables
        ``parts``: the user's rows, or the cells of the one condition without intervention and all cells; ``graphs``,
        bool of shape (d, d); ``refused``, graphs that have a cycle, with it; ``dropped``, counted; ``files``.

    Raises
    ------
    InputError
        As in `helpers.datasets.load_factors` and `load_cells`.
    """
    if factors:
        files = [_found(name, root) for name in (factors, graph) if name]
        loaded = datasets.load_factors(*files)
        graphs = {} if loaded.graph is None else {"given": loaded.graph}
        return Tables({ALL: loaded.values}, graphs, {}, loaded.dropped, files)
    if graph:
        raise InputError("GRAPH", "a graph without a table of factors", "Give FACTORS too")
    folder = paths.data_root(root)
    cells = datasets.load_cells(folder)
    proteins = cells.values.columns.drop("condition")
    observed = cells.values["condition"] == datasets.OBSERVED_CELLS
    parts = {"observational": cells.values.loc[observed, proteins], ALL: cells.values[proteins]}
    graphs, refused = {}, {}
    for name, edges in cells.graphs.items():
        try:
            graphs[name] = stats.check_graph(edges, proteins)
        except InputError as error:
            refused[name] = error.problem
    return Tables(parts, graphs, refused, cells.dropped, [folder])


def _found(name: str, root: str) -> Path:
    """Return the path of a file, as given or below the folder of the data."""
    path = Path(name).expanduser()
    return path if path.is_file() or not root else Path(root).expanduser() / name


def found_orders(
    values: pd.DataFrame, *, most_rows: int = 2_000, draws: int = 20, eta: float = 0.01, seed: int = 0
) -> dict[str, list[np.ndarray]]:
    """Order the factors of a table by each method, as a whole or by subsamples.

    Parameters
    ----------
    values : DataFrame of shape (n, d)
    most_rows : int
        Rows of a subsample for SCORE where there are more; at most 3,000.
    draws : int
        Subsamples, without replacement.
    eta : float
    seed : int

    Returns
    -------
    dict
        By method its orders: of SCORE one for each subsample, or one if all rows fit; at random 2,000; else one, of
        all rows.
    """
    rng = np.random.default_rng((seed, 8))
    table, n = values.to_numpy(float), len(values)
    whole = n <= most_rows
    parts = [table] if whole else [table[rng.choice(n, most_rows, replace=False)] for _ in range(draws)]
    found = {name: [order] for name, order in trivial_orders(table).items()}
    found["random"] = [rng.permutation(table.shape[1]) for _ in range(RANDOM_ORDERS)]
    found[SCORE] = [learn.score_order(part, eta=eta).order for part in parts]
    return {name: found[name] for name in METHODS}


def table_rows(tables: Tables, **options: Any) -> pd.DataFrame:
    """Count the edges of each graph that each method's orders of each part reverse.

    Parameters
    ----------
    tables : Tables
    **options
        As in `found_orders`.

    Returns
    -------
    DataFrame
        One row for each part, graph and method: ``part, graph, method, edges, orders`` (how many), ``rows`` (in the
        part), ``reversed``, the mean, and ``lowest, highest``, the central 95% of random orders and the extremes of
        subsamples; one row without a graph where there is none.
    """
    rows = []
    for part, values in tables.parts.items():
        for method, orders in found_orders(values, **options).items():
            about = {"part": part, "method": method, "orders": float(len(orders)), "rows": float(len(values))}
            for name, graph in tables.graphs.items():
                counts = [stats.edges_reversed(order, graph).count for order in orders]
                ends = np.quantile(counts, (0.025, 0.975) if method == "random" else (0, 1))
                found = {"reversed": float(np.mean(counts)), "lowest": ends[0], "highest": ends[1]}
                rows.append({**about, "graph": name, "edges": float(graph.sum()), **found})
            if not tables.graphs:
                rows.append({**about, "graph": "none"})
    return pd.DataFrame(rows)


def named_orders(tables: Tables, **options: Any) -> pd.DataFrame:
    """List the order of the factors by each method in each part, causes first; where there are several, the first."""
    rows = {}
    for part, values in tables.parts.items():
        for method, orders in found_orders(values, **options).items():
            if method != "random":
                rows[part, method] = " < ".join(values.columns[orders[0]])
    return pd.Series(rows).to_frame("causes first")


def described(tables: Tables) -> pd.DataFrame:
    """Tabulate factors by part: ``cases``, ``SD``, and ``R2``, the share of the variance that the others explain."""
    parts = {
        part: pd.DataFrame(
            {"cases": len(values), "SD": values.std(), "R2": stats.explained_by_others(values)}, index=values.columns
        )
        for part, values in tables.parts.items()
    }
    return pd.concat(parts)
