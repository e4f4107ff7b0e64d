"""Simulators that write factors, and cells with proteins, as tables with their graph and truth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.factors import layout
from helpers.datasets.factors.population import FACTOR_WORLDS, draw_factors
from helpers.datasets.shared.checks import check_count, check_seed
from helpers.datasets.shared.folder import made_once
from helpers.errors import check_choice
from helpers.keep import fingerprint


def simulate_factors(
    world: str = "bounded", n: int = 400, *, d: int = 4, share: float = 0.5, seed: int = 0, folder: str | Path = ""
) -> Path:
    """Simulate a table of factors and its graph; a later call reuses the folder.

    Parameters
    ----------
    world, n, d, share, seed
        As in `draw_factors`.
    folder : str or Path
        Folder that holds simulated data sets. If empty, it is the project's ``data/simulated``.

    Returns
    -------
    Path
        Folder with ``factors.csv``, ``graph.csv`` and ``truth.json`` (world, and gap of the world *group*).

    Raises
    ------
    InputError
        As in `draw_factors`, or the folder cannot be written.
    """
    check_choice("world", world, FACTOR_WORLDS)
    arguments = {"world": world, "n": check_count(n), "d": check_count(d, "d"), "share": share}
    arguments |= {"seed": check_seed(seed), "generator": fingerprint.made_by(__name__)}
    return made_once("factors", arguments, lambda root: _write(root, arguments), folder)


def _write(root: Path, arguments: dict) -> None:
    asked = {name: value for name, value in arguments.items() if name != "generator"}
    drawn = draw_factors(**asked)
    drawn.values.to_csv(root / layout.FACTORS, index=False)
    names = drawn.values.columns
    graph = pd.DataFrame(drawn.graph.astype(int), index=pd.Index(names, name="cause"), columns=names)
    graph.to_csv(root / layout.GRAPH)
    truth = {"gap": drawn.gap, "arguments": arguments}
    (root / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")


def simulate_cells(n: int = 900, *, seed: int = 0, folder: str | Path = "") -> Path:
    """Simulate cells in the layout of Sachs' proteins; a later call reuses the folder.

    Proteins follow the graph of twenty edges with bounded effects, and are exponentials, so that all are positive. The
    conditions beyond the first one move a protein each. As in the real table, one list of edges has a cycle.

    Parameters
    ----------
    n : int
        Cells, shared out over nine conditions.
    seed : int
    folder : str or Path
        Folder that holds simulated data sets. If empty, it is the project's ``data/simulated``.

    Returns
    -------
    Path
        Folder with ``cells.csv``, ``graph.csv`` and ``truth.json``.

    Raises
    ------
    InputError
        An argument is out of range, or the folder cannot be written.
    """
    arguments = {"n": check_count(n), "seed": check_seed(seed), "generator": fingerprint.made_by(__name__)}
    return made_once("cells", arguments, lambda root: _write_cells(root, arguments), folder)


def _write_cells(root: Path, arguments: dict) -> None:
    rng = np.random.default_rng((arguments["seed"], 3))
    n, names = arguments["n"], list(layout.PROTEINS)
    condition = np.arange(n) % len(layout.CONDITIONS)
    values = pd.DataFrame(0.0, index=range(n), columns=names)
    for name in layout.CAUSES_FIRST:
        causes = [cause for cause, effect in layout.TWENTY if effect == name]
        effect = sum((np.sin(1.5 * values[cause] + 0.5) for cause in causes), start=np.zeros(n))
        values[name] = effect + rng.standard_normal(n) + (condition == 1 + names.index(name) % 8)
    table = np.exp(1 + values).round(3)
    table.insert(0, layout.CONDITION, np.array(layout.CONDITIONS)[condition])
    table.to_csv(root / layout.CELLS, index=False)
    edges = pd.DataFrame([*layout.TWENTY, layout.BACK], columns=["cause", "effect"])
    known = [edge in layout.TWENTY for edge in edges.itertuples(index=False, name=None)]
    graph = edges.assign(twenty=known, eighteen=(edges["cause"] != "pip3") | (edges["effect"] != "pip2"))
    graph.to_csv(root / layout.GRAPH, index=False)
    truth = {"edges": [list(edge) for edge in layout.TWENTY], "arguments": arguments}
    (root / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")
