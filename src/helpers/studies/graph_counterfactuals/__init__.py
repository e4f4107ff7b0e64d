"""Counterfactuals of graph classifiers: a walk in the code of an autoencoder, and rivals that it must beat."""

from helpers.faces import attach

__all__ = attach(__name__)
