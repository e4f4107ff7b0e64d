"""Figures of finished tables: estimates with intervals, rates, threshold sweeps, and permutation null distributions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from helpers.figures.look import BLUE, GREEN, GREY, PALETTE, VERMILION


def means(tables: dict[str, pd.DataFrame], *, ax: Axes) -> Axes:
    """Draw group means with their intervals, and bars between the quartiles behind them.

    Parameters
    ----------
    tables : dict of str to DataFrame
        A name for each set of scores and its `stats.by_group` table (index group; n, mean, low, high, q1, q3).
    """
    width = 0.8 / len(tables)
    for i, (name, table) in enumerate(tables.items()):
        x = np.arange(len(table)) + (i - (len(tables) - 1) / 2) * width
        colour = PALETTE[i]
        box = {"bottom": table["q1"], "alpha": 0.2, "color": colour, "label": f"{name}: quartiles"}
        ax.bar(x, table["q3"] - table["q1"], width * 0.8, **box)
        error = np.abs(table[["low", "high"]].to_numpy().T - table["mean"].to_numpy())
        line = {"fmt": "os^D"[i % 4], "capsize": 4, "color": colour, "label": f"{name}: mean, 95% interval"}
        ax.errorbar(x, table["mean"], error, **line)
    labels = [f"{group}\nn = {n}" for group, n in next(iter(tables.values()))["n"].items()]
    ax.set_xticks(range(len(labels)), labels)
    ax.legend(frameon=False, fontsize="small", loc="lower right")
    return ax


def forest(
    table: pd.DataFrame,
    *,
    ax: Axes,
    estimate: str = "estimate",
    low: str = "low",
    high: str = "high",
    no_effect: float = 0.0,
    xlabel: str = "",
    emphasise: Sequence[object] = (),
) -> Axes:
    """Draw a forest plot: estimates with intervals, one per line, and a dashed line at the value of no effect.

    Parameters
    ----------
    table : DataFrame
        One row per line; its index is the label, to which a column `n` is added if there is one.
    emphasise : sequence
        Index labels drawn in the second colour.
    """
    y = np.arange(len(table))[::-1]
    marked = np.array([label in emphasise for label in table.index], bool)
    for rows, colour, marker in ((~marked, BLUE, "o"), (marked, VERMILION, "D")):
        if not rows.any():
            continue
        ends = table.loc[rows, [low, estimate, high]].to_numpy(float).T
        ax.hlines(y[rows], ends[0], ends[2], color=colour, lw=2)
        ax.plot(ends[1], y[rows], marker, color=colour)
    labels = [f"{label}  (n = {row['n']:.0f})" if "n" in table else str(label) for label, row in table.iterrows()]
    if ax.yaxis.get_visible():
        ax.set_yticks(y, labels)
    ax.axvline(no_effect, color=GREY, lw=1, ls="--")
    ax.set(xlabel=xlabel, ylim=(-0.6, len(table) - 0.4))
    ax.grid(axis="y", visible=False)
    return ax


def sweep(
    table: pd.DataFrame, *, x: str, y: str, ax: Axes, no_effect: float, label: str = "", marks: Sequence[float] = ()
) -> Axes:
    """Draw a statistic against a threshold, with its interval `<y>_low` to `<y>_high`.

    Thresholds at which nearly all or hardly any cases succeed (saturated) are hatched.

    Parameters
    ----------
    table : DataFrame
        As `stats.threshold_sweep` returns it.
    marks : sequence of float
        Positions on the x axis to mark by a dotted line, such as thresholds used in papers.
    """
    colour = PALETTE[len(ax.collections) % len(PALETTE)]  # each curve that is already drawn has one band
    ax.plot(table[x], table[y], color=colour, lw=2, label=label or y)
    ax.fill_between(table[x], table[f"{y}_low"], table[f"{y}_high"], color=colour, alpha=0.2, lw=0)
    ax.axhline(no_effect, color=GREY, lw=1, ls="--")
    for mark in marks:
        ax.axvline(mark, color=GREY, lw=1, ls=":")
    for _, row in table[table["saturated"]].iterrows():
        ax.axvspan(row[x] - 0.01, row[x] + 0.01, facecolor="none", edgecolor=GREY, hatch="//", alpha=0.3, lw=0)
    ax.set(xlabel=x, ylabel=y)
    return ax


def null(draws: np.ndarray, observed: float, *, ax: Axes, xlabel: str = "") -> Axes:
    """Draw the null distribution of a permutation test and the observed statistic."""
    ax.hist(draws, bins=40, histtype="stepfilled", color=GREY, alpha=0.6, label="if groups did not matter")
    ax.axvline(np.quantile(draws, 0.95), color=GREY, ls=":", label="95% of them are below")
    ax.axvline(observed, color=VERMILION, lw=2, label=f"observed {observed:.3f}")
    ax.set(xlabel=xlabel, ylabel="permutations")
    ax.legend(frameon=False, fontsize="small")
    return ax


def rates(table: pd.DataFrame, *, ax: Axes, nominal: tuple[float, float], target: float, xlabel: str) -> Axes:
    """Draw observed rates with Monte Carlo intervals against an acceptance band that was set beforehand.

    Parameters
    ----------
    table : DataFrame
        The index names the procedures; columns rate, low, high.
    nominal : tuple of float
        Lower and upper end of the band, fixed before the run.
    target : float
        The rate that is expected in theory.
    """
    ax.axvspan(*nominal, color=GREEN, alpha=0.15, lw=0, label="band set beforehand")
    forest(table, ax=ax, estimate="rate", no_effect=target, xlabel=xlabel)
    ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(0, 1.16))
    return ax
