"""Figures of the study: edges reversed by world and method, and three measures of latents next to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from helpers import datasets, figures, report, stats
from helpers.studies.causal_ordering.mixing import TRAINED
from helpers.studies.causal_ordering.ordering import METHODS, SCORE

PANELS = {"mcc": "MCC", "reversed": "edges reversed", "wrong arrows": "wrong arrows by PC (COD)"}


def draw_worlds(shares: pd.DataFrame, axes: Sequence[Axes]) -> None:
    """Draw the share of edges reversed by each method, one panel a world, with a line at chance.

    Parameters
    ----------
    shares : DataFrame
        From `reversed_shares`.
    axes : sequence of matplotlib.axes.Axes
        One for each world of the table; further ones are left empty.
    """
    worlds = list(dict.fromkeys(shares["world"]))
    for ax, world in zip(axes, worlds, strict=False):
        part = shares[shares["world"] == world].set_index("method").reindex(METHODS).drop(columns=["world", "graphs"])
        figures.forest(part, ax=ax, no_effect=0.5, emphasise=[SCORE], xlabel="share of edges reversed")
        ax.set(title=world, xlim=(-0.05, 1.05))
    for ax in list(axes)[len(worlds) :]:
        ax.set_axis_off()


def draw_table(rows: pd.DataFrame, axes: Sequence[Axes]) -> None:
    """Draw the number of edges reversed by each method, one panel for each part and graph of a table.

    Parameters
    ----------
    rows : DataFrame
        From `table_rows`, with graphs.
    axes : sequence of matplotlib.axes.Axes
        One for each pair; further ones are left empty.
    """
    pairs = list(rows.groupby(["part", "graph"], sort=False))
    for ax, ((part, graph), of) in zip(axes, pairs, strict=False):
        shown = of.set_index("method")[["reversed", "lowest", "highest"]]
        ways = {"estimate": "reversed", "low": "lowest", "high": "highest"}
        chance = of["edges"].iloc[0] / 2
        figures.forest(shown, ax=ax, **ways, no_effect=chance, emphasise=[SCORE], xlabel="edges reversed")
        ax.set(title=f"{part},\ngraph {graph}", xlim=(-0.5, 2 * chance + 0.5))
    for ax in list(axes)[len(pairs) :]:
        ax.set_axis_off()


def draw_latents(rows: pd.DataFrame, axes: Sequence[Axes]) -> None:
    """Draw three measures of latents next to each other: each run as a point, and means over seeds with intervals.

    Intervals are cut where the measure has no values: below 0, and above 1 where it is a share or a correlation.

    Parameters
    ----------
    rows : DataFrame
        Rows of `latent_job` of one world and kind, with ``seed``; without rows the axes are left empty.
    axes : sequence of three matplotlib.axes.Axes
    """
    if not len(rows):
        for ax in axes:
            ax.set_axis_off()
        return
    runs = rows.assign(configuration=rows["latents"], SEED=rows["seed"])
    for ax, (measure, label) in zip(axes, PANELS.items(), strict=True):
        shown = runs[runs[measure].notna()]
        means = stats.over_seeds(shown, measure, configuration=["configuration"])
        bounds = means[["low", "high"]].clip(0, None if measure == "wrong arrows" else 1)
        means = means.assign(**bounds)
        figures.repeats(shown, means, value=measure, ax=ax, no_effect=0.5 if measure == "reversed" else None)
        ax.set_xlabel(label)
        ax.get_legend().remove()
        for text in ax.get_yticklabels():
            text.set_fontweight("bold" if text.get_text() == TRAINED else "normal")


def worlds_table(shares: pd.DataFrame, methods: Sequence[str] = METHODS) -> pd.DataFrame:
    """Tabulate shares of edges reversed with intervals as text: a line a world, a column a method, and the graphs."""
    columns = {}
    for method in methods:
        part = shares[shares["method"] == method].set_index("world")[["estimate", "low", "high"]].astype(float)
        columns[method] = report.show(part, estimate="estimate", digits=2).iloc[:, 0]
    graphs = shares.groupby("world", sort=False)["graphs"].first()
    return pd.DataFrame(columns).assign(graphs=graphs)


def picture_table(found: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Tabulate measures of latents of pictures with intervals as text: a line a measure, a column an arm, and seeds.

    Parameters
    ----------
    found : mapping
        By arm and measure the estimates of `picture_estimates`, as results hold them; without any the table is empty.
    """
    columns, seeds = {}, {}
    for arm, measures in found.items():
        part = pd.DataFrame(measures).T.astype(float)
        columns[arm] = report.show(part.drop(columns="n"), estimate="estimate", digits=2).iloc[:, 0]
        seeds = {"seeds": part["n"].astype(int)}
    return pd.DataFrame(columns | seeds)


def factor_grid(columns: int = 5) -> tuple[np.ndarray, list[str], list[str]]:
    """Draw each factor from low to high with the others at 0: pictures, names of the rows and of the columns."""
    steps = np.linspace(-2, 2, columns)
    rows = [datasets.draw_chests(np.eye(4)[k] * steps[:, None], noise=0) for k in range(4)]
    grid = np.repeat(np.stack(rows), 3, axis=2)
    return grid, list(datasets.DRAWN_FACTORS), [f"{step:+g} SD" for step in steps]
