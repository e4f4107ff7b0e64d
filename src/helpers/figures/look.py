"""Colours and style of all figures."""

from __future__ import annotations

import matplotlib as mpl
from cycler import cycler

BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#5F6368"
PALETTE = [BLUE, ORANGE, GREEN, VERMILION, "#CC79A7", "#56B4E9", "#000000"]  # Okabe-Ito without its pale yellow
HATCHES = ["", "///", "...", "xxx", "\\\\\\", "+++", "ooo"]  # as many as colours


INK, LINES = ".15", ".8"  # grey levels of text, and of axes and grids


def style() -> None:
    """Set the book's style for all later figures: seaborn's white grid, without the two seconds to import seaborn."""
    mpl.rcParams.update(
        {
            "axes.axisbelow": True,
            "axes.edgecolor": LINES,
            "axes.facecolor": "white",
            "axes.grid": True,
            "axes.labelcolor": INK,
            "axes.labelsize": 12,
            "axes.linewidth": 1.25,
            "axes.prop_cycle": cycler("color", PALETTE),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlelocation": "left",
            "axes.titlesize": "medium",
            "axes.titleweight": "bold",
            "figure.constrained_layout.use": True,
            "figure.dpi": 110,
            "figure.facecolor": "white",
            "figure.figsize": (7, 3.6),
            "font.family": ["sans-serif"],
            "font.sans-serif": ["Arial", "DejaVu Sans", "Liberation Sans", "Bitstream Vera Sans", "sans-serif"],
            "font.size": 12,
            "grid.color": LINES,
            "grid.linewidth": 1,
            "legend.fontsize": 11,
            "legend.title_fontsize": 12,
            "lines.solid_capstyle": "round",
            "patch.edgecolor": "w",
            "patch.force_edgecolor": True,
            "savefig.facecolor": "white",
            "text.color": INK,
        }
    )
    for axis in ("xtick", "ytick"):
        sizes = {"labelsize": 11, "major.size": 6, "major.width": 1.25, "minor.size": 4, "minor.width": 1}
        mpl.rcParams.update({f"{axis}.{name}": value for name, value in {"color": INK, **sizes}.items()})
    mpl.rcParams.update({"xtick.bottom": False, "ytick.left": False})
