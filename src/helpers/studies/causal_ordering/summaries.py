"""Summaries: edges reversed by world and method, false orders, latents, and the tests behind the claims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from helpers import stats
from helpers.stats.intervals import wilson
from helpers.studies.causal_ordering.mixing import MEASURES, TRAINED
from helpers.studies.causal_ordering.ordering import SCORE

CHANCE = 0.5
ESTIMATE = ["estimate", "low", "high", "seeds"]


def reversed_shares(rows: pd.DataFrame, by: Sequence[str] = ("world", "method")) -> pd.DataFrame:
    """Compute the mean share of edges reversed over graphs, with an interval.

    The interval is Wilson's, with the sum of the shares as the count and graphs as trials. A share varies less than an
    outcome of 0 or 1 with the same mean, so it is rather too wide; Student's would have no width where no edge of any
    graph is reversed, and leave the range from 0 to 1.

    Parameters
    ----------
    rows : DataFrame
        One row for each graph and combination of `by`, with its ``share``; those without an edge are left out.
    by : sequence of str

    Returns
    -------
    DataFrame
        Columns of `by`, ``estimate, low, high`` and ``graphs``; empty without rows.
    """
    if not len(rows):
        return pd.DataFrame(columns=[*by, "estimate", "low", "high", "graphs"])
    part = rows[rows["share"].notna()]
    groups = part.assign(value=part["share"].astype(float)).groupby(list(by), sort=False)["value"]
    total, n = groups.sum(), groups.size()
    low, high = wilson(total.to_numpy(), n.to_numpy())
    ends = {"estimate": (total / n).to_numpy(), "low": low, "high": high, "graphs": n.to_numpy()}
    return total.index.to_frame(index=False).assign(**ends)


def sorted_by_r2(shares: pd.DataFrame, world: str) -> float:
    """Return how far sorting by R², either way, is from chance in a world: the larger of two distances from 0.5."""
    part = shares[(shares["world"] == world) & shares["method"].isin(("R2 up", "R2 down"))]
    return float((part["estimate"] - CHANCE).abs().max())


def balanced(shares: pd.DataFrame, world: str) -> bool:
    """Return True if sorting by R², either way, has an interval that includes chance: then a world can be a null."""
    part = shares[(shares["world"] == world) & shares["method"].isin(("R2 up", "R2 down"))]
    return bool(((part["low"] <= CHANCE) & (part["high"] >= CHANCE)).all())


def false_orders(rows: pd.DataFrame) -> pd.DataFrame:
    """Compute in which share of data sets any pair is called ordered, by world, with Wilson's interval.

    Pairs of one data set share its cases, so a data set counts as one. Where no pair has an order, this rate is at
    least that of a single pair.

    Parameters
    ----------
    rows : DataFrame
        Rows of `pairs_job` with ``world`` and ``seed``.

    Returns
    -------
    DataFrame
        Indexed by world: ``estimate, low, high`` and ``data sets``; ``pairs`` and ``ordered`` (counts), ``per pair``,
        their quotient; and of the edges ``right`` and ``wrong``, shares that are ordered as the edge and against it
        (missing without an edge).
    """
    table = stats.rates_by(rows, rows["ordered"] > 0, by=["world"])
    table = table.rename(columns={"rate": "estimate", "n": "data sets"}).set_index("world")
    sums = rows.groupby("world")[["pairs", "ordered", "edges", "right", "wrong"]].sum().astype(float)
    edges = sums["edges"].where(sums["edges"] > 0)
    shares = sums[["pairs", "ordered"]].assign(**{"per pair": sums["ordered"] / sums["pairs"]})
    return table.join(shares.assign(right=sums["right"] / edges, wrong=sums["wrong"] / edges))


def runs_of(rows: pd.DataFrame, world: str, kind: str) -> pd.DataFrame:
    """Return the rows of `latent_job` of one world and kind of map; empty if there is none."""
    return rows[(rows["world"] == world) & (rows["kind"] == kind)] if len(rows) else rows


def latent_means(rows: pd.DataFrame, by: Sequence[str] = ("world", "kind", "latents")) -> pd.DataFrame:
    """Compute means of all measures of latents over seeds, indexed by the columns of `by`; empty without rows."""
    if not len(rows):
        return pd.DataFrame(columns=list(MEASURES))
    return rows.groupby(list(by), sort=False)[list(MEASURES)].mean()


def latent_changes(rows: pd.DataFrame, measure: str, *, against: str) -> pd.DataFrame:
    """Compute the change of a measure from some latents to each other, paired over seeds.

    Parameters
    ----------
    rows : DataFrame
        From `runs_of`, with ``seed``.
    measure : str
        One of `MEASURES`.
    against : str
        The latents that others are compared with.

    Returns
    -------
    DataFrame
        Indexed by latents: ``estimate, low, high, seeds``; empty without rows.
    """
    if not len(rows):
        return pd.DataFrame(columns=ESTIMATE)
    ways = {"configuration": ["latents"], "reference": [against]}
    table = stats.change_over_seeds(rows.assign(SEED=rows["seed"]), measure, **ways)
    return table.rename(columns={"change": "estimate"}).set_index("latents")[ESTIMATE]


def free_correlations(rows: pd.DataFrame) -> pd.DataFrame:
    """Compute the mean absolute correlation of the factors and of free latents, by world, with Student's interval.

    Parameters
    ----------
    rows : DataFrame
        Rows of `latent_job`, with ``world, kind`` and ``seed``.

    Returns
    -------
    DataFrame
        Columns ``world``, ``latents`` (*truth*, *ordering loss* and *difference*, that of the two paired over seeds),
        and ``estimate, low, high, seeds``; empty without rows.
    """
    free = rows[rows["kind"] == "free"] if len(rows) else rows
    found = []
    for world, runs in free.assign(SEED=free["seed"]).groupby("world", sort=False) if len(free) else ():
        means = stats.over_seeds(runs, "correlation", configuration=["latents"]).set_index("latents")
        means = means.rename(columns={"mean": "estimate"}).loc[["truth", TRAINED], ESTIMATE]
        change = latent_changes(runs, "correlation", against="truth").loc[[TRAINED]]
        both = pd.concat([means, change.rename({TRAINED: "difference"})])
        found.append(both.rename_axis("latents").reset_index().assign(world=world))
    columns = ["world", "latents", *ESTIMATE]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def picture_estimates(rows: pd.DataFrame) -> pd.DataFrame:
    """Compute the mean of each measure of latents of pictures over seeds, with Student's interval.

    Parameters
    ----------
    rows : DataFrame
        Rows of `picture_job`, with ``arm`` and ``seed``; may be empty.

    Returns
    -------
    DataFrame
        Columns ``arm``, which is also ``difference``, that of the second arm from the first paired over seeds;
        ``measure``, and ``estimate, low, high, seeds`` (without an interval from a single seed).
    """
    if not len(rows):
        return pd.DataFrame(columns=["arm", "measure", *ESTIMATE])
    runs, found = rows.assign(SEED=rows["seed"]), []
    for measure in rows.columns.drop(["arm", "seed"]):
        means = stats.over_seeds(runs, measure, configuration=["arm"]).rename(columns={"mean": "estimate"})
        change = stats.change_over_seeds(runs, measure, configuration=["arm"]).rename(columns={"change": "estimate"})
        found.append(pd.concat([means, change.assign(arm="difference")]).assign(measure=measure))
    return pd.concat(found, ignore_index=True)[["arm", "measure", *ESTIMATE]]


def tests(orders: pd.DataFrame, latents: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Estimate what each claim is about.

    Parameters
    ----------
    orders : DataFrame
        Rows of `order_job`, of one size; the world *bounded* is used.
    latents : DataFrame
        Rows of `latent_job`.

    Returns
    -------
    dict
        ``order-hessian``: one half less the share of edges that SCORE reverses, over graphs. The others are paired over
        seeds: ``less-reversed``, the share of edges that latents of a random rotation reverse less that of latents
        with the ordering loss; ``recovers``, the MCC of these latents less that of a random rotation; and
        ``correlated``, the mean absolute correlation of free latents in *bounded* less that in *independent*. Only
        those whose rows are there.
    """
    found = {}
    if len(orders):
        found["order-hessian"] = _below_chance(orders[orders["method"] == SCORE])
    rotation = runs_of(latents, "bounded", "rotation")
    if len(rotation):
        less = latent_changes(rotation, "reversed", against=TRAINED).loc["random rotation"]
        found["less-reversed"] = stats.estimate(less, units="seeds")
        change = latent_changes(rotation, "mcc", against="random rotation").loc[TRAINED]
        found["recovers"] = stats.estimate(change, units="seeds")
        free = latents[(latents["latents"] == TRAINED) & (latents["kind"] == "free")]
        runs = free.assign(SEED=free["seed"])
        change = stats.change_over_seeds(runs, "correlation", configuration=["world"], reference=["independent"])
        row = change.set_index("world").loc["bounded"]
        found["correlated"] = stats.estimate(row, centre="change", units="seeds")
    return found


def _below_chance(rows: pd.DataFrame) -> dict[str, Any]:
    """Estimate one half less the mean share of edges reversed in the world *bounded*."""
    share = reversed_shares(rows[rows["world"] == "bounded"], ["world"]).iloc[0]
    ends = {"estimate": CHANCE - share["estimate"], "low": CHANCE - share["high"], "high": CHANCE - share["low"]}
    return stats.estimate(ends, units=share["graphs"])


def nested(table: pd.DataFrame, by: tuple[str, ...] = ("world", "method"), *, units: str = "graphs") -> dict[str, Any]:
    """Write a table of estimates as nested values, by the columns of `by`; `units` is the column of their number."""
    values: dict[str, Any] = {}
    for row in table.to_dict("records"):
        place = values
        for name in by[:-1]:
            place = place.setdefault(str(row[name]), {})
        place[str(row[by[-1]])] = stats.estimate(row, units=units)
    return values


def means_of(table: pd.DataFrame) -> dict[str, Any]:
    """Write a table of plain numbers as nested values, by the levels of its index; what is missing becomes None."""
    values: dict[str, Any] = {}
    for key, row in table.iterrows():
        place = values
        for name in key if isinstance(key, tuple) else (key,):
            place = place.setdefault(str(name), {})
        place |= {str(name): None if pd.isna(value) else float(value) for name, value in row.items()}
    return values


def browsable(orders: pd.DataFrame, tables: pd.DataFrame) -> pd.DataFrame:
    """Join all shares of edges reversed of a run in one table: ``place, size, method, estimate, low, high, orders``.

    Parameters
    ----------
    orders : DataFrame
        Rows of `order_job` with their plan; may be empty.
    tables : DataFrame
        From `table_rows`; parts without a graph are left out.
    """
    found = []
    if len(orders):
        shares = reversed_shares(orders, ["world", "d", "n", "method"])
        size = shares["d"].astype(str) + " factors, " + shares["n"].astype(str) + " rows"
        found.append(shares.assign(place=shares["world"], size=size, orders=shares["graphs"]))
    if "edges" in tables:
        part = tables.assign(place=tables["part"], size="graph " + tables["graph"])
        for name, count in {"estimate": "reversed", "low": "lowest", "high": "highest"}.items():
            part[name] = part[count] / part["edges"]
        found.append(part)
    columns = ["place", "size", "method", "estimate", "low", "high", "orders"]
    return pd.concat([part[columns] for part in found]) if found else pd.DataFrame(columns=columns)
