"""Experiment on representation: autoencoders trained on light skin, on dark skin, and on both."""

from helpers.faces import attach

__all__ = attach(__name__)
