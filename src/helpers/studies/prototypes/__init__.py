"""Prototypes of a diffusion, asked for shortcuts: edits of one attribute, their effects on others, and controls."""

from helpers.faces import attach

__all__ = attach(__name__)
