"""Tables with plain names of rows, for figures and results."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers import stats


def flat(table: pd.DataFrame) -> pd.DataFrame:
    """Join the levels of the index to one text a row, such as "sex airspace opacity sensitivity"."""
    return table.set_axis([" ".join(key).replace("_", " ") for key in table.index])


def sides(gaps: pd.DataFrame) -> pd.DataFrame:
    """Arrange plain, weighted and change of each row one below the other, with columns ``estimate, low, high``."""
    rows = {
        f"{name} {side}": dict(
            zip(("estimate", "low", "high"), row[[side, f"{side}_low", f"{side}_high"]], strict=True)
        )
        for name, row in gaps.iterrows()
        for side in ("plain", "weighted", "change")
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def written(
    table: pd.DataFrame, centre: str = "estimate", low: str = "low", high: str = "high"
) -> dict[str, dict[str, Any]]:
    """Write each row as results hold it, by `helpers.stats.estimates` if it is an estimate; NaN becomes None."""
    known = table.astype(object).where(table.notna(), None)
    return stats.estimates(known, centre, low, high) if centre in table else known.to_dict("index")
