"""Counterfactuals of one method by group: shares and means with intervals, and the difference of two groups."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers import stats
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import check_choice
from helpers.studies.graph_counterfactuals.measuring import counterfactual_rates

GROUPS = ("sex", "site")
SHARES = ("valid", "transfer", "motif_changed", "marker_changed")
MEANS = ("edits", "on_motif")


def shown_groups(groups: pd.Series) -> list[str]:
    """List the groups whose sizes may be shown, the largest first.

    A group of fewer than ten graphs is left out, and so is the smallest other one where the number of all graphs
    would give a hidden size away.

    Parameters
    ----------
    groups : Series of str, shape (n,)
        Group of each graph, missing where not known; the number of these is shown.
    """
    sizes = groups.value_counts()
    large = sizes[sizes >= SMALLEST_CELL]
    behind = int(sizes.sum() - large.sum())
    alone = len(sizes) - len(large) == 1
    if behind and len(large) and (alone or behind < SMALLEST_CELL):
        large = large.iloc[:-1]
    return [str(name) for name in large.index]


def by_group(
    rows: pd.DataFrame, attribute: str, *, method: str = "traversal", n_boot: int = 2_000, seed: int = 0
) -> pd.DataFrame:
    """Tabulate the counterfactuals of a method by sex or by site.

    Parameters
    ----------
    rows : DataFrame
        Rows of one data set, a row for each graph and method, see `run`.
    attribute : {"sex", "site"}
    method : str
    n_boot, seed : int
        Resampled sets of graphs behind the interval of a difference of means.

    Returns
    -------
    DataFrame
        Index: measure and group, and for the two largest groups ``first less second``. ``estimate, low, high, n``
        (graphs): ``valid`` of all graphs, and of the valid counterfactuals ``transfer``, ``motif_changed`` and
        ``marker_changed`` (shares with Wilson's interval), ``edits`` and ``on_motif`` (means with Student's).
        Differences have Newcombe's interval for shares, and a percentile interval for means. Measures that no graph has
        are left out, and so are small groups, see `shown_groups`. Without two groups that may be shown the table is
        empty.

    Raises
    ------
    InputError
        The attribute or the method is another one.
    """
    check_choice("attribute", attribute, GROUPS)
    check_choice("method", method, rows["method"].unique())
    part = rows[(rows["method"] == method) & rows[attribute].notna()]
    names = shown_groups(part[attribute])
    part = part[part[attribute].isin(names)]
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for measure in (*SHARES, *MEANS) if len(names) > 1 else ():
        asked = part[part[measure].notna() & (part["valid"].astype(bool) | (measure == "valid"))]
        for name, one in _within(asked, measure, attribute).items():
            found[measure, name] = one
        sizes = asked[attribute].value_counts()
        if all(sizes.get(name, 0) > 1 for name in names[:2]):
            found[measure, f"{names[0]} less {names[1]}"] = _difference(asked, measure, attribute, names, n_boot, seed)
    return pd.DataFrame.from_dict(found, orient="index")


def _difference(
    rows: pd.DataFrame, measure: str, attribute: str, names: list[str], n_boot: int, seed: int
) -> dict[str, Any]:
    """Estimate the first group less the second; a small one gives its size to the row, so that this is hidden too."""
    sizes, values = rows[attribute].value_counts(), rows[measure].astype(float)
    few = min(int(sizes[name]) for name in names[:2])
    n = few if few < SMALLEST_CELL else int(sizes[names[:2]].sum())
    pair = {"groups": rows[attribute], "a": names[1], "b": names[0]}
    if measure in SHARES:
        (row,) = stats.threshold_sweep(values, **pair, thresholds=[0.5]).to_dict("records")
        return stats.estimate(row, "difference", "difference_low", "difference_high", n=n)
    return stats.estimate(stats.bootstrap(values, **pair, n_boot=n_boot, seed=seed), n=n)


def _within(rows: pd.DataFrame, measure: str, attribute: str) -> dict[str, dict[str, Any]]:
    """Estimate a share or a mean in each group."""
    if rows.empty:
        return {}
    if measure in SHARES:
        table = counterfactual_rates(rows, measure, by=(attribute,)).set_index(attribute)
        return {str(name): stats.estimate(row, centre="rate") for name, row in table.iterrows()}
    table = stats.by_group(rows[measure].astype(float), groups=rows[attribute])
    return {str(name): stats.estimate(row, centre="mean") for name, row in table.iterrows()}


def group_values(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Collect the rows of `by_group` as values, named by measure and group."""
    return {", ".join(name): stats.estimate(row) for name, row in table.iterrows()}
