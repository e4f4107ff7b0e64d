"""Groups of fewer than ten cases that the sizes of other groups would give away."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from helpers.disclosure import SMALLEST_CELL


def given_away(groups: pd.Series) -> dict[str, int]:
    """Find the groups under ten cases whose number and mean could be computed.

    The total less the groups that are shown is the sum of those that are hidden. If that sum is under ten it must be
    unknown too, but every complete attribute gives the total. Cases without a group count as hidden.

    Parameters
    ----------
    groups : Series
        Categories, missing where not recorded.

    Returns
    -------
    dict of str to int
        Size of each such group, by its name.
    """
    counts = groups.value_counts(sort=False)
    small = counts[(counts > 0) & (counts < SMALLEST_CELL)]
    hidden = int(small.sum() + groups.isna().sum())
    return {str(group): int(n) for group, n in small.items()} if hidden < SMALLEST_CELL else {}


def withhold(cases: pd.DataFrame, columns: Sequence[str]) -> tuple[pd.Series, dict[str, dict[str, int]]]:
    """Choose the cases to leave out, so that no sum of shown groups gives away a small group.

    A case that is left out may make another group small, so this repeats until nothing is given away.

    Parameters
    ----------
    cases : DataFrame
        One row a case.
    columns : sequence of str
        Columns of attributes, as categories.

    Returns
    -------
    kept : Series of bool
    withheld : dict of str to dict
        Groups whose cases are left out, with their size, by attribute.
    """
    kept = pd.Series(True, cases.index)
    withheld: dict[str, dict[str, int]] = {}
    changed = True
    while changed:
        changed = False
        for name in columns:
            of = cases.loc[kept, name]
            if lost := given_away(of):
                withheld.setdefault(name, {}).update(lost)
                kept &= ~cases[name].astype("str").isin(list(lost)) | cases[name].isna()
                changed = True
    return kept, withheld
