"""Figures of bias mitigation methods: the cost of fairness, the strength needed, and the causes of bias they help."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from helpers.errors import InputError, check_choice
from helpers.figures.arms import MARKERS as FEW
from helpers.figures.look import BLUE, GREY, ORANGE, PALETTE
from helpers.stats.inputs import need_columns

MARKERS = [*FEW, "<", ">", "*", "p", "h", "d", "8"]  # more shapes than colours: the shape identifies the method
BETTER = {"auroc": "high", "worst_auroc": "high", "worst_accuracy": "high"}
BETTER |= {"auroc_gap": "low", "eodd": "low", "eop": "low"}
NAMES = {
    "auroc": "AUROC",
    "worst_auroc": "AUROC of the worst group",
    "auroc_gap": "gap in AUROC",
    "eodd": "equalized odds difference",
    "eop": "equal opportunity difference",
    "worst_accuracy": "balanced accuracy of the worst group",
}
VERDICTS = {
    "helps": ("\N{CHECK MARK}", BLUE, 0.4),
    "does nothing": ("=", GREY, 0.3),
    "harms": ("\N{BALLOT X}", ORANGE, 0.6),
    "not shown": ("", GREY, 0.08),
}
SMALL = 6.5  # points; font size of the interval in a cell: the largest that fits a sixth of 5.5 inches


def tradeoff(
    table: pd.DataFrame,
    *,
    ax: Axes,
    x: str = "auroc",
    y: str = "eodd",
    order: Sequence[str] | None = None,
    front: bool = True,
) -> Axes:
    """Draw two metrics of every method with their intervals; an arrow marks the corner where both are better.

    Parameters
    ----------
    table : DataFrame
        As `helpers.studies.mitigation.compare_methods` returns it: ``method, metric, value, low, high``.
    x, y : str
        Metrics of the table.
    order : sequence of str, optional
        Methods to show, which get colours and shapes in this order; default all, as in the table.
    front : bool
        Draw the Pareto front: a grey line joins the methods for which no other method is at least as good in both
        metrics and better in one. It depends only on the values, not on their intervals.

    Raises
    ------
    InputError
        A column or a metric is missing, a method is not in the table or has a value twice, or there are more methods
        than shapes.
    """
    need_columns(table, ["method", "metric", "value", "low", "high"])
    across, up = (_of_metric(table, metric, order) for metric in (x, y))
    methods = list(across.index)
    if up["value"].isna().all():
        ax.text(0.5, 0.5, f"no {NAMES[y]}: no two groups are large enough", transform=ax.transAxes, ha="center")
        ax.set(xlabel=NAMES[x], ylabel=NAMES[y], xticks=[], yticks=[])
        return ax
    for i, method in enumerate(methods):
        ends = [
            np.abs(own.loc[[method], ["low", "high"]].to_numpy().T - own.loc[method, "value"]) for own in (across, up)
        ]
        point = across.loc[method, "value"], up.loc[method, "value"]
        ax.errorbar(
            *point, yerr=ends[1], xerr=ends[0], **_look(i, methods), ls="none", ms=8, lw=1, label=method, zorder=3
        )
    signs = [1 if BETTER[metric] == "high" else -1 for metric in (x, y)]
    if front:
        best = _unbeaten(np.stack([signs[0] * across["value"], signs[1] * up["value"]], axis=1))
        line = pd.DataFrame({"x": across["value"], "y": up["value"]})[best].sort_values("x")
        drawn = "steps-pre" if signs[0] > 0 else "steps-post"
        ax.plot(line["x"], line["y"], color=GREY, lw=1.5, ls="--", drawstyle=drawn, label="no other is better in both")
    _leave_corner(ax, *signs)
    ax.set(xlabel=NAMES[x], ylabel=NAMES[y])
    handles, labels = ax.get_legend_handles_labels()
    last = [*range(front, len(labels)), *range(front)]  # the front's line comes after the methods in the legend
    shown = [handles[k] for k in last], [labels[k] for k in last]
    ax.legend(*shown, frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    return ax


def lambdas(table: pd.DataFrame, *, ax: Axes, metric: str) -> Axes:
    """Draw a metric against the strength of mitigation, one line for each method, with intervals.

    The axis is logarithmic. A strength of 0 is shown separately at the left, joined by a dotted line.

    Parameters
    ----------
    table : DataFrame
        ``method, strength, metric, value, low, high``; strengths of 0 or more.
    metric : str
        Metric of the rows to draw.

    Raises
    ------
    InputError
        A column or the metric is missing, a strength is missing or below 0, no strength is above 0, or a method has two
        rows for one strength.
    """
    need_columns(table, ["method", "strength", "metric", "value", "low", "high"])
    rows = table[table["metric"] == metric]
    if not len(rows):
        raise InputError("metric", f"no row is {metric!r}", f"Name one of {list(table['metric'].unique())}.")
    if not rows["strength"].ge(0).all() or not rows["strength"].gt(0).any():
        raise InputError("column strength", "a value is below 0 or missing, or all are 0", "Give the lambdas.")
    if (twice := rows.duplicated(["method", "strength"])).any():
        method, strength = rows.loc[twice, ["method", "strength"]].iloc[0]
        raise InputError(f"{method}, {strength:g}", "the table has it more than once", "Give one row for each.")
    powers = np.log10(rows.loc[rows["strength"] > 0, "strength"])
    step = max(0.5, 0.15 * np.ptp(powers))
    zero = powers.min() - step  # position of strength 0 on the axis
    methods = list(dict.fromkeys(rows["method"]))
    for i, method in enumerate(methods):
        own = rows[rows["method"] == method].sort_values("strength")
        place = np.log10(own["strength"].where(own["strength"] > 0)).fillna(zero)
        place = place + 0.12 * step * (i - (len(methods) - 1) / 2)
        look, at_zero = _look(i, methods), int((own["strength"] == 0).sum())
        error = np.abs(own[["low", "high"]].to_numpy().T - own["value"].to_numpy())
        ax.errorbar(place, own["value"], error, **look, ls="none", lw=1, capsize=2, label=method)
        ax.plot(place[at_zero:], own["value"][at_zero:], color=look["color"], lw=1.5)
        ax.plot(place[: at_zero + 1], own["value"][: at_zero + 1], color=look["color"], lw=1, ls=":")
    decades = np.arange(np.floor(powers.min() + 1e-9), np.ceil(powers.max() - 1e-9) + 1)
    decades = decades[(decades >= powers.min() - 1e-9) & (decades <= powers.max() + 1e-9)]
    ticks = decades if len(decades) > 1 else np.unique(powers)
    none = [zero] * bool((rows["strength"] == 0).any())
    ax.set_xticks([*none, *ticks], ["0"] * len(none) + [f"{10**tick:.3g}" for tick in ticks])
    if none:
        ax.axvline(zero + step / 2, color=GREY, lw=1, ls=":")
    ax.set(xlabel="strength of mitigation (lambda)", ylabel=NAMES.get(metric, metric))
    ax.grid(axis="x", visible=False)
    ax.legend(frameon=False, fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    return ax


def verdicts(table: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw a grid of methods and causes of bias: each cell has the change, its interval and the verdict.

    Parameters
    ----------
    table : DataFrame
        ``method, cause, change, low, high, verdict``, one row per cell; verdicts are "helps", "does nothing",
        "harms" and "not shown".
        A cell without a row, or with a change of NaN, is hatched. Nine methods and six causes fit 7 x 5 inches.

    Raises
    ------
    InputError
        A column is missing, a verdict is not one of these words, or a cell has two rows.
    """
    need_columns(table, ["method", "cause", "change", "low", "high", "verdict"])
    if not (known := table["verdict"].isin(VERDICTS)).all():
        problem = f"must be one of {list(VERDICTS)}, got {table.loc[~known, 'verdict'].iloc[0]!r}"
        raise InputError("column verdict", problem, "Use these words.")
    if (twice := table.duplicated(["method", "cause"])).any():
        method, cause = table.loc[twice, ["method", "cause"]].iloc[0]
        raise InputError(f"{method}, {cause}", "the table has it more than once", "Give one metric.")
    methods, causes = (list(dict.fromkeys(table[name])) for name in ("method", "cause"))
    cells = table.set_index(["method", "cause"])
    for i, method in enumerate(methods):
        for j, cause in enumerate(causes):
            row = cells.loc[(method, cause)] if (method, cause) in cells.index else None
            _cell(ax, j, i, row)
    ax.set_xticks(range(len(causes)), [fill(str(cause), 14) for cause in causes], fontsize="small")
    ax.set_yticks(range(len(methods)), methods, fontsize="small")
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    ax.set(xlim=(-0.5, len(causes) - 0.5), ylim=(len(methods) - 0.5, -0.5))
    ax.grid(visible=False)
    for side in ax.spines.values():
        side.set_visible(False)
    keys = [
        Patch(facecolor=(colour, alpha), edgecolor=GREY, label=f"{symbol} {verdict}".strip())
        for verdict, (symbol, colour, alpha) in VERDICTS.items()
    ]
    ax.legend(handles=keys, frameon=False, fontsize="small", loc="upper center", bbox_to_anchor=(0.5, 0), ncols=4)
    return ax


def _cell(ax: Axes, x: int, y: int, row: pd.Series | None) -> None:
    box = {"xy": (x - 0.5, y - 0.5), "width": 1, "height": 1, "edgecolor": "white", "lw": 2}
    if row is None or np.isnan(row["change"]):
        ax.add_patch(Rectangle(**box | {"facecolor": "none", "edgecolor": "lightgrey", "hatch": "///", "lw": 0}))
        return
    symbol, colour, alpha = VERDICTS[row["verdict"]]
    change, low, high = (_signed(row[name]) for name in ("change", "low", "high"))
    ax.add_patch(Rectangle(**box, facecolor=(colour, alpha)))
    text = {"ha": "center", "color": "black"}
    weight = "normal" if row["verdict"] == "not shown" else "bold"
    ax.text(x, y, f"{symbol} {change}".strip(), va="bottom", fontsize=SMALL + 1.5, weight=weight, **text)
    ax.text(x, y + 0.05, f"[{low}, {high}]", va="top", fontsize=SMALL, **text)


def _signed(value: float) -> str:
    """Format a number with its sign; a number that rounds to 0 has none."""
    shown = f"{value:+.3f}"
    return shown[1:] if float(shown) == 0 else shown.replace("-", "\N{MINUS SIGN}")


def _look(i: int, methods: list[str]) -> dict[str, object]:
    if len(methods) > len(MARKERS):
        problem = f"{len(methods)} methods, but only {len(MARKERS)} shapes"
        raise InputError("methods", problem, "Draw fewer at a time, with order=.")
    return {"color": PALETTE[i % len(PALETTE)], "marker": MARKERS[i]}


def _of_metric(table: pd.DataFrame, metric: str, order: Sequence[str] | None) -> pd.DataFrame:
    """Return the rows of one metric by method, in the order to draw."""
    check_choice("metric", metric, BETTER)
    rows = table[table["metric"] == metric].set_index("method")
    if rows.index.has_duplicates:
        method = rows.index[rows.index.duplicated()][0]
        raise InputError(f"{method}, {metric}", "the table has it more than once", "Give one row for each.")
    wanted = list(rows.index if order is None else order)
    if absent := [method for method in wanted if method not in rows.index]:
        raise InputError("order", f"{absent} have no {metric} in the table", f"It has {list(rows.index)}.")
    return rows.loc[wanted]


def _unbeaten(points: np.ndarray) -> np.ndarray:
    """Find the Pareto front of points (n, 2), larger being better.

    A point is on the front if no other point is at least as good in both coordinates and better in one.
    """
    as_good = (points[:, None] >= points).all(axis=2) & (points[:, None] > points).any(axis=2)
    return ~as_good.any(axis=0) & ~np.isnan(points).any(axis=1)


def _leave_corner(ax: Axes, right: int, top: int) -> None:
    """Leave room beyond the points at the better ends of both axes, and draw an arrow into that corner."""
    for limits, set_limits, sign in ((ax.get_xlim(), ax.set_xlim, right), (ax.get_ylim(), ax.set_ylim, top)):
        room = 0.16 * (limits[1] - limits[0])
        set_limits(limits[0] - room * (sign < 0), limits[1] + room * (sign > 0))
    for axis in (ax.xaxis, ax.yaxis):  # all metrics are between 0 and 1, so no tick is outside
        low, high = sorted(axis.get_view_interval())
        axis.set_ticks([tick for tick in axis.get_ticklocs() if max(low, 0) <= tick <= min(high, 1 + 1e-9)])
    corner = [0.985 if sign > 0 else 0.015 for sign in (right, top)]
    start = [end - 0.07 * sign for end, sign in zip(corner, (right, top), strict=True)]
    arrow = {"arrowstyle": "-|>", "color": GREY, "lw": 1.5}
    at = {"xycoords": "axes fraction", "textcoords": "axes fraction"}
    words = {"ha": "right" if right > 0 else "left", "va": "center", "color": GREY, "fontsize": "small"}
    ax.annotate("", corner, start, arrowprops=arrow, **at)
    ax.annotate("better", corner, (start[0] - 0.01 * right, start[1] + 0.02 * top), **at, **words)
