"""Calibration of the tests: planted gaps that every test must find, and null cohorts in which it must find none."""

from helpers.studies.calibration.calibrating import (
    calibration_cohorts,
    calibration_summary,
    null_interval_coverage,
)
from helpers.studies.calibration.ruling import verdict_rates
from helpers.studies.calibration.sandbox import explore_sandbox, sandbox_view
from helpers.studies.calibration.sandbox_readings import Largest, largest_gap, readings
from helpers.studies.calibration.scored import SCORED_EFFECTS, SET_UPS, scored_cohort

__all__ = [
    "SCORED_EFFECTS",
    "SET_UPS",
    "Largest",
    "calibration_cohorts",
    "calibration_summary",
    "explore_sandbox",
    "largest_gap",
    "null_interval_coverage",
    "readings",
    "sandbox_view",
    "scored_cohort",
    "verdict_rates",
]
