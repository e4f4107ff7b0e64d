"""Worlds with known truth: the study on several simulated data sets, and how often each contrast holds in them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers import datasets, stats
from helpers.errors import check_choice
from helpers.studies.phrase_grounding.experiment import run
from helpers.studies.phrase_grounding.measuring import CONTRASTS, GAPS, UNBOUNDED, absence, map_values, statistics
from helpers.studies.phrase_grounding.selecting import load

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
REAL = "real"  # in place of a world: several trainings on a user's data
MIXING = {"mixed": 1}  # layers of a transformer over the words; in the other worlds as asked
ABSENT = "absent"
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


def seed_of(world: str, seed: int) -> int:
    """Return a seed that no other world and no other seed has, so that worlds share no picture, weight or draw."""
    return seed if world == REAL else len(WORLDS) * seed + list(WORLDS).index(world)


def world_job(
    world: str,
    seed: int,
    *,
    n_train: int = 800,
    n_test: int = 200,
    n_boot: int = 500,
    folder: str = "",
    root: str = "",
    dataset: str = "ms-cxr",
    **options: Any,
) -> list[dict[str, Any]]:
    """Simulate a data set of a world, train on it once, and estimate what the page is about.

    Parameters
    ----------
    world : str
        One of `WORLDS`, or "real": the data of `root`, of which only the training changes with the seed.
    seed : int
        Seed of the data set and of the training, made different for each world by `seed_of`.
    n_train, n_test, folder
        As in `simulate`.
    n_boot : int
    root, dataset : str
        As in `load`, of real data.
    **options
        As in `run`.

    Returns
    -------
    list of dict
        One row a statistic: ``statistic, estimate, low, high, n``: those of `statistics`, ``absent``, and the mean of
        some measures of each map, named ``measure, situation, method``. Intervals and n are of patients.
    """
    check_choice("world", world, (*WORLDS, REAL))
    seed = seed_of(world, seed)
    root = root if world == REAL else simulate(world, n_train, n_test, seed=seed, folder=folder)
    options |= {"mixing": MIXING.get(world, options.get("mixing", 0))}
    done = run(load(root, dataset), seed=seed, n_test=n_test, shuffle=world == "shuffled", **options)
    found = statistics(done["rows"], n_boot=n_boot, seed=seed)
    if (gone := absence(done["peaks"], n_boot=n_boot, seed=seed)) is not None:
        found[ABSENT] = gone
    for tested, measures in SHOWN.items():
        for method, values in map_values(done["rows"], tested, measures).items():
            found |= {f"{measure}, {tested}, {method}": value for measure, value in values.items()}
    keys = ("estimate", "low", "high", "n")
    return [{"statistic": name, **{key: value[key] for key in keys}} for name, value in found.items()]


def bounds_of(statistic: str) -> tuple[float, float] | None:
    """Return the least and the largest value that a statistic of `world_job` can have; None without bounds.

    An area or a share is from 0 to 1, and a difference of two from -1 to 1; contrast to noise has no bounds.
    """
    measure = "cnr" if statistic == GAPS[0] else CONTRASTS.get(statistic, (statistic.partition(",")[0],))[0]
    if measure in UNBOUNDED:
        return None
    return (-1.0, 1.0) if statistic in CONTRASTS or statistic in GAPS else (0.0, 1.0)


def over_trainings(rows: pd.DataFrame) -> pd.DataFrame:
    """Compute the mean of each statistic over the trainings of a world; a training counts as one value.

    Intervals are Student's. Where a statistic has bounds they are on the logit scale, see `helpers.stats.logit_ends`,
    so that no interval of an AUROC is wider than from 0 to 1.

    Parameters
    ----------
    rows : DataFrame
        Rows of `world_job` with ``world`` and ``seed``.

    Returns
    -------
    DataFrame
        ``world, statistic, estimate, low, high, low90, high90`` (95% and 90%) and ``seeds``, of trainings; missing ends
        with one training.
    """
    by, runs = ["world", "statistic"], rows.assign(SEED=rows["seed"])
    table = stats.over_seeds(runs, "estimate", configuration=by)[[*by, "mean", "seeds"]]
    for level, ends in ((0.95, ["low", "high"]), (0.9, ["low90", "high90"])):
        student = stats.over_seeds(runs, "estimate", configuration=by, level=level)
        table[ends] = [_ends(row) for row in student.itertuples()]
    return table.rename(columns={"mean": "estimate"})


def _ends(row: Any) -> tuple[float, float]:
    bounds = bounds_of(row.statistic)
    if bounds is None:
        return row.low, row.high
    return stats.logit_ends(row.mean, row.high - row.mean, least=bounds[0], most=bounds[1])


def claim_values(rows: pd.DataFrame, world: str) -> dict[str, dict[str, Any]]:
    """Collect the mean of each contrast and gap over the trainings of a world, by which claims are judged.

    Returns
    -------
    dict
        Name to ``estimate, low, high, low90, high90`` and ``n``, of trainings, as `over_trainings` computes them; empty
        below two trainings, which have no interval.
    """
    part = rows[(rows["world"] == world) & rows["statistic"].isin([*CONTRASTS, *GAPS])] if len(rows) else rows
    if part.empty or part["seed"].nunique() < 2:
        return {}
    table = over_trainings(part).set_index("statistic")
    return {name: stats.estimate(row, units="seeds", null=True) for name, row in table.iterrows()}


def world_values(rows: pd.DataFrame) -> dict[str, Any]:
    """Collect, by world and statistic, the mean over trainings, and how often the interval of a contrast is above 0.

    Parameters
    ----------
    rows : DataFrame
        Rows of `world_job` with ``world`` and ``seed``.

    Returns
    -------
    dict
        ``rates`` as from `helpers.stats.world_values`, with the intervals of `over_trainings`. A training holds if its
        interval over patients is above 0, and for a gap below 0: women are served worse.
    """
    below, known = (rows["statistic"].isin(names) for names in (GAPS, [*CONTRASTS, *GAPS]))
    holds = (rows["high"].astype(float) < 0).where(below, rows["low"].astype(float) > 0)
    rates = stats.world_rates(rows, holds.astype(object).where(known, None))
    means = over_trainings(rows).set_index(["world", "statistic"])
    ends = means.loc[list(zip(rates["world"], rates["statistic"], strict=True)), ["low", "high"]]
    return {"rates": stats.world_values(rates.assign(mean_low=ends["low"].array, mean_high=ends["high"].array))}
