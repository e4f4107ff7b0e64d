"""Learned reconstruction of degraded images, and the networks that use what it gives."""

from helpers.faces import attach

__all__ = attach(__name__)
