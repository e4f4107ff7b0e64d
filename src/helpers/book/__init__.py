"""Tasks behind `make`: runs, pages, sweeps, the course copy, the book's status, collected results, and reports."""

from helpers.faces import attach

__all__ = attach(__name__)
