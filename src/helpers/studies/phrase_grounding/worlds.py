"""Worlds with known truth: the study on several simulated data sets, and how often each contrast holds in them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers import datasets, stats
from helpers.errors import check_choice
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
    "mixed": {},
}
MIXING = {"mixed": 1}  # layers of a transformer over the words; in the other worlds as asked
SHOWN = {"different": ("auroc", "cnr", "pointing"), "same": ("auroc", "side_right")}


def simulate(world: str, n_train: int = 800, n_test: int = 200, *, seed: int = 0, folder: str = "") -> Any:
    """Simulate the data set of a world, as `helpers.datasets.simulate_ms_cxr`, and return its folder.

    Raises
    ------
    InputError
        There is no such world.
    """
    check_choice("world", world, WORLDS)
    return datasets.simulate_ms_cxr(n_train, n_test, n_validation=n_test, seed=seed, folder=folder, **WORLDS[world])


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
    options |= {"mixing": MIXING.get(world, options.get("mixing", 0))}
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


def world_values(rows: pd.DataFrame) -> dict[str, Any]:
    """Collect, by world and statistic, the mean over trainings, and how often the interval of a contrast is above 0.

    Parameters
    ----------
    rows : DataFrame
        Rows of `world_job` with ``world`` and ``seed``.

    Returns
    -------
    dict
        ``rates`` as from `helpers.stats.world_values`. A gap holds if its interval is below 0: women are served worse.
    """
    below, known = (rows["statistic"].isin(names) for names in (GAPS, [*CONTRASTS, *GAPS]))
    holds = (rows["high"].astype(float) < 0).where(below, rows["low"].astype(float) > 0)
    return {"rates": stats.world_values(stats.world_rates(rows, holds.astype(object).where(known, None)))}
