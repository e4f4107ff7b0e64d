"""Groups of cases: attributes as codes, joint groups of all attributes, and weights that balance the groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.errors import InputError

Bins = Mapping[str, Sequence[float]]
AS_NUMBERS = 8  # a numeric attribute with at most this many values is used as labels


class Groups(NamedTuple):
    """Groups of n cases.

    codes : ndarray of int, shape (n,)
        Position of the case's group in `names`; -1 if unknown.
    names : list of str
        Groups that occur, in order.
    """

    codes: np.ndarray
    names: list[str]


def attribute_groups(values: pd.Series, *, bins: Sequence[float] | None = None) -> Groups:
    """Group cases by one attribute; a case with a missing value has the code -1.

    Parameters
    ----------
    values : Series of shape (n,)
        Labels, or numbers with bins.
    bins : sequence of float, optional
        Rising edges; a number belongs to the first bin with an upper edge that it does not exceed.

    Raises
    ------
    InputError
        All values are missing, a number is outside the bins, or more than eight different numbers have no bins.
    """
    values = values.infer_objects()  # numbers in a column of objects are numbers
    name, known = str(values.name), values.notna()
    if not known.any():
        raise InputError(name, f"is missing in all {len(values)} cases", "Leave this attribute out")
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if bins is None and numeric and values.nunique() > AS_NUMBERS:
        problem = f"holds {values.nunique()} different numbers: each would be a separate group"
        raise InputError(name, problem, f'Give bins, such as {{"{name}": (0, 60, 120)}}')
    if bins is not None:
        if not numeric or list(bins) != sorted(set(bins)) or len(bins) < 2:
            raise InputError(name, f"cannot be cut at {tuple(bins)}", "Give numbers, and two or more rising edges")
        cut = pd.cut(values, list(bins), include_lowest=True, labels=_names(bins))
        outside = known & cut.isna()
        if outside.any():
            raise InputError(name, f"{values[outside].iloc[0]} is outside {tuple(bins)}", "Widen the bins")
        values = cut.cat.remove_unused_categories().astype(str).where(known)
        order = [str(c) for c in cut.cat.remove_unused_categories().cat.categories]
    else:
        values = values.astype(object)
        order = sorted(values[known].unique(), key=str)
    codes = pd.Categorical(values, categories=order).codes.astype(np.int64)
    return Groups(codes, [str(label) for label in order])


def _names(bins: Sequence[float]) -> list[str]:
    """Name the bins, such as <=40, >40 to 60, >60; for the first and last bin one edge suffices."""
    inner = [f"{edge:g}" for edge in bins[1:-1]]
    if not inner:
        return [f"{bins[0]:g} to {bins[1]:g}"]
    middle = [f">{low} to {high}" for low, high in pairwise(inner)]
    return [f"<={inner[0]}", *middle, f">{inner[-1]}"]


def joint_groups(attributes: pd.DataFrame, *, bins: Bins | None = None) -> Groups:
    """Group cases by all attributes crossed; a group has every attribute in common.

    Parameters
    ----------
    attributes : DataFrame of shape (n, attributes)
        Labels, or numbers that `bins` cut.
    bins : mapping of str to sequence of float, optional
        Edges by attribute, see `attribute_groups`. Numeric attributes with more than eight values need them: without
        bins, age in years would make almost everybody a separate group.

    Returns
    -------
    Groups
        Names such as "F, <=60". A case that lacks an attribute has the code -1.

    Raises
    ------
    InputError
        There is no attribute, or there are bins for an absent one; also the errors of `attribute_groups`.
    """
    if not len(attributes.columns):
        raise InputError("attributes", "there is no attribute", 'Give frame[["sex"]]')
    bins = dict(bins or {})
    if odd := [name for name in bins if name not in attributes]:
        raise InputError("bins", f"there is no attribute {odd[0]}", f"It has {', '.join(map(str, attributes))}")
    found = [attribute_groups(attributes[name], bins=bins.get(name)) for name in attributes.columns]
    known = np.all([part.codes >= 0 for part in found], axis=0)
    rows = np.stack([part.codes for part in found], axis=1)
    seen, codes = np.unique(rows[known], axis=0, return_inverse=True)
    names = [", ".join(part.names[k] for part, k in zip(found, row, strict=True)) for row in seen]
    joint = np.full(len(attributes), -1)
    joint[known] = codes.ravel()
    return Groups(joint, names)


def balanced_weights(codes: ArrayLike) -> np.ndarray:
    """Compute sampling weights that make all groups equally likely: one over the size of the group.

    Parameters
    ----------
    codes : array_like of int, shape (n,)
        Group codes from `joint_groups`; a case of unknown group gets the mean weight of the others.

    Returns
    -------
    ndarray of float, shape (n,)
        Weights that sum to 1. With a single group all are equal.
    """
    codes = np.asarray(codes)
    known = codes >= 0
    if not known.any():
        return np.full(len(codes), 1 / len(codes))
    weights = np.full(len(codes), np.nan)
    weights[known] = 1 / np.bincount(codes[known])[codes[known]]
    weights[~known] = weights[known].mean()
    return weights / weights.sum()
