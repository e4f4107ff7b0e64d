"""Scores by group, and by intersections of groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from helpers import audit, figures
from helpers.errors import InputError
from helpers.report.recording import SMALLEST_CELL
from helpers.report.tables import show
from helpers.widgets import selecting
from helpers.widgets.labels import drawn
from helpers.widgets.showing import choice, chosen, explorer, figure_html, table_html

if TYPE_CHECKING:
    from ipywidgets import Widget

MOST = 24  # groups in a figure


def group_view(
    frame: pd.DataFrame,
    group: str,
    score: str,
    threshold: float,
    *,
    cross: str | None = None,
    only: tuple[str, object] | None = None,
) -> tuple[pd.DataFrame, Figure]:
    """Group means and success rates of one score: the table and the figure.

    Parameters
    ----------
    frame : DataFrame
        One row per case.
    group, score : str
        Columns of the frame; cases without a score or a group are left out.
    threshold : float
        A case is a success when its score is over it.
    cross : str, optional
        Another attribute: then groups are the intersections of both.
    only : tuple, optional
        A column and its value: other cases are left out, such as those of other sources.

    Returns
    -------
    table : DataFrame
        n, mean with interval, success rate with interval; groups under 10 suppressed, groups without scores with n 0.
    figure : matplotlib.figure.Figure
        The groups of 10 or more, at most the 24 largest; names that the font cannot draw are numbers of rows.

    Raises
    ------
    InputError
        A column is missing or doubled, no case is left, or a score is no finite number.
    """
    frame = selecting.of_source(frame, only)
    attributes = [group, *([cross] if cross else [])]
    groups, known = selecting.crossed(frame, attributes), selecting.scored(frame, score).to_numpy()
    if groups[known].isna().all():
        problem = "no case of this selection has both a group and a score"
        raise InputError(" × ".join(attributes), problem, "Pick another selection")
    values, of = frame.loc[known, score], groups[known]
    means = audit.by_group(values, groups=of)
    good, _ = audit.success(values, threshold=threshold)
    rates = audit.success_rates(good, groups=of).add_prefix("rate_")
    table = pd.concat([means[["n", "mean", "low", "high"]], rates[["rate_rate", "rate_low", "rate_high"]]], axis=1)
    table = table.reindex(groups.cat.categories)
    table["n"] = table["n"].fillna(0).astype(int)
    figure = _forests(table, score, threshold, values.mean(), good.mean())
    return show(table.rename(columns={"rate_rate": "rate"})), figure


def _forests(table: pd.DataFrame, score: str, threshold: float, mean: float, rate: float) -> Figure:
    table = table.set_axis(drawn(table.index))
    large = table[table["n"] >= SMALLEST_CELL]
    kept = large[large["n"].rank(method="first", ascending=False) <= MOST]
    size = (9, 0.35 * max(len(kept), 1) + 1.4)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    score, others = drawn([score])[0], {"estimate": "rate_rate", "low": "rate_low", "high": "rate_high"}
    figures.forest(kept, ax=axes[0], estimate="mean", no_effect=mean, xlabel=f"mean {score}")
    figures.forest(kept, ax=axes[1], **others, no_effect=rate, xlabel=f"share with {score} > {threshold:g}")
    if kept.empty:
        axes[0].text(0.5, 0.5, f"no group of {SMALLEST_CELL} or more", transform=axes[0].transAxes, ha="center")
        axes[0].set_ylim(-0.6, 0.6)
    elif len(kept) < len(large):
        axes[0].set_title(f"the {MOST} largest of {len(large)} groups")
    return figure


def explore_groups(frame: pd.DataFrame, *, groups: Sequence[str], scores: Sequence[str]) -> Widget:
    """Controls for `group_view`: pick an attribute or two, the source, the score and the threshold of success.

    Parameters
    ----------
    frame : DataFrame
        One row per case. A choice of the source is there where a column ``dataset`` or ``source`` has several.
    groups, scores : sequence of str
        Columns to choose from.
    """
    import ipywidgets

    group, cross = choice("group", groups), choice("cross with", groups, none=True)
    where, levels = selecting.sources(frame)
    source = choice("source", levels, none=True)
    score = choice("score", scores)
    slider = {"min": 0.05, "max": 0.95, "step": 0.05, "continuous_update": False}
    threshold = ipywidgets.FloatSlider(0.8, **slider, description="success >")

    def draw() -> tuple[str, str]:
        if group.value is None or score.value is None:
            raise InputError("groups, scores", "there is nothing to choose from", "Name a column of each")
        only = (where, source.value) if chosen(source) is not None else None
        picked = {"cross": chosen(cross), "only": only}
        table, figure = group_view(frame, group.value, score.value, threshold.value, **picked)
        part = selecting.of_source(frame, only)
        both = [group.value, *([cross.value] if chosen(cross) else [])]
        used = part[score.value].notna() & selecting.crossed(part, both).notna()
        note = f"{used.sum():,} cases; {(~used).sum():,} more have no score or no group."
        alt = f"Mean {score.value} and share above {threshold.value:g}, by {' and '.join(both)}, with 95% intervals."
        return table_html(table, note), figure_html(figure, alt)

    controls = [group, cross, *([source] if levels else []), score, threshold]
    return explorer(controls, draw)
