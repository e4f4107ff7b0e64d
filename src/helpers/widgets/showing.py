"""What all explorers share: controls above a table and a figure, or above a message where there is nothing to see."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.figure import Figure

from helpers.errors import InputError

if TYPE_CHECKING:
    from ipywidgets import Widget

NOTHING = object()  # a choice that chooses nothing; the page would show None as an empty field
_CELL = '<{} dir="auto" style="{}">'
_STYLE = "max-width: 24em; padding: 0 0.5em; text-align: right; white-space: normal; overflow-wrap: break-word"


def explorer(controls: Sequence[Widget], draw: Callable[[], tuple[str, str]]) -> Widget:
    """Controls above a table and a figure, drawn now and whenever a control changes.

    Table and figure are HTML, not captured by an Output widget: a headless run can wait for ever on what such a widget
    captures.

    Parameters
    ----------
    controls : sequence of Widget
    draw : callable
        Table and figure as HTML, either may be empty. What it says of wrong input is shown in place of the table.
        It may set controls: what they change meanwhile draws nothing anew.
    """
    import ipywidgets

    table, figure = ipywidgets.HTML(), ipywidgets.HTML()

    drawing = False

    def update(_: object = None) -> None:
        nonlocal drawing
        if drawing:
            return
        drawing = True
        try:
            table.value, figure.value = draw()
        except InputError as error:
            table.value, figure.value = message(str(error)), ""
        finally:
            drawing = False

    for control in controls:
        control.observe(update, "value")
    update()
    return ipywidgets.VBox([ipywidgets.HBox(controls, layout={"flex_flow": "row wrap"}), table, figure])


def choice(name: str, options: Sequence[object], *, none: bool = False) -> Widget:
    """A drop-down of distinct options under a name, with an empty one before them where `none` is set."""
    import ipywidgets

    named = [(str(o), o) for o in dict.fromkeys(options)]
    return ipywidgets.Dropdown(options=[("–", NOTHING), *named] if none else named, description=name)


def chosen(control: Widget) -> object:
    """What a drop-down has chosen; None for nothing."""
    return None if control.value is NOTHING else control.value


def message(text: str) -> str:
    """A line that says what is wrong, as HTML; markup in it is shown as text."""
    return f'<p role="status" dir="auto">{html.escape(text)}</p>'


def table_html(table: pd.DataFrame, note: str = "") -> str:
    """A table as HTML below a note: markup in cells is shown as text, long names wrap, each in its own direction."""
    with pd.option_context("display.max_colwidth", None):
        rows = table.to_html(border=0)
    for tag in ("th", "td"):  # pandas has escaped what cells hold
        rows = rows.replace(f"<{tag}>", _CELL.format(tag, _STYLE))
    return (message(note) if note else "") + f'<div style="overflow-x: auto; line-height: 1.5">{rows}</div>'


def figure_html(figure: Figure, alt: str) -> str:
    """A figure as an HTML picture with a text in place of it."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=90)
    picture = base64.b64encode(stream.getvalue()).decode()
    return f'<img alt="{html.escape(alt)}" style="max-width: 100%" src="data:image/png;base64,{picture}">'
