"""Figures of tables with one row per case: histograms, bar charts, box plots and embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cbook import boxplot_stats
from matplotlib.colors import to_rgba
from numpy.typing import ArrayLike

from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError
from helpers.figures.look import GREY, HATCHES, PALETTE
from helpers.stats.inputs import check_groups, check_scores, need_columns


def histogram(values: pd.Series, by: pd.Series, *, ax: Axes, bins: int | ArrayLike = 20) -> Axes:
    """Draw a histogram of a variable, stacked by group; bars of fewer than ten cases are left out.

    If there are more than 14 groups (twice the colours), only the largest 14 are drawn, and the title states how many
    were left out.

    Parameters
    ----------
    values, by : Series of length n
        The variable (its name labels the axis) and the groups.
    """
    known = values.notna() & by.notna()
    edges = np.histogram_bin_edges(values[known], bins)
    counts = pd.crosstab(pd.cut(values[known], edges, include_lowest=True, labels=False), by[known])
    counts = counts.reindex(range(len(edges) - 1), fill_value=0)
    colours = PALETTE * 2
    largest = counts.sum().rank(method="first", ascending=False) <= len(colours)
    if not largest.all():
        ax.set_title(f"the {len(colours)} largest groups; {(~largest).sum()} more are left out")
    counts = counts.loc[:, largest].where(counts >= SMALLEST_CELL, 0)
    floor = np.zeros(len(counts))
    for group, colour in zip(counts.columns, colours, strict=False):
        ax.bar(edges[:-1], counts[group], width=np.diff(edges), align="edge", bottom=floor, color=colour, label=group)
        floor += counts[group].to_numpy()
    ax.set(xlabel=values.name, ylabel="patients")
    if floor.any():
        ax.set_ylim(bottom=0)
    else:
        ax.set(ylim=(0, SMALLEST_CELL), xlim=(edges[0], edges[-1]))
        ax.text(0.5, 0.5, f"no bar of {SMALLEST_CELL} or more", transform=ax.transAxes, ha="center", color=GREY)
    ax.legend(title=by.name, frameon=False, fontsize="small")
    return ax


def bars(labels: pd.DataFrame, *, ax: Axes, xlabel: str = "") -> Axes:
    """Draw the counts of each category by several labels of the same cases, side by side.

    Missing labels are counted as "unknown". Bars of fewer than ten cases are left out.

    Parameters
    ----------
    labels : DataFrame
        One row per case, one column per label; the column's name is shown in the legend.
    """
    counts = pd.DataFrame({name: labels[name].value_counts() for name in labels}).sort_index()
    counts.loc["unknown"] = labels.isna().sum()
    counts = counts.fillna(0).where(lambda n: n >= SMALLEST_CELL, 0)
    width = 0.8 / counts.shape[1]
    for i, (name, heights) in enumerate(counts.items()):
        x = np.arange(len(counts)) + (i - (counts.shape[1] - 1) / 2) * width
        ax.bar(x, heights, width, color=PALETTE[i], hatch=HATCHES[i], edgecolor="white", linewidth=0, label=name)
    ax.set_xticks(range(len(counts)), counts.index.astype(str))
    ax.set(xlabel=xlabel, ylabel="images")
    ax.grid(axis="x", visible=False)
    ax.legend(frameon=False, fontsize="small")
    return ax


def boxes(
    rows: pd.DataFrame,
    *,
    y: str,
    x: str = "training",
    by: str = "group",
    ax: Axes,
    order: Sequence[object] | None = None,
    groups: Sequence[object] | None = None,
    ylabel: str = "",
    outliers: int = 30,
) -> Axes:
    """Draw box plots of a measure by training, one box for each group.

    A box shows the quartiles, and its whiskers extend to 1.5 times the interquartile range.

    Parameters
    ----------
    rows : DataFrame
        One row per case and training. The numbers below the boxes count rows, so an image in several runs counts
        several times.
    y, x, by : str
        Columns of the measure, the training and the group.
    order, groups : sequence, optional
        Trainings and groups to draw, from left to right; default all, sorted. Other rows are left out.
    outliers : int
        Most outliers that are drawn of a box, chosen evenly by rank and including the farthest. Each is a single case.

    Raises
    ------
    InputError
        A column is missing, a value of the measure is not a number, or there is no row for a box.
    """
    need_columns(rows, [x, by, y])
    check_scores(rows[y], f"column {y}")
    order, groups = (
        check_groups(rows[column], len(rows))[1] if wanted is None else list(wanted)
        for column, wanted in ((x, order), (by, groups))
    )
    cells = dict(iter(rows.groupby([x, by], observed=True)[y]))
    for place in ((training, group) for training in order for group in groups):
        if place not in cells:
            raise InputError("rows", f"no row has {x} {place[0]!r} and {by} {place[1]!r}", "Leave one of them out")
    width, sizes = 0.8 / len(groups), []
    for i, group in enumerate(groups):
        places = np.arange(len(order)) + (i - (len(groups) - 1) / 2) * width
        stats = boxplot_stats([cells[training, group] for training in order])
        for box in stats:
            far = np.sort(box["fliers"])
            box["fliers"] = far[np.unique(np.linspace(0, len(far) - 1, min(outliers, len(far))).round().astype(int))]
        ax.bxp(
            stats,
            positions=places,
            widths=0.85 * width,
            patch_artist=True,
            manage_ticks=False,
            boxprops={"facecolor": to_rgba(PALETTE[i], 0.6), "edgecolor": "black", "hatch": HATCHES[i]},
            medianprops={"color": "black", "lw": 2},
            flierprops={"marker": ".", "ms": 3, "mfc": GREY, "mec": "none"},
            label=group,
        )
        sizes += [(place, str(len(cells[training, group]))) for place, training in zip(places, order, strict=True)]
    ax.set_xticks(*zip(*sizes, strict=True), minor=True, fontsize="small")
    ax.set_xticks(range(len(order)), order)
    ax.tick_params(axis="x", which="major", pad=20)  # below the numbers
    ax.set(xlabel=f"n of each box, and {x}", ylabel=ylabel or y)
    ax.grid(axis="x", visible=False)
    ax.legend(frameon=False, fontsize="small", ncols=len(groups), loc="lower right", bbox_to_anchor=(1, 1))
    return ax


def embedding(points: np.ndarray, by: pd.Series, *, ax: Axes, seed: int = 0) -> Axes:
    """Draw a t-SNE map of high-dimensional points, one marker and colour for each group.

    Distances between clusters and their sizes in such a map mean little; `helpers.studies.biased_ruler.latent` measures
    the points themselves.

    Parameters
    ----------
    points : ndarray of shape (n, dimensions)
    by : Series of length n
    """
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(points) - 1) / 3)
    flat = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(points)
    names = pd.Series(by).reset_index(drop=True).astype("category")
    for i, name in enumerate(names.cat.categories):
        inside = (names == name).to_numpy()
        look = {
            "color": PALETTE[i],
            "marker": "os^Dv"[i % 5],
            "s": 22,
            "alpha": 0.8,
            "label": f"{name}, n = {inside.sum()}",
        }
        ax.scatter(*flat[inside].T, **look)
    ax.set(xticks=[], yticks=[])
    ax.legend(frameon=False, fontsize="small")
    return ax
