"""What is kept and what it is kept by: finished parts, hashes of code and data, jobs in parallel, the processor."""

from helpers.faces import attach

__all__ = attach(__name__)
