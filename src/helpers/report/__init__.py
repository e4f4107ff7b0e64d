"""Runs and their records: parameters, provenance, claims, tables, recorded runs and sweeps."""

from helpers.faces import attach

__all__ = attach(__name__)
