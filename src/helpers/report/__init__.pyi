"""Runs and their records: parameters, provenance, claims, tables, recorded runs and sweeps."""

from helpers.report.claims import same_digits
from helpers.report.entries import judge
from helpers.report.parts import Parts
from helpers.report.recording import recorded, recorded_repeats
from helpers.report.run import Run, record, start
from helpers.report.sweep_records import recorded_sweep
from helpers.report.tables import claims_table, filterable, show, world_table

__all__ = [
    "Parts",
    "Run",
    "claims_table",
    "filterable",
    "judge",
    "record",
    "recorded",
    "recorded_repeats",
    "recorded_sweep",
    "same_digits",
    "show",
    "start",
    "world_table",
]
