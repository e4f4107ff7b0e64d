"""Verdicts of a diagnosis on each pair of attributes and cohort, and rates over pairs and cohorts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers import stats
from helpers.stats.intervals import wilson
from helpers.studies.prototypes.picking import FIXED
from helpers.studies.prototypes.worlds import PLANTED, RATED

SMALLEST = 0.1  # of an effect, in probability, that counts
TESTED = 0.3  # effect of an edit on the edited attribute, below which nothing is tested
VERDICTS = ("discovered", "not found", "not tested")


def pair_verdicts(rows: pd.DataFrame, *, by: Sequence[str] = ("world", "cohort", "rule")) -> pd.DataFrame:
    """Judge for each pair of attributes whether the edit of one changes the other.

    Parameters
    ----------
    rows : DataFrame
        Effects of several trainings: columns of `by`, ``edited, read, SEED, effect``.

    Returns
    -------
    DataFrame
        Columns of `by`, ``edited, read, mean, low, high`` (Student, over trainings), ``seeds`` and ``verdict``. A pair
        is *discovered* if the interval excludes 0 and the mean is beyond 0.1, and *not tested* if the edit changes the
        attribute that it is meant for by less than 0.3: such silence means nothing.
    """
    keys = [*by, "edited", "read"]
    means = stats.over_seeds(rows, "effect", configuration=keys).drop(columns=["sd", "left_out"])
    self_effect = means[means["edited"] == means["read"]].set_index([*by, "edited"])["mean"]
    pairs = means[means["edited"] != means["read"]].reset_index(drop=True)
    reach = self_effect.reindex(pd.MultiIndex.from_frame(pairs[[*by, "edited"]])).to_numpy(float)
    found = ((pairs["low"] > 0) | (pairs["high"] < 0)) & (pairs["mean"].abs() > SMALLEST)
    verdict = np.where(~(reach >= TESTED), VERDICTS[2], np.where(found, VERDICTS[0], VERDICTS[1]))
    return pairs.assign(self_effect=reach, verdict=verdict)


def is_planted(world: str, edited: str, read: str) -> bool:
    """Return True if two attributes agree more often than by chance in the training of a world."""
    return frozenset({edited, read}) in PLANTED[world]


def discovery_rates(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Compute how often a planted pair is discovered, and how often one that is not planted.

    Parameters
    ----------
    verdicts : DataFrame
        From `pair_verdicts`, with ``world``, ``cohort`` and ``rule``. Worlds that are in neither rate are left out.

    Returns
    -------
    DataFrame
        ``rule, planted, rate`` (over tested pairs), ``low, high``, ``n`` (cohorts with a tested pair), ``pairs``
        (tested), and ``not tested``, a number of pairs that are in no rate. All pairs of a cohort come from the same
        trainings, so the interval is Wilson's for that rate in `n` cases, as if a cohort were one case.
    """
    rated = verdicts[verdicts["world"].isin(RATED)]
    planted = [is_planted(*row) for row in rated[["world", "edited", "read"]].itertuples(index=False)]
    rated = rated.assign(planted=np.where(planted, "planted", "not planted"))
    rated["cohort"] = list(zip(rated["world"], rated["cohort"], strict=True))
    rated["tested"], rated["found"] = rated["verdict"] != VERDICTS[2], rated["verdict"] == VERDICTS[0]
    rows = []
    for (rule, kind), part in rated.groupby(["rule", "planted"], sort=False):
        tested = part[part["tested"]]
        row = {"rule": rule, "planted": kind, "rate": tested["found"].mean(), "low": np.nan, "high": np.nan}
        row |= {"n": tested["cohort"].nunique(), "pairs": len(tested), "not tested": len(part) - len(tested)}
        if row["n"]:
            row["low"], row["high"] = wilson(row["rate"] * row["n"], row["n"])
        rows.append(row)
    return pd.DataFrame(rows, columns=["rule", "planted", "rate", "low", "high", "n", "pairs", "not tested"])


def effect_table(verdicts: pd.DataFrame, rows: pd.DataFrame, rule: str = FIXED) -> pd.DataFrame:
    """Compute the matrix of effects of a rule as rows, the diagonal included, with intervals and verdicts.

    Parameters
    ----------
    verdicts : DataFrame
        From `pair_verdicts`, of one cohort.
    rows : DataFrame
        Effects of the same trainings.

    Returns
    -------
    DataFrame
        Index such as ``marker to finding``: ``mean, low, high, seeds`` and ``verdict``, which the diagonal has not.
    """
    means, known = effect_means(rows, rule), verdicts[verdicts["rule"] == rule]
    verdict = pd.Series(known["verdict"].to_numpy(), known["edited"] + " to " + known["read"])
    return means.assign(verdict=verdict.reindex(means.index))


def effect_means(rows: pd.DataFrame, rule: str = FIXED) -> pd.DataFrame:
    """Compute the mean of each effect of a rule, with Student's interval over the values of ``SEED``.

    Returns
    -------
    DataFrame
        Index such as ``marker to finding``: ``mean, low, high, seeds``.
    """
    means = stats.over_seeds(rows[rows["rule"] == rule], "effect", configuration=["edited", "read"])
    means.index = pd.Index(means["edited"] + " to " + means["read"], name="effect")
    return means[["mean", "low", "high", "seeds"]]
