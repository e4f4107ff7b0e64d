"""Groups of fewer than ten cases that the sizes of other groups, or of a part of the audit, would give away."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.disclosure import SMALLEST_CELL
from helpers.stats.complement import small

SMALL_GROUP = "in a small group, whose size and mean the other groups would give away"
FEW = f"and a group has fewer than {SMALLEST_CELL} such cases, whose mean a difference would give away"
_COUNT = re.compile(r"(^|\(|\bin |: )(\d+)(?= (?:rows?|cases?|pairs?|patients?)\b)")


class Withheld(NamedTuple):
    """Cases to leave out so that no sum or difference of what is shown gives away a small group.

    `reason` has the text of the reason for each case, empty if it stays. `groups` has the size of each small group
    whose cases are left out, by attribute. `parts` marks the cases of each part of the audit.
    """

    reason: pd.Series
    groups: dict[str, dict[str, int]]
    parts: dict[str, pd.Series]

    @property
    def kept(self) -> pd.Series:
        """Mark the cases that stay."""
        return self.reason == ""


def given_away(groups: pd.Series, patient: pd.Series | None = None) -> dict[str, int]:
    """Find the groups under ten cases whose number and mean could be computed.

    The total less the groups that are shown is the sum of those that are hidden. If that sum is under ten it must be
    unknown too, but every complete attribute gives the total. Cases without a group count as hidden.

    Parameters
    ----------
    groups : Series
        Categories, missing where not recorded.
    patient : Series, optional
        Patient of each case, if patients are counted.

    Returns
    -------
    dict of str to int
        Size of each such group, by its name.
    """
    who = pd.Series(groups.index, groups.index) if patient is None else patient
    counts = who.groupby(groups, observed=False).nunique()
    few = counts[small(counts)]
    hidden = who[groups.isna() | groups.isin(few.index)].nunique()
    return {str(group): int(n) for group, n in few.items()} if hidden < SMALLEST_CELL else {}


def countable(groups: pd.Series) -> pd.Series:
    """Number the groups whose sizes a reader knows or could compute.

    These are the groups of ten cases or more, and, if there is a smaller one, all other cases together: their number is
    the total less the groups that are shown.

    Parameters
    ----------
    groups : Series
        Categories, missing where not recorded.

    Returns
    -------
    Series of int
        Number of each case's group, -1 for cases whose number nobody may ask about.
    """
    codes, k = groups.cat.codes.to_numpy(), len(groups.cat.categories)
    few = small(np.bincount(codes[codes >= 0], minlength=k))
    rest = k if few.any() else -1
    return pd.Series(np.append(np.where(few, rest, np.arange(k)), rest)[codes], groups.index)


def in_few(codes: pd.Series, part: pd.Series) -> pd.Series:
    """Mark the cases of a part that has one to nine cases of their group, by the numbers of `countable`."""
    inside = part & (codes >= 0)
    counts = np.bincount(codes[inside], minlength=codes.max() + 2)
    return inside & small(counts)[codes]


def withhold(
    cases: pd.DataFrame,
    columns: Sequence[str],
    parts: Mapping[str, pd.Series] = MappingProxyType({}),
    patient: pd.Series | None = None,
) -> Withheld:
    """Choose the cases to leave out, so that neither sums of shown groups nor differences give away a small group.

    A part of the audit takes some of the cases, such as those with a source. The groups in it, and those of the cases
    outside, have ten cases or none: fewer inside leave the part, and fewer outside leave the audit. A case that is left
    out may make another group small, so this repeats until nothing is given away. If an attribute then had no two
    groups of ten cases, the parts are left out instead, and have no case.

    Parameters
    ----------
    cases : DataFrame
        One row a case.
    columns : sequence of str
        Columns of attributes, as categories.
    parts : mapping of str to Series of bool
        Cases of each part, by the reason that is given for those outside which leave the audit.
    patient : Series, optional
        Patient of each case, if patients are counted; there are no parts then.

    Returns
    -------
    Withheld
    """
    reason = pd.Series("", cases.index, dtype=object)
    groups: dict[str, dict[str, int]] = {}
    found = {why: part.copy() for why, part in parts.items()}
    everyone, before = pd.Series(0, cases.index), None
    while before != (now := [int((reason == "").sum()), *(int(part.sum()) for part in found.values())]):
        before = now
        for name in columns:
            of = cases.loc[reason == "", name]
            if lost := given_away(of, None if patient is None else patient[of.index]):
                groups.setdefault(name, {}).update(lost)
                reason[of.index[of.astype("str").isin(list(lost)) & of.notna()]] = SMALL_GROUP
        if (reason == "").sum() < now[0]:
            continue
        for why, part in found.items():
            for name in [None, *columns]:
                part &= reason == ""
                codes = everyone if name is None else countable(cases.loc[reason == "", name])
                codes = codes.reindex(cases.index, fill_value=-1)
                part &= ~in_few(codes, part)
                reason[in_few(codes, ~part & (reason == ""))] = why
            found[why] = part
    left = cases.loc[reason == ""]
    if any(part.any() for part in parts.values()) and any(
        (left[n].value_counts() >= SMALLEST_CELL).sum() < 2 for n in columns
    ):
        return withhold(cases, columns, {why: part & False for why, part in parts.items()})
    return Withheld(reason, groups, {why: part & (reason == "") for why, part in found.items()})


def coarse(notes: Sequence[str], *, exact: bool) -> list[str]:
    """Write numbers of rows and cases under ten in notes as such, and round the others to tens unless they stay exact.

    An exact number less one that a table shows gives the small number that another table hides.
    """

    def rounded(found: re.Match) -> str:
        n = int(found[2])
        many = f"fewer than {SMALLEST_CELL}" if 0 < n < SMALLEST_CELL else f"{n}" if exact else f"about {round(n, -1)}"
        return found[1] + many

    return [_COUNT.sub(rounded, note) for note in notes]
