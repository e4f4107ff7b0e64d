"""Tools that run long work in parallel and keep it: finished parts, hashes of code and data, plans, the processor."""

from helpers.keep import cache, fingerprint, parallel, parsed, plans, processor, store

__all__ = ["cache", "fingerprint", "parallel", "parsed", "plans", "processor", "store"]
