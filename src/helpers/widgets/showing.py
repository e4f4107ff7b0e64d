"""Shared parts of all explorers: controls above a table and a figure, or above a message if nothing can be shown."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from helpers.errors import InputError

if TYPE_CHECKING:
    from ipywidgets import Widget

NOTHING = object()  # value of the option that chooses nothing; the page would show None as an empty field
_CELL = '<{} dir="auto" style="{}">'
_STYLE = "max-width: 24em; padding: 0 0.5em; text-align: right; white-space: normal; overflow-wrap: break-word"


def explorer(controls: Sequence[Widget], draw: Callable[[], tuple[str, str]]) -> Widget:
    """Arrange controls above a table and a figure, which are drawn now and whenever a control changes.

    Table and figure are HTML, not captured by an Output widget: a headless run can wait for ever for the output that
    such a widget captures.

    Parameters
    ----------
    controls : sequence of Widget
    draw : callable
        Returns table and figure as HTML; either may be empty. If it raises InputError, the message is shown in place of
        the table. It may set controls: changes that it makes do not trigger another drawing.
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
    """Make a named drop-down of the distinct options, with an empty option first if `none` is set."""
    import ipywidgets

    named = [(str(o), o) for o in dict.fromkeys(options)]
    return ipywidgets.Dropdown(options=[("–", NOTHING), *named] if none else named, description=name)


def asking(name: str) -> Widget:
    """Make a button that is up until a reader asks to see real people or images."""
    import ipywidgets

    return ipywidgets.ToggleButton(False, description=name, icon="eye")


def chosen(control: Widget) -> object:
    """Return the chosen option of a drop-down; None if nothing is chosen."""
    return None if control.value is NOTHING else control.value


def message(text: str) -> str:
    """Format a message as HTML; markup in it is shown as text."""
    return f'<p role="status" dir="auto">{html.escape(text)}</p>'


def table_html(table: pd.DataFrame, note: str = "") -> str:
    """Format a table as HTML below a note.

    Markup in cells is shown as text, long names wrap, and each cell follows the writing direction of its text.
    """
    with pd.option_context("display.max_colwidth", None):
        rows = table.to_html(border=0)
    for tag in ("th", "td"):  # pandas has already escaped the contents of cells
        rows = rows.replace(f"<{tag}>", _CELL.format(tag, _STYLE))
    return (message(note) if note else "") + f'<div style="overflow-x: auto; line-height: 1.5">{rows}</div>'


def figure_html(figure: Figure, alt: str) -> str:
    """Embed a figure in HTML as a picture with an alternative text."""
    stream = io.BytesIO()
    figure.set_dpi(90)
    quick = {"compress_level": 3}  # of 9: no larger than the usual 6, for text and lines
    FigureCanvasAgg(figure).print_png(stream, pil_kwargs=quick)  # savefig would arrange and draw twice
    picture = base64.b64encode(stream.getvalue()).decode()
    return f'<img alt="{html.escape(alt)}" style="max-width: 100%" src="data:image/png;base64,{picture}">'
