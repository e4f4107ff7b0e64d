"""Interval of the mean of a measure that has bounds, such as an AUROC or a share, over a few runs."""

from __future__ import annotations

import math

from scipy.special import expit, logit

from helpers.errors import InputError


def logit_ends(mean: float, half: float, *, least: float = 0.0, most: float = 1.0) -> tuple[float, float]:
    """Convert the half width of a mean's interval to two ends within bounds, on the logit scale.

    With three runs Student's interval of an AUROC can reach beyond 1. Here the mean and its standard error go to the
    logit scale by the delta method, where the interval is symmetric, and back.

    Parameters
    ----------
    mean : float
    half : float
        Half width, in the unit of the measure, as from `helpers.stats.half_width_of`; NaN with one run.
    least, most : float
        Bounds of the measure: 0 and 1 of an AUROC, -1 and 1 of a difference of two.

    Returns
    -------
    low, high : float
        The mean twice for a half width of 0; NaN for one of NaN.

    Raises
    ------
    InputError
        The mean is beyond the bounds, or on one with a half width above 0.

    Notes
    -----
    For the share p of the way from `least` to `most`, logit(p) -+ h / (p (1 - p)), with h the half width as a share.
    """
    if not least <= mean <= most or (half > 0 and mean in (least, most)):
        problem = f"{mean:g} with a half width of {half:g} cannot be a mean of values from {least:g} to {most:g}"
        raise InputError("mean", problem, "Give the bounds of the measure")
    if math.isnan(half) or half == 0:
        return (mean, mean) if half == 0 else (math.nan, math.nan)
    span = most - least
    share = (mean - least) / span
    step = half / span / (share * (1 - share))
    low, high = (least + span * float(expit(logit(share) + sign * step)) for sign in (-1, 1))
    return low, high
