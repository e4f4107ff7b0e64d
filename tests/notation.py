"""The notation of an estimate, by which tests read the results of runs and records."""

import re

from helpers.report.values import flatten

OTHER = re.compile(r"(interval|95)(\.\d)?$")  # how an interval could be written otherwise


def lacking_parts(values: dict) -> list[str]:
    """Return paths of the parts that an estimate of these results lacks, and of intervals in another notation."""
    flat = flatten(values)
    found = {name.rpartition(".")[0] for name in flat if name.rpartition(".")[2] in {"estimate", "low", "high"}}
    parts = [f"{name}.{part}" for name in sorted(found) for part in ("estimate", "low", "high", "n")]
    return [part for part in parts if part not in flat] + [name for name in flat if OTHER.search(name)]
