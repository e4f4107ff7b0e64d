"""Phrase grounding with a diffusion model: maps from words to places, and plain maps that they must beat."""

from helpers.faces import attach

__all__ = attach(__name__)
