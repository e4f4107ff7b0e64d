"""Counts as stacked bars."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from helpers.errors import InputError
from helpers.figures.look import HATCHES, PALETTE

WIDTH = 32  # most letters in a line of a label


def stacked(table: pd.DataFrame, *, ax: Axes, xlabel: str = "") -> Axes:
    """Draw counts as stacked bars, one bar per row, with the number on each part and the total in the bar's label.

    Parameters
    ----------
    table : DataFrame of int
        One row per bar, from top to bottom; one column per kind, from left to right. A kind without counts is left out.
    xlabel : str
        Name of the counted things.

    Raises
    ------
    InputError
        There are more kinds than colours, no rows, or numbers that are not counts.
    """
    if table.shape[1] > len(PALETTE):
        raise InputError("table", f"{table.shape[1]} kinds, but only {len(PALETTE)} colours", "Join some kinds")
    kinds = all(map(pd.api.types.is_integer_dtype, table.dtypes))
    if not len(table) or not kinds or (table < 0).any(axis=None):
        raise InputError("table", "not a table of counts", "Give whole numbers from 0, and at least one row")
    y, start = np.arange(len(table))[::-1], np.zeros(len(table))
    for i, (kind, column) in enumerate(table.items()):
        if not column.any():
            continue
        look = {"color": PALETTE[i], "hatch": HATCHES[i], "edgecolor": "white", "lw": 0}
        ax.barh(y, column, left=start, height=0.75, label=str(kind), **look)
        for at, left, n in zip(y, start, column, strict=True):
            if n:
                card = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"}
                ax.text(left + n / 2, at, str(n), ha="center", va="center", color="black", fontsize="small", bbox=card)
        start += column.to_numpy()
    labels = [fill(f"{name}: {n:.0f}", WIDTH) for name, n in zip(table.index, start, strict=True)]
    ax.set_yticks(y, labels, fontsize="small")
    ax.set(xlabel=xlabel, xlim=(0, max(start.max(), 1)), ylim=(-0.6, len(table) - 0.4))
    ax.grid(axis="y", visible=False)
    if start.any():
        legend = {"loc": "lower left", "bbox_to_anchor": (-0.35, 1), "ncols": 3}
        ax.legend(frameon=False, fontsize="small", **legend)
    return ax
