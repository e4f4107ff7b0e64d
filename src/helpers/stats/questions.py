"""Attributes that ask one question: an attribute and its coarsening, such as age in five bins and in two.

Each value of the finer attribute occurs with one value of the coarser. A test of both asks about the same groups twice,
so both count once in a correction for multiple testing.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.stats.pairs import adjust_p


def coarsenings(groups: pd.DataFrame) -> dict[str, str]:
    """Find the attributes that are coarsenings of others, and the crossings that thereby ask one question.

    Parameters
    ----------
    groups : DataFrame of shape (n, attributes)
        Categories; cases that lack one of two attributes are ignored when these are compared.

    Returns
    -------
    dict
        Name of the coarser to that of the finest attribute. Of two attributes with the same groups, the second is
        mapped to the first. Crossings have the names of `helpers.stats.intersections`, and a crossing of an attribute
        with its coarsening is mapped to the finer one.
    """
    columns, finest = list(groups.columns), {}
    rank = {name: (groups[name].nunique(), -position) for position, name in enumerate(columns)}
    for name in columns:
        finer = [other for other in columns if rank[other] > rank[name] and _lies_in(groups[other], groups[name])]
        if finer:
            finest[name] = max(finer, key=rank.get)
    for name in finest:
        while finest[name] in finest:
            finest[name] = finest[finest[name]]
    found = dict(finest)
    for pair in itertools.combinations(columns, 2):
        fine = sorted({finest.get(name, name) for name in pair}, key=columns.index)
        if tuple(fine) != pair:
            found[" and ".join(pair)] = " and ".join(fine)
    return found


def _lies_in(fine: pd.Series, coarse: pd.Series) -> bool:
    """Return True if each value of one attribute occurs with one value of the other."""
    both = pd.DataFrame({"fine": fine, "coarse": coarse}).dropna().astype(str).drop_duplicates()
    return len(both) > 1 and both["coarse"].nunique() > 1 and not both["fine"].duplicated().any()


def adjust_once(p: pd.Series, same: Mapping[str, str]) -> pd.DataFrame:
    """Correct p values as `helpers.stats.adjust_p` does, where an attribute and its coarsening count once.

    The p of a coarsening is corrected in the place of that of its finer attribute, among the p of all other questions.

    Parameters
    ----------
    p : Series
        The index has the attribute, or the attribute and further levels such as the rate. A missing p is no test.
    same : mapping of str to str
        Result of `coarsenings`.

    Returns
    -------
    DataFrame
        Columns ``holm, bh``, NaN where p is missing; ``attrs["questions"]`` is the number of tests corrected for.
    """
    tested = p.dropna()
    keys = {key: _finer(key, same) for key in tested.index}
    first = {}  # of each question the finest that was tested
    for key in tested.index:
        if keys[key] not in first or key == keys[key]:
            first[keys[key]] = key
    base = tested[list(first.values())]
    table = pd.DataFrame(np.nan, index=p.index, columns=["holm", "bh"])
    if len(base):
        found = adjust_p(base.to_numpy())[["holm", "bh"]].to_numpy()
        for key, row in zip(base.index, found, strict=True):
            table.loc[key, :] = row
    for key in tested.index.difference(base.index):
        place = base.index.get_loc(first[keys[key]])
        family = base.to_numpy().copy()
        family[place] = tested[key]
        table.loc[key, :] = adjust_p(family)[["holm", "bh"]].to_numpy()[place]
    table.attrs["questions"] = len(base)
    return table


def _finer(key: object, same: Mapping[str, str]) -> object:
    if isinstance(key, tuple):
        return (same.get(key[0], key[0]), *key[1:])
    return same.get(key, key)
