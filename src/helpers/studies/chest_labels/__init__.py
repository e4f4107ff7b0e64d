"""Labels of chest X-rays by two rulers: rates by group, design weights, clustered patients, releases of age, boxes."""

from helpers.faces import attach

__all__ = attach(__name__)
