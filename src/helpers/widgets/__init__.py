"""ipywidgets over finished results; every view is a plain function that draws the same without a widget."""

from helpers.faces import attach

__all__ = attach(__name__)
