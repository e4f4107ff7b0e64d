"""A threshold for each group: mitigation without training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers import stats
from helpers.studies.mitigation.groups import attribute_groups

FEWEST = 5  # a group with fewer positives or negatives is not used in choices on validation cases


def group_thresholds(y_true: Any, probability: Any, *, groups: pd.Series, fewest: int = FEWEST) -> dict[str, float]:
    """Choose for each group the threshold with closest sensitivity and specificity; small groups get the common one.

    This is a cheap alternative to training. With sensitivity equal to specificity in every group, the remaining
    equalized odds difference reflects only how much better the classes are separated in one group than in another. The
    decision about a person needs the person's group, which is forbidden in some places.

    Parameters
    ----------
    y_true, probability : array_like of shape (n,)
        Labels 0, 1 or NaN, and probabilities 0 to 1, of validation cases.
    groups : Series of shape (n,)
    fewest : int
        Smallest number of positives, and of negatives, for which a group gets a separate threshold.

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
