"""Sensitivity of weighted differences to a selection that depends on the truth within strata."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers.errors import check_choice
from helpers.studies.chest_labels.preparing import FINDINGS
from helpers.studies.chest_labels.rating import RATES, Comparison

ODDS = tuple(float(x) for x in np.geomspace(0.5, 2, 21))
WAYS = ("both groups", "second group", "opposite")


def tilted_weights(comparison: Comparison, finding: int, odds: np.ndarray) -> np.ndarray:
    """Compute design weights if images with the finding were drawn with other odds than those without.

    Within a stratum, the odds of the finding among images that were not drawn are those among the drawn ones, divided
    by the odds ratio of selection. So drawn images count for themselves, and for their share of the others.

    Parameters
    ----------
    comparison : Comparison
    finding : int
        Position of the finding whose truth matters.
    odds : ndarray of shape (n,)
        Odds ratio of selection, images with the finding to those without, for each panel image; equal in a stratum.

    Returns
    -------
    ndarray of shape (n,)
    """
    design, truth = comparison.design, comparison.panel[:, finding]
    size = design.totals.shape[1]
    every, drawn, positive = (np.bincount(design.stratum, of, size) for of in (odds, np.ones(len(odds)), truth))
    ratio = every / np.maximum(drawn, 1)
    known = np.asarray(design.totals.sum(axis=0)).ravel()
    left = np.maximum(known - drawn, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = positive / (positive + (drawn - positive) * ratio)
        for_positive = np.where(positive > 0, left * share / positive, 0)
        for_negative = np.where(drawn > positive, left * (1 - share) / (drawn - positive), 0)
    itself = np.minimum(known / np.maximum(drawn, 1), 1)
    return itself[design.stratum] + np.where(truth == 1, for_positive[design.stratum], for_negative[design.stratum])


def tilted_gaps(
    comparison: Comparison, *, rates: Sequence[str] = RATES[:2], odds: Sequence[float] = ODDS
) -> pd.DataFrame:
    """Compute weighted differences under odds ratios of selection, and the nearest ratio at which each reaches 0.

    Parameters
    ----------
    comparison : Comparison
        Of two groups.
    rates : sequence of str
    odds : sequence of float
        Odds ratios, in order.

    Returns
    -------
    DataFrame
        Columns ``finding, rate, way, odds, gap, reaches``. The ratio holds in both groups, in the second alone, or in
        the second with its inverse in the first ("opposite"). ``reaches`` is the ratio nearest to 1 (on the
        logarithm, by linear interpolation) at which the difference is 0, NaN if there is none within the range.
    """
    for rate in rates:
        check_choice("rate", rate, RATES)
    second, rows = comparison.group == len(comparison.levels) - 1, []
    for f, finding in enumerate(FINDINGS):
        for way in WAYS:
            gaps = np.empty((len(odds), len(RATES)))
            for k, ratio in enumerate(odds):
                first = {"both groups": ratio, "second group": 1.0, "opposite": 1 / ratio}[way]
                weights = tilted_weights(comparison, f, np.where(second, ratio, first))
                found = comparison.rates(weights[None])[0, f]
                gaps[k] = found[-1] - found[0]
            for rate in rates:
                line = gaps[:, RATES.index(rate)]
                about = {"finding": finding, "rate": rate, "way": way, "reaches": _crossing(np.log(odds), line)}
                rows += [about | {"odds": o, "gap": gap} for o, gap in zip(odds, line, strict=True)]
    return pd.DataFrame(rows)


def _crossing(x: np.ndarray, y: np.ndarray) -> float:
    """Find where a line through points crosses 0 nearest to x = 0, as the exponential of x."""
    at = np.flatnonzero(np.sign(y[:-1]) != np.sign(y[1:]))
    crossings = x[at] - y[at] * (x[at + 1] - x[at]) / (y[at + 1] - y[at])
    return float(np.exp(crossings[np.argmin(np.abs(crossings))])) if len(at) else float("nan")


def tilt_table(tilted: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the odds ratio at which each difference reaches 0: a row a finding and rate, a column a way."""
    once = tilted.drop_duplicates(["finding", "rate", "way"])
    return once.pivot(index=["finding", "rate"], columns="way", values="reaches")[list(WAYS)]
