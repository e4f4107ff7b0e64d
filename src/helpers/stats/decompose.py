"""Kitagawa decomposition of a gap into two exact parts: the gap at equal case mix, and the part made by the mix."""

from __future__ import annotations

import numpy as np


def kitagawa(means: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Decompose the gap, second group minus first, into two parts that add up to it.

    With the share and the mean of each stratum h in groups a and b::

        gap = sum_h mean share_h * (mean_bh - mean_ah)  +  sum_h mean of means_h * (share_bh - share_ah)
              left at equal mix                            made by the mix

    Parameters
    ----------
    means, counts : ndarray, (..., 2 groups, strata)
        Mean score and number of cases of each cell; no cell may be empty.

    Returns
    -------
    within, mix : ndarray, (...)

    Notes
    -----
    Kitagawa 1955, https://doi.org/10.1080/01621459.1955.10501299.
    """
    share = counts / counts.sum(axis=-1, keepdims=True)

    def gap(values: np.ndarray) -> np.ndarray:
        return values[..., 1, :] - values[..., 0, :]

    within = share.mean(axis=-2) * gap(means)
    mix = means.mean(axis=-2) * gap(share)
    return within.sum(axis=-1), mix.sum(axis=-1)
