"""Start and record a run; provenance, claims, recorded runs and sweeps, pages."""

from helpers.faces import attach

__all__ = attach(__name__)
