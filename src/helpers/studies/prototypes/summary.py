"""Effects, measures, rates and claims over the trainings of many cohorts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers import stats
from helpers.studies.prototypes.discovery import discovery_rates, effect_means, pair_verdicts
from helpers.studies.prototypes.measuring import stability
from helpers.studies.prototypes.picking import FIXED
from helpers.studies.prototypes.worlds import ATTRIBUTES


def stability_of(codes: list[np.ndarray]) -> pd.DataFrame:
    """Compare the prototypes of each two trainings of a cohort, see `stability`.

    Parameters
    ----------
    codes : list of ndarray of shape (n, m)
        Activations of the same pictures, at least two.

    Returns
    -------
    DataFrame
        Rows ``matched`` and ``chance``: ``mean``, ``lowest`` and ``highest`` over pairs of trainings, and ``pairs``.
        Pairs share trainings, so there is no interval.
    """
    pairs = pd.DataFrame([stability(codes[i], codes[j], seed=i) for i in range(len(codes)) for j in range(i)])
    found = pairs.agg(["mean", "min", "max"]).T.rename(columns={"min": "lowest", "max": "highest"})
    return found.assign(pairs=float(len(pairs)))


def effects_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Select the effects over all test pictures."""
    return rows[(rows["kind"] == "effect") & (rows["part"] == "all")]


def over_units(rows: pd.DataFrame) -> pd.DataFrame:
    """Name the independent units in the column ``SEED``: the cohorts, or the trainings of a single cohort.

    Trainings of a cohort share its pictures, so that where there are several cohorts, each is one unit, with the mean
    of its trainings.
    """
    return rows.assign(SEED=rows["cohort"]) if rows["cohort"].nunique() > 1 else rows


def measures_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Compute the mean of each measure in each world over the units of `over_units`, with Student's interval.

    Returns
    -------
    DataFrame
        ``world, measure, seeds, mean, low, high``.
    """
    part = over_units(rows[rows["kind"] == "measure"]).rename(columns={"rule": "measure"})
    means = stats.over_seeds(part, "effect", configuration=["world", "measure"])
    return means[["world", "measure", "seeds", "mean", "low", "high"]]


def by_sex(rows: pd.DataFrame, edited: str = "marker", read: str = "finding") -> pd.DataFrame:
    """Compute an effect of the fixed rule in women and in men, and the difference, in each world,
    over the units of `over_units`.

    Returns
    -------
    DataFrame
        ``world, part`` (``women``, ``men``, ``women - men``), ``mean, low, high`` and ``seeds``.
    """
    part = rows[(rows["rule"] == FIXED) & (rows["edited"] == edited) & (rows["read"] == read)]
    part = over_units(part[part["part"].isin(["women", "men"])])
    if part.empty:
        return pd.DataFrame(columns=["world", "part", "mean", "low", "high", "seeds"])
    means = stats.over_seeds(part, "effect", configuration=["world", "part"])
    wide = part.pivot_table(index=["world", "SEED"], columns="part", values="effect").reset_index()
    gaps = wide.assign(gap=wide["women"] - wide["men"], part="women - men")
    apart = stats.over_seeds(gaps, "gap", configuration=["world", "part"])
    return pd.concat([means, apart], ignore_index=True)[["world", "part", "mean", "low", "high", "seeds"]]


def world_values(rows: pd.DataFrame) -> dict[str, Any]:
    """Collect rates, verdicts, effects and measures of all worlds as nested values.

    Returns
    -------
    dict
        ``rates`` by rule, ``planted`` and ``not planted``; ``not tested``, pairs by rule; ``verdicts``, of the fixed
        rule, by world and pair, counts of cohorts; ``effects``, of the fixed rule, by world and pair; ``measures`` by
        world; ``sex``, the effect of the marker's edit on the finding by world and group; and ``severity``, that effect
        less the one in the world *partial*.
    """
    effects = effects_of(rows)
    verdicts = pair_verdicts(effects)
    rates = discovery_rates(verdicts)
    values: dict[str, Any] = {"rates": {}, "not tested": {}, "verdicts": {}, "effects": {}}
    for row in rates.to_dict("records"):
        if row["n"]:
            place = values["rates"].setdefault(row["rule"], {})
            place[row["planted"]] = stats.estimate(row, centre="rate", units="n") | {"pairs": float(row["pairs"])}
        values["not tested"].setdefault(row["rule"], {})[row["planted"]] = float(row["not tested"])
    for world, part in verdicts[verdicts["rule"] == FIXED].groupby("world", sort=False):
        counts = part.groupby(["edited", "read"])["verdict"].value_counts()
        table = {}
        for (edited, read, verdict), count in counts.items():
            table.setdefault(f"{edited} to {read}", {})[verdict] = float(count)
        values["verdicts"][world] = table
        means = effect_means(over_units(effects[effects["world"] == world]))
        values["effects"][world] = {
            name: stats.estimate(row, centre="mean", units="seeds") for name, row in means.iterrows()
        }
    values["measures"] = {}
    for row in measures_of(rows).to_dict("records"):
        values["measures"].setdefault(row["world"], {})[row["measure"]] = stats.estimate(row, "mean", units="seeds")
    values["sex"] = {}
    for row in by_sex(rows[rows["kind"] == "effect"]).to_dict("records"):
        values["sex"].setdefault(row["world"], {})[row["part"]] = stats.estimate(row, "mean", units="seeds")
    return values | {"severity": _severity(effects)}


def _severity(effects: pd.DataFrame) -> dict[str, Any]:
    part = effects[(effects["rule"] == FIXED) & (effects["edited"] == "marker") & (effects["read"] == "finding")]
    part = part[part["world"].isin(["partial", "severity"])]
    if part["world"].nunique() < 2:
        return {}
    change = stats.change_over_seeds(over_units(part), "effect", configuration=["world"], reference=["partial"]).iloc[0]
    return stats.estimate(change, centre="change", units="seeds")


def claim_values(rows: pd.DataFrame) -> dict[str, Any]:
    """Estimate what each published claim is about, over the units of `over_units`.

    Parameters
    ----------
    rows : DataFrame
        Rows of `world_job` with ``world``; a claim about a world that is not there has no entry.

    Returns
    -------
    dict
        ``prototypes`` (effect of an edit on the edited attribute, mean over attributes) and ``shortcut`` (effect of the
        marker's edit on the finding), both in *confounded*; ``faithful`` and ``local``, the means over attributes, and
        ``later`` (share of the way at which the marker's prototype has half its gain, less that of the sex), there too;
        ``controlled`` (effect on the edited attribute less the largest on another, mean over attributes) in *balanced*.
    """
    effects = effects_of(rows)
    fixed = effects[effects["rule"] == FIXED].pivot_table(
        index=["world", "SEED"], columns=["edited", "read"], values="effect"
    )
    measures = rows[rows["kind"] == "measure"].pivot_table(index=["world", "SEED"], columns="rule", values="effect")
    tables: dict[str, pd.Series] = {}
    if "confounded" in fixed.index.get_level_values("world"):
        world = fixed.loc["confounded"]
        each = pd.concat([world[name, name] for name in ATTRIBUTES], axis=1)
        tables |= {"prototypes": each.mean(axis=1), "shortcut": world["marker", "finding"]}
        found = measures.loc["confounded"] if "confounded" in measures.index else measures.iloc[:0]
        for name in ("faithful", "local"):
            tables[name] = found[[column for column in found if column.startswith(f"{name} ")]].mean(axis=1)
        if {"half marker", "half sex"} <= set(found):
            tables["later"] = found["half marker"] - found["half sex"]
    if "balanced" in fixed.index.get_level_values("world"):
        world = fixed.loc["balanced"]
        leads = []
        for one in ATTRIBUTES:
            others = pd.concat([world[one, other].abs() for other in ATTRIBUTES if other != one], axis=1)
            leads.append(world[one, one] - others.max(axis=1))
        tables["controlled"] = pd.concat(leads, axis=1).mean(axis=1)
    cohorts = rows.groupby("SEED")["cohort"].first()
    return {name: _over_units(column, cohorts) for name, column in tables.items() if column.notna().any()}


def _over_units(column: pd.Series, cohorts: pd.Series) -> dict[str, Any]:
    table = pd.DataFrame({"SEED": column.index, "value": column.to_numpy(), "cohort": cohorts[column.index].to_numpy()})
    row = stats.over_seeds(over_units(table), "value", configuration=[]).iloc[0]
    return stats.estimate(row, centre="mean", units="seeds")
