"""Start and record a run; provenance, claims, recorded runs and sweeps, pages."""

from helpers.report.claims import judge, same_digits
from helpers.report.collecting import collect, database
from helpers.report.findings import findings
from helpers.report.html import write_html
from helpers.report.own import beside_small, total
from helpers.report.recording import recorded
from helpers.report.run import Run, record, start
from helpers.report.sweep_records import recorded_sweep
from helpers.report.tables import claims_table, show

__all__ = [
    "Run",
    "beside_small",
    "claims_table",
    "collect",
    "database",
    "findings",
    "judge",
    "record",
    "recorded",
    "recorded_sweep",
    "same_digits",
    "show",
    "start",
    "total",
    "write_html",
]
