"""Learned reconstruction of degraded images: what it does to groups, beside what was printed."""

from helpers.faces import attach

__all__ = attach(__name__)
