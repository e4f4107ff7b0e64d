"""Figures that compare arms (original, degraded and reconstructed images): by level of noise, and as changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from helpers.errors import InputError
from helpers.figures.look import GREY, PALETTE

MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
NAMES = {"unet": "U-Net", "pix2pix": "Pix2Pix", "sde": "SDE", "degraded": "degraded", "original": "original"}
MEASURES = {"psnr": "PSNR (dB)", "ssim": "SSIM", "lpips": "LPIPS", "dice": "Dice", "auroc": "AUROC"}


def levels(
    table: pd.DataFrame,
    *,
    metric: str,
    target: str = "",
    ax: Axes,
    theirs: pd.DataFrame | None = None,
    order: Sequence[str] = ("none", "low", "middle", "high"),
    ylabel: str = "",
) -> Axes:
    """Draw a measure against the level of noise, one line for each arm, with intervals.

    Parameters
    ----------
    table : DataFrame
        ``level, metric, target, arm, estimate, low, high``.
    metric, target : str
        Metric and target of the rows to draw; without a target, the rows in which `target` equals the metric.
    theirs : DataFrame, optional
        Published values: ``level, metric, arm, value``; drawn in grey, with the marker of the arm.
    order : sequence of str
        Levels from left to right.
    """
    place = {level: k for k, level in enumerate(order)}
    shown = table[(table["metric"] == metric) & (table["target"] == (target or metric))]
    arms = [arm for arm in NAMES if arm in set(shown["arm"])]
    for i, arm in enumerate(arms):
        look = {"color": PALETTE[i], "marker": MARKERS[i]}
        own = shown[shown["arm"] == arm].sort_values("level", key=lambda s: s.map(place))
        x = own["level"].map(place) + 0.08 * (i - (len(arms) - 1) / 2)
        error = np.abs(own[["low", "high"]].to_numpy().T - own["estimate"].to_numpy())
        ax.errorbar(x, own["estimate"], error, **look, lw=1.5, capsize=2, label=NAMES[arm])
        if theirs is not None:
            given = theirs[(theirs["metric"] == metric) & (theirs["arm"] == arm)]
            look["color"] = GREY
            ax.plot(given["level"].map(place), given["value"], **look, lw=1, ls=":", mfc="none")
    if theirs is not None:
        ax.plot([], [], color=GREY, ls=":", label="published")
    ax.set_xticks(range(len(order)), order)
    name = MEASURES.get(metric, metric)
    name = f"mean {name}" if target == "mean" else name
    ax.set(xlabel="level of noise", ylabel=ylabel or name, xlim=(-0.4, len(order) - 0.6))
    ax.legend(frameon=False, fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    return ax


def changes(
    table: pd.DataFrame,
    *,
    ax: Axes,
    row: str = "finding",
    theirs: pd.DataFrame | None = None,
    xlabel: str = "change from the original",
) -> Axes:
    """Draw changes from the original with their intervals: a line for each row, a marker and colour for each arm.

    Parameters
    ----------
    table : DataFrame
        Column `row`, ``arm, change, low, high``; rows without a change are left empty.
    theirs : DataFrame, optional
        Published changes, with the same columns but without intervals; drawn as hollow grey markers.

    Raises
    ------
    InputError
        A row has an arm twice.
    """
    if (twice := table.duplicated([row, "arm"])).any():
        name, arm = table.loc[twice, [row, "arm"]].iloc[0]
        raise InputError(f"{name}, {arm}", "the table has it more than once", "Give one row for each")
    rows = list(dict.fromkeys(table[row]))
    arms = [arm for arm in NAMES if arm in set(table["arm"])]
    for i, arm in enumerate(arms):
        shift = 0.2 * ((len(arms) - 1) / 2 - i)
        own = table[table["arm"] == arm].set_index(row).reindex(rows)
        y = np.arange(len(rows))[::-1] + shift
        look = {"color": PALETTE[i], "marker": MARKERS[i], "ls": "none", "ms": 5}
        ax.hlines(y, own["low"], own["high"], color=PALETTE[i], lw=1.5)
        ax.plot(own["change"], y, **look, label=NAMES[arm])
        if theirs is not None:
            given = theirs[theirs["arm"] == arm].set_index(row).reindex(rows)
            ax.plot(given["change"], y, **look | {"color": GREY}, mfc="none")
    if theirs is not None:
        ax.plot([], [], color=GREY, marker="o", ls="none", mfc="none", label="published")
    ax.axvline(0, color=GREY, lw=1, ls="--")
    ax.set_yticks(range(len(rows))[::-1], rows)
    ax.set(xlabel=xlabel, ylim=(-0.6, len(rows) - 0.4))
    ax.grid(axis="y", visible=False)
    ax.legend(frameon=False, fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(arms) + 1)
    return ax
