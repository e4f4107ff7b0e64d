"""One simulated review, asked with and without dates, and with the correction; and the summary of many."""

from __future__ import annotations

import pandas as pd

from helpers.datasets.review.citations import simulate_citations
from helpers.datasets.review.databases import connect
from helpers.datasets.review.views import LAG
from helpers.stats.intervals import half_width_of, wilson
from helpers.studies.living_review.silence import corrected, counted_pairs, silent_users


def trial(
    world: str, seed: int, *, n_works: int = 5_000, n_read: int = 200, n_draws: int = 1_000, lag: int = LAG
) -> dict[str, float]:
    """Simulate a review, and compare what the queries find with what was planted.

    Returns
    -------
    dict
        ``users`` and ``unknown`` (those found after the lag), ``planted`` (the mean chance of silence of the true users
        after the lag; missing without any), ``dated`` and ``undated`` (shares found), ``estimate, low, high,
        bound_low, bound_high`` as in `corrected`, and ``held`` and ``bounds_held``, 1 or 0: whether they hold the
        planted share.
    """
    drawn = simulate_citations(world, n_works, seed=seed)
    review = connect(drawn.tables)
    dated, undated = (silent_users(review, lag=lag, dated=by).iloc[-1] for by in (True, False))
    late = drawn.pairs[drawn.pairs["uses"] & (drawn.pairs["days_after"] >= lag)]
    row = {"users": int(dated["users"]), "unknown": int(dated["unknown"]), "planted": late["silent"].mean()}
    row |= {"dated": dated["estimate"], "undated": undated["estimate"]}
    if not dated["n"]:
        return row
    read = counted_pairs(review, lag=lag, n=n_read, seed=seed).merge(drawn.pairs, on=["work_id", "dataset_id"])
    found = corrected(
        *(int(dated[name]) for name in ("silent", "n")),
        unknown=row["unknown"],
        right=int(read["uses"].sum()),
        read=len(read),
        n_draws=n_draws,
        seed=seed,
    )
    row |= {name: found[name] for name in found if name != "n"}
    row["held"] = int(found["low"] <= row["planted"] <= found["high"])
    return row | {"bounds_held": int(found["bound_low"] <= row["planted"] <= found["bound_high"])}


def bias(trials: pd.DataFrame, world: str) -> dict[str, float]:
    """Estimate the mean difference of corrected and planted share over the trials of a world, by Student's interval.

    Returns
    -------
    dict
        ``estimate, low, high, low90, high90`` and ``n``, the number of trials.
    """
    apart = (trials["estimate"] - trials["planted"])[trials["world"] == world]
    mean, sd, n = apart.mean(), apart.std(), len(apart)
    wide, narrow = (half_width_of(sd, n, level=level) for level in (0.95, 0.9))
    ends = {"low": mean - wide, "high": mean + wide, "low90": mean - narrow, "high90": mean + narrow}
    return {"estimate": mean, **ends, "n": n}


def summarise(trials: pd.DataFrame) -> pd.DataFrame:
    """Summarise trials by world.

    Parameters
    ----------
    trials : DataFrame
        Rows of `trial` with the column ``world``.

    Returns
    -------
    DataFrame
        Index: worlds, in their order. Means of ``users, unknown, planted, dated, corrected, undated``; ``bounds_held``,
        the share of trials whose bounds hold the planted share; and ``estimate, low, high, n``, the share of trials
        whose corrected interval does, with Wilson's interval, and the number of trials.
    """
    named = trials.rename(columns={"estimate": "corrected", "held": "estimate"})
    names = ["users", "unknown", "planted", "dated", "corrected", "undated", "bounds_held", "estimate"]
    groups = named.reindex(columns=["world", *names]).groupby("world", sort=False)
    table = groups.mean().assign(n=groups.size())
    low, high = wilson(table["estimate"] * table["n"], table["n"])
    return table.assign(low=low, high=high)
