"""Scatter plots of one value against another."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from helpers.errors import InputError
from helpers.figures.look import BLUE, GREY, VERMILION
from helpers.stats.inputs import check_scores, need_columns

LARGEST = 200  # points squared; area of the largest marker


def against(
    table: pd.DataFrame,
    *,
    x: str,
    y: str,
    size: str | None = None,
    label: str | None = None,
    ax: Axes,
    xlabel: str = "",
    ylabel: str = "",
    named: int = 5,
    line: bool = True,
) -> Axes:
    """Draw one group's values against another's, with the line of equality; the markers farthest from it are named.

    Parameters
    ----------
    table : DataFrame
        One row per marker, such as a condition.
    x, y : str
        Columns of the two values, drawn on equal axes.
    size : str, optional
        Column of counts that the areas of the markers show.
    label : str, optional
        Column of names; default the index.
    named : int
        Number of markers that are named, to the right of the axes. Six fit in a figure of 7 x 3.6 inches; use 0 in a
        narrow one.
    line : bool
        Draw the line of equality, on equal axes; without it the axes have units that cannot be compared.

    Raises
    ------
    InputError
        A column is missing, a value is not a number, or a count is not above 0.
    """
    need_columns(table, [x, y, *(name for name in (size, label) if name is not None)])
    across, up = (check_scores(table[name], f"column {name}") for name in (x, y))
    names = (table.index if label is None else table[label]).to_numpy()
    far = np.argsort(-np.abs(up - across), kind="stable")[:named]
    area = np.full(len(table), 40.0)
    if size is not None:
        counts = check_scores(table[size], f"column {size}")
        if counts.min() <= 0:
            raise InputError(f"column {size}", "a count is not above 0", "Leave such rows out: they would not be seen")
        area = LARGEST * counts / counts.max()
    low, high = min(across.min(), up.min()), max(across.max(), up.max())
    margin = 0.06 * (high - low) or 1.0
    colours = np.where(np.isin(np.arange(len(table)), far) & line, VERMILION, BLUE)
    dots = ax.scatter(across, up, s=area, c=colours, alpha=0.7, edgecolor="white", lw=0.5)
    ax.set(xlabel=xlabel or x, ylabel=ylabel or y)
    if line:
        ax.axline((low, low), slope=1, color=GREY, lw=1, ls="--")
        ax.set(aspect="equal", xlim=(low - margin, high + margin), ylim=(low - margin, high + margin))
    else:
        ax.margins(0.1)
    bottom, top = ax.get_ylim()
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    far = far[np.argsort(up[far])]
    heights = _spread((up[far] - bottom) / (top - bottom), lowest=0.0 if size is None else 0.5)
    for row, height in zip(far, heights, strict=True):
        ax.annotate(
            str(names[row]),
            (across[row], up[row]),
            (1.05, height),
            textcoords="axes fraction",
            va="center",
            fontsize="small",
            arrowprops={"arrowstyle": "-", "color": GREY, "lw": 0.8, "relpos": (0, 0.5), "shrinkB": 4},
        )
    if size is not None:
        key = dots.legend_elements("sizes", num=3, fmt="{x:g}", func=lambda s: s * counts.max() / LARGEST, color=BLUE)
        ax.legend(*key, title=size, frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(1, 0))
    return ax


def _spread(heights: np.ndarray, *, lowest: float, apart: float = 0.1) -> np.ndarray:
    """Adjust the ascending heights of labels so that they are `apart` from each other and between `lowest` and 1."""
    steps = apart * np.arange(len(heights))
    risen = np.maximum.accumulate(np.maximum(heights, lowest) - steps) + steps
    return np.minimum(risen - steps, 1 - steps[-1:]) + steps
