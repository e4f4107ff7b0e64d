"""Comparison of bias mitigation methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from helpers import figures
from helpers.errors import InputError
from helpers.report.tables import show
from helpers.widgets.showing import choice, explorer, figure_html, table_html

if TYPE_CHECKING:
    from ipywidgets import Widget


def methods_view(
    tables: Mapping[tuple[str, str], pd.DataFrame], rule: str, part: str, metric: str
) -> tuple[pd.DataFrame, Figure]:
    """Compare bias mitigation methods with plain fine-tuning on one metric, as a table and a figure.

    Parameters
    ----------
    tables : mapping of (rule, part) to DataFrame
        From `helpers.studies.mitigation.comparison`.
    rule, part, metric : str
        The rule by which candidates were chosen, the cases on which they are judged, and the metric that is drawn
        against the AUROC.

    Returns
    -------
    table : DataFrame
        Changes of the metric, with intervals; groups under 10 suppressed.
    figure : matplotlib.figure.Figure
    """
    if (rule, part) not in tables:
        raise InputError(f"{rule}, {part}", "there is no such table", f"Pick one of {sorted(tables)}")
    table = tables[rule, part]
    figure = Figure(figsize=(7, 4), layout="constrained")
    ax = figure.subplots()
    figures.tradeoff(table, ax=ax, y=metric)
    rows = table[table["metric"] == metric].drop(columns=["low", "high"])
    rows = rows.rename(columns={"change_low": "low", "change_high": "high"}).set_index("method")
    return show(rows[["value", "change", "low", "high", "q", "n_smallest"]], estimate="change"), figure


def explore_methods(tables: Mapping[tuple[str, str], pd.DataFrame]) -> Widget:
    """Show `methods_view` below controls for the rule, the cases and the metric."""
    rule, part = (choice(name, [key[k] for key in tables]) for k, name in enumerate(("chosen by", "cases")))
    measures = [name for table in tables.values() for name in table["metric"] if name != "auroc"]
    metric = choice("measure", measures)

    def draw() -> tuple[str, str]:
        shown, figure = methods_view(tables, rule.value, part.value, metric.value)
        alt = f"{metric.value} against AUROC, one point a method, chosen by {rule.value}, on cases {part.value}."
        return table_html(shown), figure_html(figure, alt)

    return explorer([rule, part, metric], draw)
