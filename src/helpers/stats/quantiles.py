"""Quantiles that make up for few patients, without the weight of `scipy.stats`: a verdict needs no more."""

from __future__ import annotations

import math

from scipy.special import stdtrit  # Student's quantiles


def expanded_quantile(n: float, share: float) -> float:
    """Compute the distance from the estimate to an end, in standard errors of replicates, for two groups of ``n / 2``.

    A percentile interval is too short for few patients: it uses the normal quantile and the variance with m in place of
    m - 1, for m patients a group. This is Student's quantile at `share` times ``sqrt(m / (m - 1))`` (the expanded
    percentile interval of Hesterberg 2015, https://doi.org/10.1080/00031305.2015.1089789).
    """
    m = max(n / 2, 2)
    return math.sqrt(m / (m - 1)) * float(stdtrit(m - 1, share))
