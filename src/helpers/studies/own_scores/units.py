"""Units of an audit: patients, or patients within groups where an attribute varies within patients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd


class Units(NamedTuple):
    """Units that are compared over one attribute.

    `scores`, `groups` and `weights` (None if there are none) have one row for each unit. `patient` has the patient of
    each unit, numbered from 0, and is None if each patient is one unit.
    """

    scores: pd.DataFrame
    groups: pd.Series
    weights: pd.Series | None
    patient: np.ndarray | None


def units_of(
    scores: pd.DataFrame, groups: pd.Series, *, weights: pd.Series | None = None, patient: np.ndarray | None = None
) -> Units:
    """Join the rows of each patient in each group: the mean of the scores under the weights, and the mean weight.

    Parameters
    ----------
    scores : DataFrame of shape (n, k)
    groups : Series of length n
        Categories; the rows of a patient without a group are joined too.
    weights : Series of length n, optional
        Design weights.
    patient : ndarray of int, shape (n,), optional
        Number of the patient of each row; without it each row is a unit.
    """
    if patient is None:
        return Units(scores, groups, weights, None)
    by = [pd.Series(patient, scores.index, name="patient"), groups.cat.codes.rename("group")]
    if weights is None:
        means, of_units = scores.groupby(by).mean(), None
    else:
        means = scores.mul(weights, axis=0).groupby(by).sum().div(weights.groupby(by).sum(), axis=0)
        of_units = weights.groupby(by).mean().reset_index(drop=True)
    owner, codes = (means.index.get_level_values(level).to_numpy() for level in ("patient", "group"))
    kept = pd.Series(pd.Categorical.from_codes(codes, dtype=groups.dtype), name=groups.name)
    found = Units(means.reset_index(drop=True), kept, of_units, owner)
    return found if pd.Series(owner).duplicated().any() else found._replace(patient=None)


def people(groups: pd.Series, patient: np.ndarray | None) -> pd.Series:
    """Return the group of each unit of `units_of`, in the order of rows: a patient counts once in each group."""
    if patient is None:
        return groups
    again = pd.DataFrame({"patient": patient, "group": groups.cat.codes.to_numpy()}).duplicated()
    return groups[~again.to_numpy()]


def in_one_group(codes: np.ndarray, patient: np.ndarray) -> bool:
    """Return True if all rows of each patient are in one group, or in none."""
    one = np.empty(int(patient.max()) + 1, codes.dtype)
    one[patient] = codes
    return bool((one[patient] == codes).all())


def shared(groups: Mapping[str, pd.Series], patient: np.ndarray | None) -> list[str]:
    """List the attributes whose groups share patients; none if each row is a patient."""
    if patient is None:
        return []
    return [name for name, of in groups.items() if not in_one_group(of.cat.codes.to_numpy(), patient)]
