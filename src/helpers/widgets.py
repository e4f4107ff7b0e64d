"""ipywidgets over finished results; every view is a plain function that draws the same without a widget."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from helpers import audit, figures
from helpers.report.tables import show

if TYPE_CHECKING:
    from ipywidgets import Widget
    from matplotlib.figure import Figure


def group_view(frame: pd.DataFrame, group: str, score: str, threshold: float) -> tuple[pd.DataFrame, Figure]:
    """Group means and success rates of one score: the table and the figure.

    Parameters
    ----------
    frame : DataFrame
        One row per case.
    group, score : str
        Columns of the frame; cases without a score are left out.
    threshold : float
        A case is a success when its score is over it.

    Returns
    -------
    table : DataFrame
        n, mean with interval, success rate with interval; groups under 10 suppressed.
    figure : matplotlib.figure.Figure
    """
    import matplotlib.pyplot as plt

    known = frame[frame[score].notna()]
    means = audit.by_group(known[score], groups=known[group])
    good, _ = audit.success(known[score], threshold=threshold)
    rates = audit.success_rates(good, groups=known[group]).add_prefix("rate_")
    table = pd.concat([means[["n", "mean", "low", "high"]], rates[["rate_rate", "rate_low", "rate_high"]]], axis=1)
    figure, axes = plt.subplots(1, 2, figsize=(9, 0.5 * len(table) + 1.6), sharey=True)
    shown = table[table["n"] >= 10]
    figures.forest(shown, ax=axes[0], estimate="mean", no_effect=known[score].mean(), xlabel=f"mean {score}")
    rate = {"estimate": "rate_rate", "low": "rate_low", "high": "rate_high"}
    figures.forest(shown, ax=axes[1], **rate, no_effect=good.mean(), xlabel=f"share with {score} > {threshold:g}")
    plt.close(figure)
    return show(table.rename(columns={"rate_rate": "rate"})), figure


def explore_groups(frame: pd.DataFrame, *, groups: Sequence[str], scores: Sequence[str]) -> Widget:
    """Controls for `group_view`: pick the attribute, the score and the threshold of success.

    The view is shown as HTML and as a picture, not captured by an Output widget: a headless run can wait for ever on
    what such a widget captures.
    """
    import ipywidgets

    group = ipywidgets.Dropdown(options=list(groups), description="group")
    score = ipywidgets.Dropdown(options=list(scores), description="score")
    threshold = ipywidgets.FloatSlider(0.8, min=0.05, max=0.95, step=0.05, description="success >")
    table_view, figure_view = ipywidgets.HTML(), ipywidgets.Image(format="png")

    def update(_: object = None) -> None:
        table, figure = group_view(frame, group.value, score.value, threshold.value)
        picture = io.BytesIO()
        figure.savefig(picture, format="png", bbox_inches="tight")
        table_view.value, figure_view.value = table.to_html(border=0), picture.getvalue()

    controls = [group, score, threshold]
    for control in controls:
        control.observe(update, "value")
    update()
    return ipywidgets.VBox([ipywidgets.HBox(controls, layout={"flex_flow": "row wrap"}), table_view, figure_view])
