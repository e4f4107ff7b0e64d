"""Data sets as documented frames: cohorts, tables of per-case scores, images with their masks, and pictures."""

from helpers.faces import attach

__all__ = attach(__name__)
