"""A threshold for each group: mitigation without training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers import stats
from helpers.studies.mitigation.groups import attribute_groups

FEWEST = 5  # positives and negatives from which on a group counts in a choice made on validation cases


def group_thresholds(y_true: Any, probability: Any, *, groups: pd.Series, fewest: int = FEWEST) -> dict[str, float]:
    """Of each group the threshold where its sensitivity and specificity are closest; that of all for a small group.

    The cheap alternative to training: with sensitivity equal to specificity in every group, what is left of the
    equalized odds difference is how well the groups are told apart at all. It needs the group of everybody it decides
    about, which in some places is forbidden.

    Parameters
    ----------
    y_true, probability : array_like of shape (n,)
        0, 1 or NaN; 0 to 1. Of validation cases.
    groups : Series of shape (n,)
    fewest : int
        Positives and negatives from which on a group has a threshold of its own.

    Returns
    -------
    dict of str to float
        Threshold by group.
    """
    labels, values = np.asarray(y_true, float), np.asarray(probability, float)
    own = attribute_groups(pd.Series(groups).reset_index(drop=True).rename("groups"))
    common = stats.choose_threshold(labels, values)
    found = {}
    for k, name in enumerate(own.names):
        rows = own.codes == k
        enough = min((labels[rows] == 1).sum(), (labels[rows] == 0).sum()) >= fewest
        found[name] = stats.choose_threshold(labels[rows], values[rows]) if enough else common
    return found
