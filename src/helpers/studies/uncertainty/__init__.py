"""What a decoder does not know: a Laplace posterior of its parameters, scores and maps of its images, and baselines."""

from helpers.faces import attach

__all__ = attach(__name__)
