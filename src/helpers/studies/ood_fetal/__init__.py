"""Does the task decide which strangers a model notices? Scores of unknown images by networks of several tasks."""

from helpers.faces import attach

__all__ = attach(__name__)
