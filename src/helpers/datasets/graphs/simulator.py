"""Simulators of collections of graphs with a planted motif or marker, in the TU format and as connectomes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.graphs import layout, population
from helpers.datasets.shared.checks import check_count, check_seed
from helpers.datasets.shared.folder import CASES, made_once
from helpers.errors import InputError, check_choice
from helpers.keep import fingerprint

GRAPH_WORLDS = tuple(population.AGREEMENT)
NAME = "SIMULATED"


def simulate_graphs(
    world: str = "motif", n: int = 600, *, nodes: int = 10, seed: int = 0, folder: str | Path = ""
) -> Path:
    """Simulate graphs of two classes as a folder in the TU format; a later call reuses the folder.

    Every graph is a random tree and one edge more, so that all have as many edges as nodes, and one cycle. The *motif*
    is a cycle of three nodes, and the *marker*, which represents the site, is one node of type 1.

    ========  ====================================================================================
    motif     the label is the motif, and the marker is independent of both
    shortcut  the label agrees with the motif in 80% of the graphs, and with the marker in 97%
    group     the same in women alone; in men the label is the motif
    null      labels have to do with neither
    ========  ====================================================================================

    Parameters
    ----------
    world : {"motif", "shortcut", "group", "null"}
    n : int
        Number of graphs, half of them of each class; at least 2.
    nodes : int
        Nodes of a graph, 5 to 60.
    seed : int
    folder : str or Path
        Folder that holds simulated data sets. If empty, it is the project's ``data/simulated``.

    Returns
    -------
    Path
        Root of the data set: the files of the format, ``groups.csv``, ``simulated_cases.csv`` (motif and marker of
        each graph) and ``truth.json`` (planted agreements).

    Raises
    ------
    InputError
        An argument is out of range, or the folder cannot be written.
    """
    check_choice("world", world, GRAPH_WORLDS)
    arguments = {
        "world": world,
        "n": _at_least_two(n),
        "nodes": _between("nodes", nodes, 5, 60),
        "seed": check_seed(seed),
        "generator": fingerprint.made_by(__name__),
    }
    return made_once("graphs", arguments, lambda root: _write(root, arguments), folder)


def _write(root: Path, arguments: dict) -> None:
    rng = np.random.default_rng((arguments["seed"], 0))
    drawn = population.draw(rng, arguments["world"], arguments["n"], arguments["nodes"])
    n, nodes = drawn.graphs.types.shape
    graph, start, end = np.nonzero(drawn.graphs.edges)
    lines = {
        layout.ARCS: [f"{a}, {b}" for a, b in zip(graph * nodes + start + 1, graph * nodes + end + 1, strict=True)],
        layout.INDICATOR: np.repeat(np.arange(1, n + 1), nodes),
        layout.LABELS: drawn.cases["label"],
        layout.NODE_LABELS: drawn.graphs.types.ravel(),
    }
    for ending, values in lines.items():
        (root / f"{NAME}{ending}").write_text("\n".join(map(str, values)) + "\n", encoding="utf-8")
    cases = drawn.cases.assign(graph=np.arange(1, n + 1))
    cases[list(layout.GROUP_COLUMNS)].to_csv(root / layout.GROUPS, index=False)
    cases[["graph", "motif", "marker"]].to_csv(root / CASES, index=False)
    truth = {"agreement": population.AGREEMENT[arguments["world"]], "arguments": arguments}
    (root / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")


def simulate_connectomes(
    n: int = 60, *, regions: int = 20, density: float = 0.1, seed: int = 0, folder: str | Path = ""
) -> Path:
    """Simulate connectomes as folders with group lists, in the layout of the real ones; a later call reuses them.

    The strongest connections of a region-by-region matrix of noise are kept, so that all graphs have exactly as many
    edges. In cases the first quarter of the regions is more strongly connected, in boys more are cases, and each of
    two sites has one pair of regions with an artefact.

    Parameters
    ----------
    n : int
        Number of graphs, at least 2; all but one has a known sex.
    regions : int
        Nodes of each graph, 8 to 200.
    density : float
        Share of the pairs of regions that have an edge, above 0 and below 1.
    seed : int
    folder : str or Path
        Folder that holds simulated data sets. If empty, it is the project's ``data/simulated``.

    Returns
    -------
    Path
        Root of the data set.

    Raises
    ------
    InputError
        An argument is out of range, or the folder cannot be written.
    """
    if not isinstance(density, float) or not 0 < density < 1:
        raise InputError("density", f"{density!r} is not a share between 0 and 1", "Give a share such as 0.1")
    arguments = {
        "n": _at_least_two(n),
        "regions": _between("regions", regions, 8, 200),
        "density": density,
        "seed": check_seed(seed),
        "generator": fingerprint.made_by(__name__),
    }
    return made_once("connectomes", arguments, lambda root: _write_connectomes(root, arguments), folder)


def _write_connectomes(root: Path, arguments: dict) -> None:
    n, regions = arguments["n"], arguments["regions"]
    rng = np.random.default_rng((arguments["seed"], 1))
    # Names are sorted once written, and the lists follow the sorted folders.
    names = sorted(
        f"Site{site}_{number:07d}" for site, number in zip(np.arange(n) % 2, rng.permutation(n), strict=True)
    )
    site = np.array([name.startswith("Site1") for name in names])
    boy = rng.random(n) < 0.6
    label = (rng.random(n) < np.where(boy, 0.5, 0.25)).astype(int)
    label[:2] = 0, 1
    strength = rng.standard_normal((n, regions, regions)) / 2
    quarter = regions // 4
    strength[:, :quarter, :quarter] += label[:, None, None]
    strength[:, -2, -1] += np.where(site, 3, -3)
    one, other = np.triu_indices(regions, 1)
    kept = max(round(arguments["density"] * len(one)), 1)
    strongest = np.sort(np.argsort(-strength[:, one, other], axis=1)[:, :kept], axis=1)
    for name, pairs, value in zip(names, strongest, label, strict=True):
        place = root.joinpath(*layout.CONNECTOMES, name)
        place.mkdir(parents=True)
        text = _adjacency_list(one[pairs], other[pairs], regions)
        (place / f"{name}{layout.ADJACENCY}").write_text(text, encoding="utf-8")
        (place / f"{name}{layout.GRAPH_LABEL}").write_text(str(value), encoding="utf-8")
    sex = np.where(boy, "Male", "Female").astype(object)
    sex[-1] = "Unknown"
    diagnosis = np.where(label == 1, rng.choice(layout.CASES_OF, n), layout.CONTROL)
    lists = {layout.SEXES: sex, layout.AGES: rng.uniform(7, 18, n).round(2), layout.DIAGNOSES: diagnosis}
    for name, values in lists.items():
        (root / name).write_text("\n".join(map(str, values)) + "\n", encoding="utf-8")
    pd.DataFrame({"graph": np.arange(1, n + 1), "boy": boy}).to_csv(root / CASES, index=False)
    truth = {"module": quarter, "artefact": [regions - 2, regions - 1], "arguments": arguments}
    (root / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")


def _adjacency_list(one: np.ndarray, other: np.ndarray, regions: int) -> str:
    """Write edges as networkx does: each node with its later neighbours."""
    lines = []
    for node in range(regions):
        later = other[one == node]
        lines += [f"{node} {len(later)}", *(f"{neighbour} {{'weight': 1}}" for neighbour in later)]
    return "\n".join(lines) + "\n"


def _at_least_two(n: int) -> int:
    if check_count(n) < 2:
        raise InputError("n", f"{n} graphs cannot be of two classes", "Give 2 or more")
    return int(n)


def _between(name: str, value: int, least: int, most: int) -> int:
    if not least <= check_count(value, name) <= most:
        raise InputError(name, f"{value} is not from {least} to {most}", "Give a number of that range")
    return int(value)
