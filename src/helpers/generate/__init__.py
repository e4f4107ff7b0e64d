"""Generative models of images: trained, measured image by image, and put to the experiment on representation."""

from helpers.faces import attach

__all__ = attach(__name__)
