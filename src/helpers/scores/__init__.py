"""Per-case scores of two folders of masks: parallel, with progress, resumable.

`score_folders` scores two folders, `collect` gathers all scores that a data set's folder gives, `read_pair` reads two
masks that must lie on one grid. What scores mean is in `helpers.metrics.masks`.
"""

from helpers.faces import attach

__all__ = attach(__name__)
