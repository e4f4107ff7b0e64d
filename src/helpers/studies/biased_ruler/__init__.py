"""Study of the biased ruler: does the reference decide how large a gap between groups is?

One set of predictions is scored against two references. The study includes segmentation networks for the controlled
experiments: on slices in memory, or on whole volumes from disk.
"""

from helpers.faces import attach

__all__ = attach(__name__)
