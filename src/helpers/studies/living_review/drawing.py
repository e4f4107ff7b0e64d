"""Pictures and lists of the review: time lines, artefacts, and works and data sets as a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers.datasets.review.checking import Tables
from helpers.datasets.review.layout import OURS
from helpers.figures import BLUE, GREEN, GREY, VERMILION

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_time_line(line: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw for each data set its release and the days on which reports of its flaws became public.

    Parameters
    ----------
    line : DataFrame
        From `time_line`.
    ax : Axes
    """
    names = list(dict.fromkeys(line["dataset"]))
    y = line["dataset"].map({name: -k for k, name in enumerate(names)})
    released, reported = pd.to_datetime(line["released"]), pd.to_datetime(line["reported_on"])
    ax.hlines(y, released, reported, color=GREY, lw=1)
    ax.plot(released, y, "|", color=GREY, ms=12, label="release")
    for reporter, colour, marker in ((OURS, BLUE, "o"), ("others", VERMILION, "D")):
        rows = line["reporter"] == reporter
        ax.plot(reported[rows], y[rows], marker, color=colour, label=f"reported by {reporter}")
    ax.set_yticks(-np.arange(len(names)), [name.replace("$", r"\$") for name in names], fontsize="small")
    ax.grid(axis="y", visible=False)
    ax.legend(frameon=False, fontsize="small", loc="lower right", bbox_to_anchor=(1, 1), ncols=3)
    return ax


def entries(tables: Tables) -> pd.DataFrame:
    """List the artefacts of a review for its readers.

    Returns
    -------
    DataFrame
        One row an artefact, sorted by subject: ``subject``, ``statement``, ``of`` (kind of the subject), ``type``,
        ``severity``, ``status``, ``reported`` (by whom, and the day) and ``artefact``, its name.
    """
    found = tables["artifact"]
    table = pd.DataFrame(
        {
            "subject": found["subject_id"],
            "statement": found["statement"],
            "of": found["subject_type"],
            "type": found["type"].str.replace("_", " "),
            **found[["severity", "status"]],
            "reported": found["reported_by"] + ", " + found["reported_on"],
            "artefact": found["artifact_id"],
        }
    )
    return table.sort_values(["subject", "statement"], ignore_index=True)


def links(tables: Tables) -> pd.DataFrame:
    """List the links between works and data sets: uses, and reports of artefacts.

    Returns
    -------
    DataFrame
        One row a link, sorted: ``work_id, dataset_id``, ``link`` ("uses" or "reports"), and ``artefacts``, how many
        the work reports of the data set.
    """
    found = tables["artifact"].query("subject_type == 'dataset'")
    found = found[found["reported_by"].isin(tables["work"]["work_id"])]
    reports = found.groupby(["reported_by", "subject_id"]).size().rename("artefacts").reset_index()
    reports = reports.set_axis(["work_id", "dataset_id", "artefacts"], axis=1).assign(link="reports")
    uses = tables["usage"][["work_id", "dataset_id"]].assign(link="uses", artefacts=0)
    columns = ["work_id", "dataset_id", "link", "artefacts"]
    table = pd.concat([reports, uses])[columns]
    return table.sort_values(columns[:3], ignore_index=True).astype({"artefacts": int})


def draw_links(table: pd.DataFrame, *, ax: Axes, seed: int = 0) -> Axes:
    """Draw links as a network: data sets are squares with their names, works are dots.

    Parameters
    ----------
    table : DataFrame
        From `links`.
    ax : Axes
    seed : int
        Seed of the layout: with the same links the picture is the same.
    """
    import networkx as nx

    graph = nx.Graph()
    graph.add_edges_from((("data", row.dataset_id), ("work", row.work_id)) for row in table.itertuples())
    place = nx.spring_layout(graph, seed=seed, k=2 / max(len(graph), 1) ** 0.5)
    for link, colour, style in (("uses", GREY, "-"), ("reports", VERMILION, "--")):
        rows = table[table["link"] == link]
        edges = [(("data", row.dataset_id), ("work", row.work_id)) for row in rows.itertuples()]
        for k, (a, b) in enumerate(edges):
            ends = list(zip(place[a], place[b], strict=True))
            ax.plot(*ends, color=colour, ls=style, lw=1, label=link if k == 0 else None, zorder=1)
    for kind, colour, marker, size in (("work", BLUE, "o", 20), ("data", GREEN, "s", 60)):
        nodes = [node for node in graph if node[0] == kind]
        x, y = zip(*(place[node] for node in nodes), strict=True) if nodes else ((), ())
        ax.scatter(x, y, s=size, c=colour, marker=marker, label={"work": "work", "data": "data set"}[kind], zorder=2)
    for kind, name in (node for node in graph if node[0] == "data"):
        x, y = place[kind, name]
        ax.annotate(name.replace("$", r"\$"), (x, y), (4, 4), textcoords="offset points", fontsize="small")
    ax.set_axis_off()
    ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    return ax
