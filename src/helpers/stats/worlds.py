"""Rates over simulated data sets: in which share of those of a world a claim holds, and the mean of its estimates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.stats.notation import estimate
from helpers.stats.seeds import over_seeds
from helpers.stats.shares import rates_by

BY = ["world", "statistic"]


def world_rates(rows: pd.DataFrame, holds: ArrayLike) -> pd.DataFrame:
    """Compute the share of data sets of each world in which a statistic holds, and the mean of its estimates.

    Where nothing is planted the share is the rate of false discoveries, and elsewhere that of discoveries.

    Parameters
    ----------
    rows : DataFrame
        One row for each data set and statistic: ``world, statistic, seed`` (of the data set) and ``estimate``.
    holds : array_like of shape (n,)
        True or False; missing for a statistic that has only a mean.

    Returns
    -------
    DataFrame
        ``world, statistic, seeds`` (data sets), ``mean, mean_low, mean_high`` (Student, over data sets), and ``rate,
        low, high`` (Wilson) and ``n`` (data sets), which are missing where `holds` is.

    Raises
    ------
    InputError
        `holds` has another length than `rows`, or is missing everywhere.
    """
    held = np.asarray(holds, object)
    if len(held) != len(rows):
        raise InputError("holds", f"{len(held)} values for {len(rows)} rows", "Give one value per row")
    means = over_seeds(rows.assign(SEED=rows["seed"]), "estimate", configuration=BY)
    means = means.rename(columns={"low": "mean_low", "high": "mean_high"})
    asked = pd.notna(held)
    table = rates_by(rows[asked], held[asked].astype(bool), by=BY)
    return means[[*BY, "seeds", "mean", "mean_low", "mean_high"]].merge(table, on=BY, how="left")


def world_values(table: pd.DataFrame) -> dict[str, dict[str, dict[str, Any]]]:
    """Collect rates of `world_rates` as nested values: by world and statistic ``mean``, and ``holds`` where it is."""
    values: dict[str, Any] = {}
    for row in table.to_dict("records"):
        place = values.setdefault(row["world"], {}).setdefault(row["statistic"], {})
        if pd.notna(row["rate"]):
            place["holds"] = estimate(row, centre="rate", units="n")
        place["mean"] = estimate(row, centre="mean", low="mean_low", high="mean_high", units="seeds")
    return values
