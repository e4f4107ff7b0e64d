"""Runs of a sweep, one value at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from helpers import figures, stats
from helpers.errors import InputError
from helpers.report.tables import show
from helpers.widgets.showing import choice, explorer, figure_html, table_html

if TYPE_CHECKING:
    from ipywidgets import Widget


def repeats_view(runs: pd.DataFrame, value: str) -> tuple[pd.DataFrame, Figure]:
    """Compare the runs of a sweep by one value, with each configuration's mean over seeds, as a table and a figure.

    Parameters
    ----------
    runs : DataFrame
        One row per run: ``configuration``, ``SEED`` and the value.
    value : str
        Column of the value; runs without it are left out and counted.

    Returns
    -------
    table : DataFrame
        Mean over seeds with Student's 95% interval, number of seeds and SD of each configuration.
    figure : matplotlib.figure.Figure

    Raises
    ------
    InputError
        A column is missing, or a value is not a number.
    """
    means = stats.over_seeds(runs, value, configuration=["configuration"])
    figure = Figure(figsize=(7, 1.3 + 0.4 * max(2, len(means))), layout="constrained")
    figures.repeats(runs, means, value=value, ax=figure.subplots())
    return show(means.set_index("configuration"), estimate="mean"), figure


def explore_repeats(runs: pd.DataFrame, values: Sequence[str]) -> Widget:
    """Show `repeats_view` below a control for the value."""
    value = choice("value", values)

    def draw() -> tuple[str, str]:
        if value.value is None:
            raise InputError("this sweep", "it has no values yet", "Run it and record it: make sweep, make record")
        table, figure = repeats_view(runs, value.value)
        return table_html(table), figure_html(figure, f"Runs and means over seeds of {value.value}.")

    return explorer([value], draw)
