"""Suppression of small counts in the tables of an audit."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from helpers import stats
from helpers.disclosure import SMALLEST_CELL


def beside_small(sizes: Mapping[str, pd.DataFrame]) -> list[tuple[str, str]]:
    """List the rows "not recorded" to suppress next to a single suppressed group (complementary suppression).

    They belong to attributes in which exactly one group has fewer than ten cases. The count of that group could
    otherwise be computed from the total and the other rows.

    Parameters
    ----------
    sizes : mapping of str to DataFrame
        Tables of `stats.group_sizes`, by attribute.

    Returns
    -------
    list of tuple
        (attribute, "not recorded")
    """
    return [
        (name, stats.NOT_RECORDED)
        for name, of in sizes.items()
        if _lone(of) not in (None, stats.NOT_RECORDED) and stats.NOT_RECORDED in of.index
    ]


def total(n: int, sizes: Mapping[str, pd.DataFrame]) -> int | str:
    """Return the number of cases, rounded to the nearest ten if it would disclose a single suppressed group."""
    hidden = {name for name, _ in beside_small(sizes)}
    given_away = any(_lone(of) is not None for name, of in sizes.items() if name not in hidden)
    return f"about {round(n, -1)}" if given_away else n


def _lone(sizes: pd.DataFrame) -> str | None:
    """Return the row under ten cases if there is exactly one, else None."""
    small = sizes.index[sizes["n"] < SMALLEST_CELL]
    return small[0] if len(small) == 1 else None
