"""Worlds with known truth: the study on many simulated data sets, and how often each claim holds in them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers import datasets, stats
from helpers.errors import check_choice
from helpers.studies.graph_counterfactuals.experiment import run
from helpers.studies.graph_counterfactuals.measuring import discovery_of, statistics

METHODS = ("traversal", "nearest graph")  # whose change of the marker is asked for
CONTRASTS = ("valid", "robust", "nearest", "support", "marker")  # the other statistics are shares, which are above 0


def world_job(
    world: str, seed: int, *, n: int = 600, nodes: int = 10, n_boot: int = 500, folder: str = "", **options: Any
) -> list[dict[str, Any]]:
    """Simulate a data set of a world, train on it once, and estimate what each claim is about.

    Parameters
    ----------
    world : str
        As in `helpers.datasets.simulate_graphs`.
    seed : int
        Seed of the data set and of the trainings.
    n, nodes, folder
        As in `helpers.datasets.simulate_graphs`.
    n_boot : int
    **options
        As in `run`.

    Returns
    -------
    list of dict
        One row a statistic: ``statistic, estimate, low, high, n``. Those of `statistics`, and of each of two methods
        the share of valid counterfactuals that change the marker (``marker, traversal``), of women and of men too;
        ``class kept`` and ``accuracy`` have no interval.
    """
    check_choice("world", world, datasets.GRAPH_WORLDS)
    root = datasets.simulate_graphs(world, n, nodes=nodes, seed=seed, folder=folder)
    done = run(datasets.load_graphs(root), seed=seed, **options)
    rows, checks = done["rows"], done["checks"]
    found = statistics(rows, n_boot=n_boot, seed=seed)
    for method in METHODS:
        for group in (None, *rows["sex"].dropna().unique()):
            part = rows if group is None else rows[rows["sex"] == group]
            share = discovery_of(part, method)
            if share is not None:
                found[", ".join(filter(None, ("marker", method, group)))] = share
    none = {"low": None, "high": None, "n": None}
    found["class kept"] = {"estimate": checks["class_kept"], **none}
    found["accuracy"] = {"estimate": checks["accuracy"][0], **none}
    return [{"statistic": name, **value} for name, value in found.items()]


def world_values(rows: pd.DataFrame) -> dict[str, Any]:
    """Compute by world and statistic the ``mean``, and the share of data sets in which a contrast ``holds`` (above 0).

    Parameters
    ----------
    rows : DataFrame
        Rows of `world_job` with ``world`` and ``seed``.
    """
    above = (rows["low"].astype(float) > 0).astype(object)
    holds = above.where(rows["statistic"].isin(CONTRASTS))
    return {"rates": stats.world_values(stats.world_rates(rows, holds))}
