"""Figures of the study, and the table that a reader explores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from helpers import figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_curves(table: pd.DataFrame, *, ax: Axes, chance: float | None = None, ylabel: str = "accuracy") -> Axes:
    """Draw the accuracy of each encoder against the labels of a class, with 95% intervals.

    Parameters
    ----------
    table : DataFrame
        ``encoder, labels, estimate, low, high``, as from `curve`.
    chance : float, optional
        Accuracy of a guess, marked by a dashed line.
    """
    for place, (name, rows) in enumerate(table.groupby("encoder", sort=False)):
        x = rows["labels"].to_numpy(float) * 1.04 ** (place - 2)  # apart, so that intervals do not hide each other
        ends = np.abs(rows[["low", "high"]].to_numpy(float).T - rows["estimate"].to_numpy(float))
        colour = figures.PALETTE[place % len(figures.PALETTE)]
        ax.errorbar(x, rows["estimate"], yerr=ends, marker="o", capsize=2, label=name, color=colour)
    labels = sorted(table["labels"].unique())
    ax.set(xscale="log", xlabel="labels of each class", ylabel=ylabel)
    ax.set_xticks(labels, [str(n) for n in labels])
    ax.minorticks_off()
    if chance is not None:
        ax.axhline(chance, color="0.5", linestyle="--", linewidth=1)
    ax.legend(fontsize="small")
    return ax


def draw_losses(history: pd.DataFrame, prototypes: int, *, ax: Axes) -> Axes:
    """Draw the two losses of a pretraining by step, and as a dashed line the loss of outputs that are all equal.

    Parameters
    ----------
    history : DataFrame
        ``step, dino, ibot``, as an `Encoder` has it.
    prototypes : int
        The loss of equal outputs is their logarithm.
    """
    for name, place in {"dino": "views", "ibot": "masked patches"}.items():
        ax.plot(history["step"], history[name], label=place)
    ax.axhline(math.log(prototypes), color="0.5", linestyle="--", linewidth=1)
    ax.set(xlabel="step", ylabel="cross-entropy")
    ax.legend()
    return ax


def wide(table: pd.DataFrame, *, digits: int = 2) -> pd.DataFrame:
    """Arrange a table as from `curve` for a page: a row for each encoder, a column for each number of labels."""
    text = [f"{r.estimate:.{digits}f} [{r.low:.{digits}f}, {r.high:.{digits}f}]" for r in table.itertuples()]
    shown = table.assign(shown=text).pivot(index="encoder", columns="labels", values="shown")
    return shown.loc[list(dict.fromkeys(table["encoder"]))].rename_axis(index=None)


def listed(text: str) -> list[int]:
    """Read numbers of labels from a parameter such as "1,5,20".

    Raises
    ------
    InputError
        The text is no list of whole numbers of 1 or more.
    """
    from helpers.errors import InputError

    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() and int(part) for part in parts) or len(set(parts)) < len(parts):
        raise InputError("N_LABELS", f"{text!r} is no list of different whole numbers", "Write it as 1,5,20")
    return sorted(int(part) for part in parts)


def chosen(parts: str, known: Sequence[str]) -> list[str]:
    """Read names of encoders from a parameter such as "in-domain,other textures"; "all" means each that is known.

    Raises
    ------
    InputError
        A name is unknown.
    """
    from helpers.errors import check_choice

    names = list(known) if parts == "all" else [part.strip() for part in parts.split(",")]
    for name in names:
        check_choice("KINDS", name, known)
    return names
