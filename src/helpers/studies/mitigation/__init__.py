"""Fine-tuning that is meant to make a trained network fairer, each method in one form, and their comparison."""

from helpers.faces import attach

__all__ = attach(__name__)
