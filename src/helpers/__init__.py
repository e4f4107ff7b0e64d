"""Helpers of The Biased Ruler: a thin package that the study notebooks call."""

__version__ = "0.1.0"
