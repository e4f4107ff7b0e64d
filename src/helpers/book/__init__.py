"""What `make` calls: runs, pages, sweeps, the course, the state of the book; collected results, and reports."""

from helpers.faces import attach

__all__ = attach(__name__)
