"""Uncertainty of a decoder: Laplace posterior of its parameters, scores and maps of its images, and baselines."""

from helpers.faces import attach

__all__ = attach(__name__)
