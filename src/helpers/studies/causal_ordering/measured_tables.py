"""Tables that were not simulated by the study: orders of the user's factors, and of cells against published graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import datasets, paths, stats
from helpers.errors import InputError
from helpers.learn.stein import MOST_ROWS
from helpers.stats.ordering import LEAST_TO_HALVE
from helpers.studies.causal_ordering.ordering import METHODS, SCORE, scored, trivial_orders

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
        Folder of the data; empty for that of `helpers.paths.data_root`.
    factors, graph : str
        The user's table and graph, from here or from `root`. Without a table, `root` holds the cells.

    Returns
    -------
    Tables
        ``parts``: the user's rows, or the cells of the one condition without intervention and all cells; ``graphs``,
        bool of shape (d, d); ``refused``, graphs that have a cycle, with it, or no edge; ``dropped``, counted;
        ``files``.

    Raises
    ------
    InputError
        A part of the cells has fewer than 100 rows; or as in `helpers.datasets.load_factors` and `load_cells`.
    """
    if factors:
        files = [_found(name, root) for name in (factors, graph) if name]
        loaded = datasets.load_factors(*files)
        graphs, refused = _usable({} if loaded.graph is None else {"given": loaded.graph}, loaded.values.columns)
        return Tables({ALL: loaded.values}, graphs, refused, loaded.dropped, files)
    if graph:
        raise InputError("GRAPH", "a graph without a table of factors", "Give FACTORS too")
    folder = paths.data_root(root)
    cells = datasets.load_cells(folder)
    proteins = cells.values.columns.drop("condition")
    observed = cells.values["condition"] == datasets.OBSERVED_CELLS
    parts = {"observational": cells.values.loc[observed, proteins], ALL: cells.values[proteins]}
    for part in parts.values():
        stats.check_factors(part, least=LEAST_TO_HALVE)
    return Tables(parts, *_usable(cells.graphs, proteins), cells.dropped, [folder])


def _usable(given: Mapping[str, np.ndarray], names: Sequence[str]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return the graphs with which orders can be compared, and why the others cannot."""
    graphs, refused = {}, {}
    for name, edges in given.items():
        try:
            graph = stats.check_graph(edges, names)
        except InputError as error:
            refused[name] = error.problem
            continue
        if graph.any():
            graphs[name] = graph
        else:
            refused[name] = "it has no edge, so the share of edges that an order reverses is undefined"
    return graphs, refused


def _check_rows(most_rows: int) -> int:
    if not LEAST_TO_HALVE <= most_rows <= MOST_ROWS:
        problem = f"{most_rows!r} is not from {LEAST_TO_HALVE} to {MOST_ROWS:,}"
        raise InputError("most_rows", problem, "Give 2,000 if in doubt")
    return most_rows


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
        Rows of a subsample for SCORE where there are more; 100 to 3,000.
    draws : int
        Subsamples, without replacement.
    eta : float
    seed : int

    Returns
    -------
    dict
        By method its orders: of SCORE one for each subsample, or one if all rows fit; at random 2,000; else one, of
        all rows.

    Raises
    ------
    InputError
        `most_rows` is out of range; or as in `helpers.learn.score_order`.
    """
    rng = np.random.default_rng((seed, 8))
    table, n = values.to_numpy(float), len(values)
    whole = n <= _check_rows(most_rows)
    parts = [table] if whole else [table[rng.choice(n, most_rows, replace=False)] for _ in range(draws)]
    found = {name: [order] for name, order in trivial_orders(table).items()}
    found["random"] = [rng.permutation(table.shape[1]) for _ in range(RANDOM_ORDERS)]
    found[SCORE] = [scored(part, eta=eta) for part in parts]
    return {name: found[name] for name in METHODS}


def table_rows(tables: Tables, found: Mapping[str, Mapping[str, list[np.ndarray]]]) -> pd.DataFrame:
    """Count the edges of each graph that each method's orders of each part reverse.

    Parameters
    ----------
    tables : Tables
    found : mapping
        By part the orders of `found_orders`.

    Returns
    -------
    DataFrame
        One row for each part, graph and method: ``part, graph, method, edges, orders`` (how many), ``rows`` (in the
        part), ``reversed``, the mean, and ``lowest, highest``, the central 95% of random orders and the extremes of
        subsamples; one row without a graph where there is none.
    """
    rows = []
    for part, values in tables.parts.items():
        for method, orders in found[part].items():
            about = {"part": part, "method": method, "orders": float(len(orders)), "rows": float(len(values))}
            for name, graph in tables.graphs.items():
                counts = [stats.edges_reversed(order, graph).count for order in orders]
                ends = np.quantile(counts, (0.025, 0.975) if method == "random" else (0, 1))
                counted = {"reversed": float(np.mean(counts)), "lowest": ends[0], "highest": ends[1]}
                rows.append({**about, "graph": name, "edges": float(graph.sum()), **counted})
            if not tables.graphs:
                rows.append({**about, "graph": "none"})
    return pd.DataFrame(rows)


def named_orders(tables: Tables, found: Mapping[str, Mapping[str, list[np.ndarray]]]) -> pd.DataFrame:
    """List the order of the factors by each method in each part, causes first.

    Where SCORE has ordered several subsamples, the list has the first of their orders, and a column ``agreement``: the
    mean of Kendall's tau over all pairs of them, 1 if all are equal and about 0 if they are arbitrary.
    """
    rows = {
        (part, method): {
            "causes first": " < ".join(values.columns[orders[0]]),
            "agreement": stats.order_agreement(orders) if len(orders) > 1 else np.nan,
        }
        for part, values in tables.parts.items()
        for method, orders in found[part].items()
        if method != "random"
    }
    return pd.DataFrame.from_dict(rows, orient="index").dropna(axis=1, how="all")


def table_pairs(
    tables: Tables, *, most_rows: int = 2_000, n_subsamples: int = 40, eta: float = 0.01, seed: int = 0
) -> pd.DataFrame:
    """Test which pairs of factors of each part SCORE orders at 5%, by halves of at most `most_rows` of its rows.

    Returns
    -------
    DataFrame
        One row for each part and pair: ``part, before, after`` (names, as most halves have them), ``share`` of the
        halves, ``ordered``, and for each graph a column ``edge in NAME``: 1 if it has this edge, -1 if it has the
        opposite one, else 0.

    Raises
    ------
    InputError
        As in `found_orders` and `helpers.stats.ordered_pairs`.
    """
    found = []
    for part, values in tables.parts.items():
        rows = values.sample(min(len(values), _check_rows(most_rows)), random_state=seed)
        pairs = stats.ordered_pairs(rows, partial(scored, eta=eta), n_subsamples=n_subsamples, seed=seed)
        turned = pairs["share"] < 0.5
        before, after = (pairs[a].where(~turned, pairs[b]) for a, b in (("first", "second"), ("second", "first")))
        named = {"part": part, "before": values.columns[before], "after": values.columns[after]}
        edges = {
            f"edge in {name}": g[before, after].astype(int) - g[after, before] for name, g in tables.graphs.items()
        }
        share = pairs["share"].where(~turned, 1 - pairs["share"])
        found.append(pd.DataFrame({**named, "share": share, "ordered": pairs["ordered"], **edges}))
    return pd.concat(found, ignore_index=True)


def pair_counts(pairs: pd.DataFrame) -> pd.DataFrame:
    """Count the pairs of each part that are ordered, and of them those that agree with each graph and contradict it.

    Parameters
    ----------
    pairs : DataFrame
        From `table_pairs`.

    Returns
    -------
    DataFrame
        Indexed by part: ``pairs, ordered``, and for each graph ``right in NAME, wrong in NAME``.
    """
    called = pairs[pairs["ordered"]]
    table = pairs.groupby("part", sort=False)["ordered"].agg(pairs="size", ordered="sum")
    for column in (name for name in pairs if name.startswith("edge in ")):
        for words, sign in (("right", 1), ("wrong", -1)):
            counted = (called[column] == sign).groupby(called["part"]).sum()
            table[column.replace("edge", words)] = counted.reindex(table.index, fill_value=0)
    return table.astype(float)


def described(tables: Tables) -> pd.DataFrame:
    """Tabulate factors by part: ``cases``, ``SD``, and ``R2``, the share of the variance that the others explain."""
    parts = {
        part: pd.DataFrame(
            {"cases": len(values), "SD": values.std(), "R2": stats.explained_by_others(values)}, index=values.columns
        )
        for part, values in tables.parts.items()
    }
    return pd.concat(parts)
