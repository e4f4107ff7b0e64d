"""Does the reference decide how large a gap is? One set of predictions, judged by two references.

Segmentation networks for the controlled experiments: on slices in memory, or on whole volumes from disk.
"""

from helpers.faces import attach

__all__ = attach(__name__)
