"""Per-case scores of two folders of masks: parallel, with progress, resumable.

`score_folders` scores two folders, `collect` gathers all scores that a data set's folder provides, and `read_pair`
reads two masks of any format and brings them to one grid. The scores are defined in `helpers.metrics.masks`.
"""

from helpers.faces import attach

__all__ = attach(__name__)
