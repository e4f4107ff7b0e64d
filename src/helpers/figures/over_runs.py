"""Figures of a grid of runs: all runs with their means over seeds, and the components of the variance between runs."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from helpers.errors import InputError
from helpers.figures.look import BLUE, GREY, HATCHES, ORANGE, PALETTE, VERMILION
from helpers.stats.inputs import need_columns

COMPONENTS = {"configuration": BLUE, "seed": ORANGE, "rest": PALETTE[4], "seed and rest": VERMILION}
WIDTH = 22  # most letters in a line of a label, which leaves half of a phone's screen for the data


def repeats(
    runs: pd.DataFrame,
    means: pd.DataFrame,
    *,
    value: str,
    ax: Axes,
    no_effect: float | None = None,
) -> Axes:
    """Draw every run as a point, one line per configuration, with the mean over seeds and its interval below.

    Parameters
    ----------
    runs : DataFrame
        ``configuration`` and `value`, one row per run.
    means : DataFrame
        ``configuration, mean, low, high``, one row per configuration, drawn from top to bottom. Without rows, a text on
        the axes states that no runs are recorded.
    no_effect : float, optional
        Value of no effect, marked by a dashed line.

    Raises
    ------
    InputError
        A column is missing, or a configuration occurs twice in `means`.
    """
    need_columns(runs, ["configuration", value])
    need_columns(means, ["configuration", "mean", "low", "high"])
    if not len(means):
        return _nothing(ax)
    names = means["configuration"]
    if (twice := names.duplicated()).any():
        raise InputError(f"configuration {names[twice].iloc[0]}", "the means have it more than once", "Give it once")
    y = np.arange(len(means))[::-1]
    place = runs["configuration"].map(dict(zip(names, y, strict=True)))
    point = {"marker": "o", "ls": "none", "ms": 5, "mfc": "none", "alpha": 0.8}
    ax.plot(runs[value], place + 0.16, color=GREY, **point, label="a run")
    ax.hlines(y - 0.16, means["low"], means["high"], color=BLUE, lw=2.5)
    ax.plot(means["mean"], y - 0.16, "D", color=BLUE, ms=6, label="mean over seeds, 95% interval")
    if no_effect is not None:
        ax.axvline(no_effect, color=GREY, lw=1, ls="--")
    ax.set_yticks(y, [_lines(name) for name in names], fontsize="small")
    ax.locator_params(axis="x", nbins=5)
    ax.set(xlabel=value, ylim=(-0.6, len(means) - 0.4))
    ax.grid(axis="y", visible=False)
    ax.hlines(y[1:] + 0.5, 0, 1, transform=ax.get_yaxis_transform(), color="lightgrey", lw=0.8)
    ax.legend(frameon=False, fontsize="small", loc="lower center", bbox_to_anchor=(0.4, 1), ncols=2, columnspacing=1)
    return ax


def shares(table: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw the shares of the variance between runs with their intervals, a bar per component for each value.

    Parameters
    ----------
    table : DataFrame
        ``value, component, share, low, high``, as `helpers.stats.variance_shares` returns it. A value without variance
        components has a line without bars. Without rows, a text on the axes states that no runs are recorded.

    Raises
    ------
    InputError
        A column is missing, a component is unknown, or a value has a component twice.
    """
    need_columns(table, ["value", "component", "share", "low", "high"])
    if not len(table):
        return _nothing(ax)
    known = table[table["component"].notna()]
    if odd := set(known["component"]) - set(COMPONENTS):
        raise InputError(
            "column component", f"must be one of {list(COMPONENTS)}, got {odd.pop()!r}", "Use these words."
        )
    if (twice := known.duplicated(["value", "component"])).any():
        value, component = known.loc[twice, ["value", "component"]].iloc[0]
        raise InputError(f"{value}, {component}", "the table has it more than once", "Give one row for each.")
    values = list(dict.fromkeys(table["value"]))
    names = [name for name in COMPONENTS if name in set(known["component"])]
    height = 0.8 / max(len(names), 1)
    for i, name in enumerate(names):
        own = known[known["component"] == name].set_index("value").reindex(values)
        y = np.arange(len(values))[::-1] + height * ((len(names) - 1) / 2 - i)
        look = {"color": COMPONENTS[name], "alpha": 0.55, "hatch": HATCHES[i], "edgecolor": "white", "lw": 0}
        ax.barh(y, own["share"], height * 0.9, **look, label=name)
        ax.hlines(y, own["low"], own["high"], color="black", lw=1.3)
    ax.set_yticks(range(len(values))[::-1], [_lines(name) for name in values], fontsize="small")
    ax.set(xlabel="share of the variance between runs", xlim=(0, 1), ylim=(-0.6, len(values) - 0.4))
    ax.grid(axis="y", visible=False)
    if names:
        ax.legend(frameon=False, fontsize="small", loc="lower center", bbox_to_anchor=(0.4, 1), ncols=len(names))
    return ax


def _lines(name: object) -> str:
    """Wrap a label in short lines, broken at spaces and after dots."""
    return fill(str(name).replace(".", ". "), WIDTH).replace(". ", ".")


def _nothing(ax: Axes) -> Axes:
    ax.text(0.5, 0.5, "no runs are recorded yet", ha="center", va="center", color=GREY, transform=ax.transAxes)
    ax.set_axis_off()
    return ax
