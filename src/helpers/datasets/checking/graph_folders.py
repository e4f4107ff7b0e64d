"""Report of a folder of graphs, in the TU format or of connectomes, as plain text."""

from __future__ import annotations

import shlex
from pathlib import Path

import pandas as pd

from helpers import metrics
from helpers.datasets.checking.summary import Checked
from helpers.datasets.checking.tabulating import HIDDEN, MISSING, aligned, share_of
from helpers.datasets.graphs import layout
from helpers.datasets.graphs.loader import LabelledGraphs, load_graphs
from helpers.disclosure import SMALLEST_CELL
from helpers.metrics.graphs import graph_facts

READ = (layout.ARCS, layout.INDICATOR, layout.LABELS, layout.NODE_LABELS, layout.EDGE_LABELS)
LISTS = (layout.SEXES, layout.AGES, layout.DIAGNOSES)
MOST = 30  # nodes of the largest graphs that the study keeps by default
SEPARATES = 0.9  # AUROC of a number of nodes or edges above which it may be the whole task
TYPES = 12  # names of types that a line has room for


def holds_graphs(root: str | Path) -> bool:
    """Return True if a folder has any file of a collection of graphs, complete or not."""
    folder = Path(root).expanduser()
    named = any(True for ending in READ[:3] for _ in folder.glob(f"*{ending}"))
    return named or any((folder / name).exists() for name in LISTS) or folder.joinpath(*layout.CONNECTOMES).is_dir()


def check_graphs(root: str | Path) -> Checked:
    """Check a folder of graphs before a study: what it holds, what its label means, and what to look at.

    Parameters
    ----------
    root : str or Path
        As in `helpers.datasets.load_graphs`.

    Raises
    ------
    InputError
        As in `helpers.datasets.load_graphs`.
    """
    folder = Path(root).expanduser()
    loaded = load_graphs(folder)
    cases, found = loaded.cases, _to_look_at(loaded, folder)
    kept = share_of(int(cases["label"].sum()), len(cases))
    parts = {
        "Graphs": aligned(_described(loaded)),
        "Left out": [f"{_hidden(n)}: {reason}" for reason, n in loaded.dropped[["reason", "n"]].to_numpy()],
        f"Groups: graphs, and those with label 1 ({loaded.positive})": _by_group(cases),
        f"To look at: {len(found)}": [f"- {one}" for one in found] or ["Nothing was found."],
        "Studies": [_command(cases, folder)],
    }
    lines = [f"{folder.name}: {_layout(folder)}, {len(cases)} graphs", f"Label 1 means {loaded.positive}: {kept}."]
    for title, body in parts.items():
        if body:
            lines += ["", title, *(f"  {line}" if line else "" for line in body)]
    return Checked("\n".join(lines), [], found)


def _layout(folder: Path) -> str:
    arcs = sorted(folder.glob(f"*{layout.ARCS}"))
    return f"{arcs[0].name.removesuffix(layout.ARCS)} in the TU format" if arcs else "connectomes in folders"


def _hidden(n: int) -> str:
    return HIDDEN if 0 < n < SMALLEST_CELL else str(n)


def _described(loaded: LabelledGraphs) -> list[list[str]]:
    """Describe sizes and types of the graphs in rows of a name and its value."""
    cases, facts = loaded.cases, graph_facts(loaded.graphs)
    apart = int((~facts["connected"]).sum())
    rows = [[name, _range(cases[name])] for name in ("nodes", "edges")]
    for name, words in (("types of nodes", loaded.node_names), ("types of edges", loaded.edge_names)):
        rows.append([name, ", ".join(words[:TYPES]) + ", ..." * (len(words) > TYPES)])
    return [*rows, ["connected", f"all but {_hidden(apart)}" if apart else "all"]]


def _range(numbers: pd.Series) -> str:
    low, middle, high = numbers.quantile([0, 0.5, 1])
    return f"{low:.0f} in all" if low == high else f"{low:.0f} to {high:.0f}, median {middle:g}"


def _by_group(cases: pd.DataFrame) -> list[str]:
    """Tabulate graphs, and those with label 1, by sex and by site; a small group has no size."""
    lines: list[str] = []
    for name in ("sex", "site"):
        if cases[name].isna().all():
            continue
        groups = cases["label"].groupby(cases[name].fillna(MISSING)).agg(["sum", "size"])
        large = groups[(groups["size"] >= SMALLEST_CELL) | (groups.index == MISSING)]
        rows = [[name, "graphs", "label 1"]]
        rows += [[str(one), str(n), share_of(int(ones), int(n))] for one, ones, n in large.itertuples()]
        lines += ["", *aligned(rows)]
        if few := len(groups) - len(large):
            lines.append(f"and {few} of fewer than {SMALLEST_CELL} graphs")
    return lines[1:]


def _to_look_at(loaded: LabelledGraphs, folder: Path) -> list[str]:
    """List in sentences what a reader of results must know of these graphs."""
    cases, found = loaded.cases, []
    for name in ("nodes", "edges"):
        if cases[name].nunique() > 1:
            area = metrics.auroc(cases["label"], cases[name]).value
            if max(area, 1 - area) > SEPARATES:
                apart = f"the number of {name} alone separates the classes (AUROC {max(area, 1 - area):.2f})"
                found.append(f"{apart}, so a counterfactual may explain nothing but size")
    if cases["edges"].nunique() == 1:
        found.append(f"all graphs have {cases['edges'].iloc[0]} edges: one more or less leaves the support of the data")
    large = cases["label"][cases["nodes"] > MOST].value_counts()
    if len(large):
        by = ", ".join(f"{_hidden(int(n))} of label {label}" for label, n in large.sort_index().items())
        found.append(f"with MAX_NODES={MOST}, the default, {by} are left out")
    tables = sorted(folder.glob(f"*{layout.ARCS}"))
    if tables:
        name = tables[0].name.removesuffix(layout.ARCS)
        read = {*(f"{name}{ending}" for ending in READ), layout.GROUPS}
        unread = sorted(file.name for file in folder.glob(f"{name}_*.txt") if file.name not in read)
        found += [f"{one} is there, and is not read" for one in unread]
        if layout.coding_of(name) is None:
            found.append(f"what the classes of {name} mean is not known here: label 1 is the larger code")
        if not (folder / layout.GROUPS).is_file():
            found.append(f"there is no {layout.GROUPS}, so no result by sex or site")
    return found


def _command(cases: pd.DataFrame, folder: Path) -> str:
    most = int(cases["nodes"].max() if cases["nodes"].min() > MOST else min(cases["nodes"].max(), MOST))
    return (
        f'make study STUDY=12_graph_counterfactuals PARAMS="SOURCE=real MAX_NODES={most}" '
        f"DATA_ROOT={shlex.quote(str(folder))}"
    )
