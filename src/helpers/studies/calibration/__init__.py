"""Calibration of the tests: planted gaps that every test must find, and null cohorts in which it must find none."""

from helpers.faces import attach

__all__ = attach(__name__)
