"""Learned reconstruction of degraded images: its effect on groups, compared with the printed results."""

from helpers.faces import attach

__all__ = attach(__name__)
