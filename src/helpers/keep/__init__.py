"""Tools that run long work in parallel and keep it: finished parts, hashes of code and data, plans, the processor."""

from helpers.faces import attach

__all__ = attach(__name__)
