"""What is kept and what it is kept by: finished parts, hashes of code and data, jobs in parallel, the processor."""

from helpers.keep import cache, fingerprint, parallel, parsed, processor

__all__ = ["cache", "fingerprint", "parallel", "parsed", "processor"]
