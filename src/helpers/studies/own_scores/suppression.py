"""Suppression of small counts in the tables of an audit."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from helpers import stats
from helpers.datasets.own.withholding import countable
from helpers.disclosure import SMALLEST_CELL
from helpers.stats.complement import small
from helpers.studies.own_scores.units import people

SUPPRESSED = "suppressed"


def beside_small(sizes: Mapping[str, pd.DataFrame]) -> list[tuple[str, str]]:
    """List the rows "not recorded" to suppress next to small groups (complementary suppression).

    They belong to attributes whose groups of fewer than ten cases have fewer than ten in all. Their sum could otherwise
    be computed from the total and the other rows.

    Parameters
    ----------
    sizes : mapping of str to DataFrame
        Tables of `stats.group_sizes`, by attribute.

    Returns
    -------
    list of tuple
        (attribute, "not recorded")
    """
    found = []
    for name, of in sizes.items():
        small = sum(_small_groups(of).values())
        if 0 < small < SMALLEST_CELL and stats.NOT_RECORDED in of.index:
            found.append((name, stats.NOT_RECORDED))
    return found


def suppressed(
    sizes: Mapping[str, pd.DataFrame], withheld: Mapping[str, Mapping[str, int]] = MappingProxyType({})
) -> dict[str, dict[str, int]]:
    """List the groups under ten cases of each attribute, with their sizes; "not recorded" is no group.

    Parameters
    ----------
    sizes : mapping of str to DataFrame
        Tables of `stats.group_sizes`, by attribute.
    withheld : mapping of str to mapping
        Small groups whose cases were left out, see `datasets.OwnScores`.
    """
    return {name: {**withheld.get(name, {}), **_small_groups(of)} for name, of in sizes.items()}


def _small_groups(sizes: pd.DataFrame) -> dict[str, int]:
    return {
        str(group): int(n) for group, n in sizes["n"].items() if 0 < n < SMALLEST_CELL and group != stats.NOT_RECORDED
    }


def suppressed_cells(
    groups: pd.DataFrame, crossed: Mapping[str, pd.Series], *, patient: np.ndarray | None = None
) -> dict[str, dict[str, int | None]]:
    """List the cells of each crossing under ten cases, and those that `stats.intersections` has hidden next to them.

    The latter have None as size. With `patient`, the patient of each row, a size counts patients.
    """
    found = {}
    for first, second in itertools.combinations(groups, 2):
        if (name := f"{first} and {second}") in crossed:
            both = groups[first].astype(object) + ", " + groups[second].astype(object)
            sizes = people(crossed[name], patient).value_counts(sort=False)
            found[name] = {str(cell): int(n) for cell, n in sizes.items() if n < SMALLEST_CELL}
            found[name] |= dict.fromkeys(sorted(set(both.dropna()) - set(sizes.index)))
    return found


def small_sources(groups: Mapping[str, pd.Series], sources: pd.Series) -> list[object]:
    """List the sources whose sizes of groups must not be shown, for any attribute.

    They have one to nine cases of a group of any attribute, or in all. The sizes of the groups of all cases are known,
    so the sources that are shown would give away the rest: where a group has one to nine cases in the hidden sources
    together, the smallest shown source with that group is hidden too (complementary suppression).

    Parameters
    ----------
    groups : mapping of str to Series
        Attributes, as categories.
    sources : Series
        Source of each case; cases without one are not counted.
    """
    sources = sources.astype("category").cat.remove_unused_categories()
    codes = [pd.Series(0, sources.index), *map(countable, groups.values())]
    cells = pd.concat([pd.crosstab(sources[of >= 0], of[of >= 0]) for of in codes], axis=1).fillna(0)
    hidden = small(cells).any(axis=1)
    while (lacking := small(cells[hidden].sum())).any():
        shown = ~hidden & cells.loc[:, lacking].gt(0).any(axis=1)
        if not shown.any():
            break
        hidden[cells.loc[shown].iloc[:, 0].idxmin()] = True
    return list(hidden.index[hidden])


def with_suppressed(
    tables: Mapping[str, pd.DataFrame], hidden: Mapping[str, Mapping[str, int | None]]
) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Join tables by attribute, and add a row for each suppressed group, so that it is not taken for absent.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        One row a group, with a column ``n``.
    hidden : mapping of str to mapping
        Groups of each attribute, with their size; None if a size of ten or more must not be shown.

    Returns
    -------
    table : DataFrame
    hide : list of tuple
        Index labels for `report.show`, which writes "suppressed" in their rows; it does so itself for a size under ten.
    """
    parts, hide = {}, []
    for name, of in tables.items():
        lost = {group: n for group, n in hidden.get(name, {}).items() if group not in of.index}
        more = pd.DataFrame({"n": [n or 0 for n in lost.values()]}, index=list(lost), dtype=object)
        parts[name] = pd.concat([of, more]).infer_objects() if lost else of
        hide += [(name, group) for group, n in lost.items() if n is None]
    return pd.concat(parts), hide
