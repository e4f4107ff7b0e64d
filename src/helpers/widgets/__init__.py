"""Interactive explorers (ipywidgets) of finished results; each `*_view` function draws the same without widgets."""

from helpers.faces import attach

__all__ = attach(__name__)
