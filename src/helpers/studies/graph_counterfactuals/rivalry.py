"""The walk against its trivial rival, the nearest training graph of the other class, and edits against the fewest."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers import stats
from helpers.errors import InputError

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


def against_fewest(rows: pd.DataFrame, fewest: np.ndarray, *, n_boot: int = 2_000, seed: int = 0) -> pd.DataFrame:
    """Tabulate the edits of valid counterfactuals next to the fewest that flip the same graphs.

    Parameters
    ----------
    rows : DataFrame
        Rows of one data set, a row for each graph and method, see `run`.
    fewest : array_like of int, shape (graphs,)
        From `flipped_by_all`, in the order of the graphs.
    n_boot, seed : int
        Draws of graphs.

    Returns
    -------
    DataFrame
        Index: methods with two valid counterfactuals or more. ``edits``, the mean of the upper bound, ``fewest``, the
        mean of the lower bound in the same graphs, and ``estimate, low, high, n`` of the first less the second. An
        exact distance would be between the two, so the difference is an upper bound too.

    Raises
    ------
    InputError
        There is another number of graphs.
    """
    graphs = rows["graph"].unique()
    if len(fewest) != len(graphs):
        raise InputError("fewest", f"{len(fewest)} numbers for {len(graphs)} graphs", "Give those of the same graphs")
    least = dict(zip(graphs, fewest, strict=True))
    found = {}
    for method, part in rows[rows["valid"].astype(bool)].groupby("method", sort=False):
        if len(part) < 2:
            continue
        low = part["graph"].map(least)
        values, names = pd.concat([low, part["edits"]]).astype(float), np.repeat(["fewest", "edits"], len(part))
        drawn = {"cluster": [*part["graph"], *part["graph"]], "n_boot": n_boot, "seed": seed}
        gap = stats.bootstrap(values.to_numpy(), groups=names, a="fewest", b="edits", **drawn)
        means = {"edits": part["edits"].mean(), "fewest": low.mean()}
        found[method] = means | stats.estimate(gap, units=part["graph"].nunique())
    return pd.DataFrame.from_dict(found, orient="index")
