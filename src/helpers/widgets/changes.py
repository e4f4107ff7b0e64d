"""Changes of fairness metrics from the original, by arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from helpers import figures
from helpers.errors import InputError
from helpers.report.tables import show
from helpers.widgets.showing import choice, explorer, figure_html, table_html

if TYPE_CHECKING:
    from ipywidgets import Widget


def change_view(table: pd.DataFrame, attribute: str, metric: str) -> tuple[pd.DataFrame, Figure]:
    """Show the change of one fairness metric from the original in each arm, as a table and a figure.

    Parameters
    ----------
    table : DataFrame
        From `stats.prediction_fairness` or `stats.score_fairness`. Without a column ``finding`` the figure has one row.
    attribute, metric : str
        The attribute and the metric to show.

    Returns
    -------
    table : DataFrame
        Groups under 10 suppressed.
    figure : matplotlib.figure.Figure
    """
    part = table[(table["attribute"] == attribute) & (table["metric"] == metric)]
    if part.empty:
        raise InputError(f"{attribute}, {metric}", "the table has no such rows", "Pick an attribute and a metric of it")
    part = part if "finding" in part else part.assign(finding=metric)
    names = list(dict.fromkeys(part["finding"]))
    rows = part["finding"].map(figures.labels(names, "finding"))
    figure = Figure(figsize=(7, 0.45 * len(names) + 1.4), layout="constrained")
    ax = figure.subplots()
    figures.changes(part.assign(finding=rows), ax=ax, xlabel=f"change of {metric} between groups of {attribute}")
    columns = ["finding", "arm", "baseline", "value", "change", "low", "high", "q"]
    sizes = [c for c in part if c in ("n_positive", "n_negative", "n_smallest")]
    return show(part[columns + sizes].set_index("finding"), estimate="change"), figure


def explore_changes(table: pd.DataFrame) -> Widget:
    """Show `change_view` below controls for the attribute and the metric."""
    attribute = choice("attribute", table["attribute"])
    metric = choice("measure", table["metric"])

    def draw() -> tuple[str, str]:
        shown, figure = change_view(table, attribute.value, metric.value)
        alt = f"Change of {metric.value} between groups of {attribute.value}, by arm, with 95% intervals."
        return table_html(shown), figure_html(figure, alt)

    return explorer([attribute, metric], draw)
