"""Worlds with known truth: the study on several simulated data sets, and how often each contrast holds in them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers import datasets, stats
from helpers.errors import check_choice
from helpers.stats import rates_by
from helpers.studies.phrase_grounding.experiment import run
from helpers.studies.phrase_grounding.measuring import CONTRASTS, GAPS, absence, map_table, statistics

# World of a training: what its simulation plants, and whether captions are shuffled. Each is tested on pictures with
# different findings, with the same on both sides, with a phrase of an absent one, and of another scanner.
WORLDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "shuffled": {},
    "group": {"contrast": 0.35, "anatomy": 1.0},
    "group-none": {},
    "one place": {"places": "one"},
}
SHOWN = {"different": ("auroc", "cnr", "pointing"), "same": ("auroc", "side_right")}


def simulate(world: str, n_train: int = 800, n_test: int = 200, *, seed: int = 0, folder: str = "") -> Any:
    """Simulate the data set of a world, as `helpers.datasets.simulate_ms_cxr`, and return its folder.

    Raises
    ------
    InputError
        There is no such world.
    """
    check_choice("world", world, WORLDS)
    return datasets.simulate_ms_cxr(n_train, n_test, seed=seed, folder=folder, **WORLDS[world])


def world_job(
    world: str, seed: int, *, n_train: int = 800, n_test: int = 200, n_boot: int = 500, folder: str = "", **options: Any
) -> list[dict[str, Any]]:
    """Simulate a data set of a world, train on it once, and estimate what the page is about.

    Parameters
    ----------
    world : str
        One of `WORLDS`.
    seed : int
        Seed of the data set and of the training.
    n_train, n_test, folder
        As in `simulate`.
    n_boot : int
    **options
        As in `run`.

    Returns
    -------
    list of dict
        One row a statistic: ``statistic, estimate, low, high, n``: those of `statistics`, ``absent``, and the mean of
        some measures of each map, named ``measure, situation, method``.
    """
    check_choice("world", world, WORLDS)
    root = simulate(world, n_train, n_test, seed=seed, folder=folder)
    loaded = datasets.load_ms_cxr(root)
    done = run(loaded, seed=seed, n_test=n_test, shuffle=world == "shuffled", **options)
    found = statistics(done["rows"], n_boot=n_boot, seed=seed)
    if (gone := absence(done["peaks"], n_boot=n_boot, seed=seed)) is not None:
        found["absent"] = gone
    for tested, measures in SHOWN.items():
        if tested not in set(done["rows"]["situation"]):
            continue
        for measure in measures:
            for method, row in map_table(done["rows"], measure, situation=tested).iterrows():
                found[f"{measure}, {tested}, {method}"] = stats.estimate(row)
    keys = ("estimate", "low", "high", "n")
    return [{"statistic": name, **{key: value[key] for key in keys}} for name, value in found.items()]


def world_rates(rows: pd.DataFrame) -> pd.DataFrame:
    """Compute the mean of each statistic in each world, and how often the interval of a contrast excludes 0.

    Parameters
    ----------
    rows : DataFrame
        Rows of `world_job` with ``world`` and ``seed``.

    Returns
    -------
    DataFrame
        ``world, statistic, seeds`` (data sets), ``mean, mean_low, mean_high`` (Student, over data sets), and ``rate,
        low, high`` (Wilson) and ``n``, of intervals wholly above 0, or for a gap wholly below: women are served worse.
    """
    by = ["world", "statistic"]
    means = stats.over_seeds(rows.assign(SEED=rows["seed"]), "estimate", configuration=by)
    means = means.rename(columns={"low": "mean_low", "high": "mean_high"})
    part = rows[rows["statistic"].isin([*CONTRASTS, *GAPS])]
    below = part["statistic"].isin(GAPS)
    holds = (part["high"].astype(float) < 0).where(below, part["low"].astype(float) > 0)
    table = rates_by(part, holds.astype(bool), by=by)
    return means[[*by, "seeds", "mean", "mean_low", "mean_high"]].merge(table, on=by, how="left")


def world_values(rows: pd.DataFrame) -> dict[str, Any]:
    """Collect the rates of the worlds as nested values: by world and statistic ``mean``, and ``holds`` of contrasts."""
    values: dict[str, Any] = {}
    for row in world_rates(rows).to_dict("records"):
        place = values.setdefault(row["world"], {}).setdefault(row["statistic"], {})
        if pd.notna(row["rate"]):
            place["holds"] = stats.estimate(row, centre="rate", units="n")
        place["mean"] = stats.estimate(row, centre="mean", low="mean_low", high="mean_high", units="seeds")
    return {"rates": values}
