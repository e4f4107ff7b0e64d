"""A gap in two exact parts: what is left at equal mix of strata, and what the mix makes."""

from __future__ import annotations

import numpy as np


def kitagawa(means: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gap of the second group less the first, in two parts that add up to it.

    With shares and means of stratum h in groups a and b::

        gap = sum_h mean share_h * (mean_bh - mean_ah)  +  sum_h mean of means_h * (share_bh - share_ah)
              left at equal mix                            made by the mix

    Parameters
    ----------
    means, counts : ndarray, (..., 2 groups, strata)
        Mean score and number of cases of each cell; every cell holds a case.

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
