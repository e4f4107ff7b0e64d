"""Planted gaps that every test must find, and null cohorts in which it must not."""

from helpers.faces import attach

__all__ = attach(__name__)
