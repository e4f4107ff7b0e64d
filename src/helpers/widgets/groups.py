"""Scores by group, and by intersections of groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers import figures, stats
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError, check_choice
from helpers.report.tables import show
from helpers.stats.complement import small
from helpers.widgets import selecting
from helpers.widgets.showing import choice, chosen, explorer, figure_html, table_html

if TYPE_CHECKING:
    from ipywidgets import Widget

MOST = 24  # most groups that are drawn in a figure


def group_view(
    frame: pd.DataFrame,
    group: str,
    score: str,
    threshold: float,
    *,
    cross: str | None = None,
    only: tuple[str, object] | None = None,
    better: str = "higher",
) -> tuple[pd.DataFrame, Figure]:
    """Compare group means and success rates of one score, as a table and a figure.

    Parameters
    ----------
    frame : DataFrame
        One row per case.
    group, score : str
        Columns of the frame; cases without a score or a group are left out.
    threshold : float
        A case is a success if its score is above the threshold, or below it if lower is better.
    cross : str, optional
        A second attribute; the groups are then the intersections of both.
    only : tuple, optional
        A column and a value: only cases with this value are used, such as those of one source.
    better : {"higher", "lower"}
        The direction in which the score is better.

    Returns
    -------
    table : DataFrame
        n, mean with interval, success rate with interval; groups under 10 suppressed, groups without scores with n 0.
        The rate is suppressed too if one to nine cases of the group succeed, or fail.
    figure : matplotlib.figure.Figure
        The groups of 10 or more, at most the 24 largest; names that the font cannot draw are replaced by row numbers.

    Raises
    ------
    InputError
        A column is missing or occurs twice, no case is left, a score is not a finite number, or `better` is unknown.
    """
    check_choice("better", better, ("higher", "lower"))
    frame = selecting.of_source(frame, only)
    attributes = [group, *([cross] if cross else [])]
    groups, known = selecting.crossed(frame, attributes), selecting.scored(frame, score).to_numpy()
    if groups[known].isna().all():
        problem = "no case of this selection has both a group and a score"
        raise InputError(" × ".join(attributes), problem, "Pick another selection")
    values, of = frame.loc[known, score], groups[known]
    means = stats.by_group(values, groups=of)
    sign = 1 if better == "higher" else -1
    good, _ = stats.success(sign * values, threshold=sign * threshold)
    rates = stats.success_rates(good, groups=of)
    rare = small(rates["count"]) | small(rates["n"] - rates["count"])
    kept = rates[["rate", "low", "high"]].mask(rare, axis=0).add_prefix("rate_")
    table = pd.concat([means[["n", "mean", "low", "high"]], kept], axis=1)
    table = table.reindex(groups.cat.categories)
    table["n"] = table["n"].fillna(0).astype(int)
    figure = _forests(table, score, f"{_beyond(better)} {threshold:g}", values.mean(), good.mean())
    shown = show(table.rename(columns={"rate_rate": "rate"}))
    shown.loc[rare.index[rare], ["rate", *kept.columns[1:]]] = "suppressed"
    return shown, figure


def _forests(table: pd.DataFrame, score: str, beyond: str, mean: float, rate: float) -> Figure:
    names = figures.labels(table.index, "row")
    table = table.set_axis([names[group] for group in table.index])
    large = table[table["n"] >= SMALLEST_CELL]
    kept = large[large["n"].rank(method="first", ascending=False) <= MOST]
    size = (9, 0.35 * max(len(kept), 1) + 1.4)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    axes[1].yaxis.set_visible(False)  # its ticks and labels are those of the first
    score, others = (
        figures.labels([score], "row")[score],
        {"estimate": "rate_rate", "low": "rate_low", "high": "rate_high"},
    )
    figures.forest(kept, ax=axes[0], estimate="mean", no_effect=mean, xlabel=f"mean {score}")
    figures.forest(kept, ax=axes[1], **others, no_effect=rate, xlabel=f"share with {score} {beyond}")
    if kept.empty:
        axes[0].text(0.5, 0.5, f"no group of {SMALLEST_CELL} or more", transform=axes[0].transAxes, ha="center")
        axes[0].set_ylim(-0.6, 0.6)
    elif len(kept) < len(large):
        axes[0].set_title(f"the {MOST} largest of {len(large)} groups")
    return figure


def _beyond(better: str) -> str:
    return ">" if better == "higher" else "<"


def explore_groups(
    frame: pd.DataFrame,
    *,
    groups: Sequence[str],
    scores: Sequence[str],
    better: str = "higher",
    threshold: float = 0.8,
) -> Widget:
    """Show `group_view` below controls for one or two attributes, the source, the score and the success threshold.

    Parameters
    ----------
    frame : DataFrame
        One row per case. The source can be chosen if a column ``dataset`` or ``source`` has several values.
    groups, scores : sequence of str
        Columns to choose from.
    better : {"higher", "lower"}
        The direction in which the scores are better.
    threshold : float
        Start value of the slider. It ranges from 0.05 to 0.95, or over the scores if they are not all between 0 and 1.
    """
    import ipywidgets

    group, cross = choice("group", groups), choice("cross with", groups, none=True)
    where, levels = selecting.sources(frame)
    source = choice("source", levels, none=True)
    score = choice("score", scores)
    slider = {**_reach(frame, scores, threshold), "continuous_update": False}
    cut = ipywidgets.FloatSlider(threshold, **slider, description=f"success {_beyond(better)}")

    def draw() -> tuple[str, str]:
        if group.value is None or score.value is None:
            raise InputError("groups, scores", "there is no column to choose from", "Name a column of each")
        only = (where, source.value) if chosen(source) is not None else None
        picked = {"cross": chosen(cross), "only": only, "better": better}
        table, figure = group_view(frame, group.value, score.value, cut.value, **picked)
        part = selecting.of_source(frame, only)
        both = [group.value, *([cross.value] if chosen(cross) else [])]
        used = part[score.value].notna() & selecting.crossed(part, both).notna()
        note = f"{used.sum():,} cases; {(~used).sum():,} more have no score or no group."
        side = "above" if better == "higher" else "below"
        alt = f"Mean {score.value} and share {side} {cut.value:g}, by {' and '.join(both)}, with 95% intervals."
        return table_html(table, note), figure_html(figure, alt)

    controls = [group, cross, *([source] if levels else []), score, cut]
    return explorer(controls, draw)


def _reach(frame: pd.DataFrame, scores: Sequence[str], threshold: float) -> dict[str, float]:
    """Choose the slider's range and step: those of a share, or round numbers that cover scores and threshold."""
    usual = {"min": 0.05, "max": 0.95, "step": 0.05}
    columns = frame.loc[:, frame.columns.isin(scores)].select_dtypes("number").to_numpy(float)
    values = columns[np.isfinite(columns)]
    if not len(values) or (values.min() >= 0 and values.max() <= 1):
        return usual | {"min": min(usual["min"], threshold), "max": max(usual["max"], threshold)}
    low, high = min(values.min(), threshold), max(values.max(), threshold)
    step = 10.0 ** np.floor(np.log10((high - low) / 10)) if high > low else 1.0
    return {"min": float(np.floor(low / step) * step), "max": float(np.ceil(high / step) * step), "step": float(step)}
