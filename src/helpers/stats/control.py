"""Negative control: how often the chosen test finds a gap in shuffled scores, where there is no true gap."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.stats import hypothesis
from helpers.stats.attributes import comparable
from helpers.stats.inputs import Grouped


def false_alarms(
    score: pd.Series, *, groups: pd.Series, strata: pd.Series | None = None, n: int = 200, seed: int = 0
) -> np.ndarray:
    """Flag the tables, of `n` with shuffled scores, in which the chosen test finds a gap at 5% (negative control).

    Parameters
    ----------
    strata : Series, optional
        Shuffle only within these, such as the source. Scores are first centred within each.

    Returns
    -------
    ndarray of bool, shape (n,)
        True where p is below 0.05. If Welch is chosen and a shuffled group is constant, which leaves Welch undefined,
        ANOVA is used instead.
    """
    kept = comparable(groups)
    known = kept.notna()
    values, labels = score[known].to_numpy(), kept[known]
    blocks = np.zeros(len(values), int) if strata is None else pd.factorize(strata[known])[0]
    if strata is not None:  # groups may differ in their sources: compare within each source
        values = values - pd.Series(values).groupby(blocks).transform("mean").to_numpy()
    chosen, _ = hypothesis.choose_test(values, groups=labels)
    data, _ = hypothesis.testable(values, labels)
    places = [np.flatnonzero(blocks == block) for block in np.unique(blocks)]
    rng, found = np.random.default_rng(seed), np.zeros(n, bool)
    for k in range(n):
        shuffled = values.copy()
        for inside in places:
            shuffled[inside] = rng.permutation(values[inside])
        found[k] = _test_named(chosen.name, data._replace(values=shuffled)).p < 0.05
    return found


def _test_named(name: str, data: Grouped) -> hypothesis.Test:
    try:
        return hypothesis.test_named(name, data)
    except InputError:  # only Welch raises it: a group is constant
        return hypothesis.test_named("ANOVA", data)
