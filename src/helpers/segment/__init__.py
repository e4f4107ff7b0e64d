"""Segmentation networks for the controlled experiments: on slices in memory, or on whole volumes from disk."""

from helpers.faces import attach

__all__ = attach(__name__)
