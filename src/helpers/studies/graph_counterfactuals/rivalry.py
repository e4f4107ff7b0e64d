"""The walk against its trivial rival, the nearest training graph of the other class, measure by measure."""

from __future__ import annotations

import pandas as pd

from helpers import stats

MEASURES = {"valid": 1, "transfer": 1, "support": 1, "edits": -1}  # 1 where more is better
OF_VALID = ("transfer", "edits")
WALK, RIVAL = "traversal", "nearest graph"


def against_nearest(rows: pd.DataFrame, *, n_boot: int = 2_000, seed: int = 0) -> pd.DataFrame:
    """Tabulate the nearest training graph less the walk, on the same graphs, and which of them is better.

    Parameters
    ----------
    rows : DataFrame
        Rows of one data set, a row for each graph and method, see `run`.
    n_boot, seed : int
        Draws of graphs, with both methods of a graph together.

    Returns
    -------
    DataFrame
        Index: ``valid`` and ``support`` of all graphs; ``transfer`` and ``edits`` of those that the walk flips, left
        out where these are fewer than two. ``estimate, low, high, n`` (graphs) and ``better``: ``nearest graph`` or
        ``walk`` if the interval is wholly on one side of 0, else ``open``.
    """
    pair = rows[rows["method"].isin([WALK, RIVAL])]
    flipped = pair.loc[(pair["method"] == WALK) & pair["valid"].astype(bool), "graph"]
    found = {}
    for name, sign in MEASURES.items():
        part = pair[pair["graph"].isin(flipped)] if name in OF_VALID else pair
        if part["graph"].nunique() < 2:
            continue
        drawn = {"cluster": part["graph"], "n_boot": n_boot, "seed": seed}
        gap = stats.bootstrap(part[name].astype(float), groups=part["method"], a=WALK, b=RIVAL, **drawn)
        above, below = gap.low > 0, gap.high < 0
        ahead, behind = (above, below) if sign > 0 else (below, above)
        better = RIVAL if ahead else "walk" if behind else "open"
        found[name] = stats.estimate(gap, units=part["graph"].nunique()) | {"better": better}
    return pd.DataFrame.from_dict(found, orient="index")
