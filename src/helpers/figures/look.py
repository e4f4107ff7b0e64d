"""Colours and the look of all figures."""

from __future__ import annotations

import matplotlib as mpl
import seaborn as sns

BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#5F6368"
PALETTE = [BLUE, ORANGE, GREEN, VERMILION, "#CC79A7", "#56B4E9", "#000000"]  # their yellow is too pale on white
HATCHES = ["", "///", "...", "xxx", "\\\\\\", "+++", "ooo"]  # as many as colours


def style() -> None:
    """Set the book's look for every figure that follows."""
    sns.set_theme(context="notebook", style="whitegrid", palette=PALETTE)
    mpl.rcParams.update(
        {
            "figure.figsize": (7, 3.6),
            "figure.dpi": 110,
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titleweight": "bold",
            "axes.titlesize": "medium",
            "axes.titlelocation": "left",
        }
    )
