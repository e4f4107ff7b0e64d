"""Causal ordering: orders of factors from the curvature of their density, and what rests on such an order."""

from helpers.faces import attach

__all__ = attach(__name__)
