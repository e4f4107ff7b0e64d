"""Marks of axes that show pixels of images, and the sentence that replaces pixels of real images on a page."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.figures.look import GREY

PIXELS = "pixels"  # mark of axes and of a saved file
WITHHELD = "These are real images: no page shows their pixels."


def mark_pixels(ax: Axes) -> Axes:
    """Mark axes that show an array of pixels: an image, a reconstruction, a map, a mean or a generated sample.

    Every function that draws pixels calls this, so that `Run.save` and `make record` keep pixels of real images out of
    pages and records.
    """
    ax.set_gid(PIXELS)
    return ax


def shows_pixels(figure: Figure) -> bool:
    """Return True if any axes of a figure are marked by `mark_pixels`."""
    todo = list(figure.axes)
    for ax in todo:
        todo += ax.child_axes
    return any(ax.get_gid() == PIXELS for ax in todo)


def withhold(figure: Figure) -> Figure:
    """Replace the content of a figure by a sentence, because it would show pixels of real images."""
    figure.clear()
    figure.set_size_inches(7, 1)
    return _write(figure, WITHHELD)


def sentence(text: str) -> Figure:
    """Draw a figure that shows only a sentence."""
    return _write(Figure(figsize=(7, 1)), text)


def _write(figure: Figure, text: str) -> Figure:
    ax = figure.subplots()  # a notebook does not show a figure without axes, which it takes to be empty
    ax.set_axis_off()
    ax.text(0.5, 0.5, text, ha="center", va="center", color=GREY)
    return figure
