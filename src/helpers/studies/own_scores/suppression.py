"""What the tables of an audit keep to themselves."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from helpers import stats
from helpers.disclosure import SMALLEST_CELL


def beside_small(sizes: Mapping[str, pd.DataFrame]) -> list[tuple[str, str]]:
    """Rows "not recorded" to be hidden: with them a single suppressed group would come back by subtraction.

    Parameters
    ----------
    sizes : mapping of str to DataFrame
        From `stats.group_sizes`, by attribute.

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
    """How many cases there are: to the nearest ten where the number gives a single suppressed group away."""
    hidden = {name for name, _ in beside_small(sizes)}
    given_away = any(_lone(of) is not None for name, of in sizes.items() if name not in hidden)
    return f"about {round(n, -1)}" if given_away else n


def _lone(sizes: pd.DataFrame) -> str | None:
    """The only row under ten cases, if there is one and no more."""
    small = sizes.index[sizes["n"] < SMALLEST_CELL]
    return small[0] if len(small) == 1 else None
