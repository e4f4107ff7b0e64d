"""Table that follows the chosen options."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from helpers.errors import InputError
from helpers.report.tables import show
from helpers.widgets.showing import choice, explorer, table_html

if TYPE_CHECKING:
    from ipywidgets import Widget


def explore_table(view: Callable[..., pd.DataFrame], *, estimate: str = "", **options: Sequence[object]) -> Widget:
    """Show the table of a view below a control for each of its arguments.

    Parameters
    ----------
    view : callable
        Takes one value of each of `options` by name and returns a frame.
    estimate : str
        As `helpers.report.show` takes it.
    **options : sequence
        Name of an argument, and the values it can take.
    """
    controls = {name: choice(name, values) for name, values in options.items()}

    def draw() -> tuple[str, str]:
        picked = {name: control.value for name, control in controls.items()}
        table = view(**picked)
        if table.empty:
            words = ", ".join(f"{name} {value}" for name, value in picked.items())
            raise InputError(words, "there are no rows", "Pick another")
        return table_html(show(table, estimate=estimate)), ""

    return explorer(list(controls.values()), draw)
