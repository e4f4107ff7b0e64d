"""Worlds with known truth: the study on many simulated data sets, and how often each claim holds in them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers import stats
from helpers.datasets import FETAL_WORLDS, simulate_fetal_planes
from helpers.errors import check_choice
from helpers.studies.ood_fetal.abstaining import detector_less_abstainer, flagged
from helpers.studies.ood_fetal.cohorts import STRANGE_MACHINES, UNKNOWN_PLANE, Cohort, fetal_cohort
from helpers.studies.ood_fetal.detecting import (
    DISTANCES,
    Detection,
    auroc_table,
    best_less_others,
    detect,
    interaction,
    rises,
    task_gap,
)
from helpers.studies.ood_fetal.experiment import run

BEYOND = STRANGE_MACHINES[-1]
RIVALS = ("machine", "site")  # tasks that are about where an image comes from
COVERAGE = "intervals that hold one half"  # a share, and no claim
GROUPS = ("high", "low")  # of habitus: the first is compared with the second


def world_job(
    world: str,
    seed: int,
    *,
    n: int,
    n_test: int,
    size: int,
    members: int,
    epochs: int,
    n_boot: int,
    network: str = "small",
    device: str = "auto",
) -> list[dict[str, Any]]:
    """Draw one data set of a world, train the networks of each task once, and estimate what each claim is about.

    Parameters
    ----------
    world : str
        Name of a world of `helpers.datasets.FETAL_WORLDS`.
    seed : int
        Seed of the data set and of the trainings. Data sets of two worlds and one seed are drawn apart.
    n, n_test, size
        As in `helpers.datasets.simulate_fetal_planes`.
    members, epochs, network, device
        As in `run`.
    n_boot : int

    Returns
    -------
    list of dict
        One row a statistic: ``statistic, estimate, low, high``. Intervals are over patients, since there is one run:
        other trainings are other data sets.
    """
    check_choice("world", world, FETAL_WORLDS)
    root = simulate_fetal_planes(n, n_test=n_test, size=size, seed=seed, **FETAL_WORLDS[world])
    cohort = fetal_cohort(root, size=size, seed=seed)
    rows = run(cohort, runs=1, members=members, network=network, epochs=epochs, seed=seed, device=device)
    found = detect(cohort, rows, n_boot=n_boot, seed=seed)
    draws = {"n_boot": n_boot, "seed": seed}
    estimates = statistics(cohort, rows, found, **draws)
    table = auroc_table(found)
    inside = ((table["low"] <= 0.5) & (table["high"] >= 0.5)).mean()
    estimates[COVERAGE] = {"estimate": float(inside), "low": None, "high": None}
    return [{"statistic": k, **{part: v[part] for part in ("estimate", "low", "high")}} for k, v in estimates.items()]


def statistics(
    cohort: Cohort, rows: pd.DataFrame, found: Detection, *, n_boot: int, seed: int
) -> dict[str, dict[str, Any]]:
    """Estimate what each claim is about, by its id.

    Parameters
    ----------
    cohort : Cohort
    rows : DataFrame
        From `run`.
    found : Detection
        From `detect`.
    n_boot, seed : int

    Returns
    -------
    dict
        Claim id to ``estimate, low, high, n``; without those for which the cohort has no images, such as a shift of
        anatomy in a table of the user.
    """
    first, rival = cohort.first, cohort.rival
    machines = [shift for shift, kind in cohort.shifts.items() if kind == "machine"]
    values: dict[str, dict[str, Any]] = {"rises": rises(found)}
    if UNKNOWN_PLANE in cohort.shifts:
        values["task-matters"] = task_gap(found, UNKNOWN_PLANE)
        values["best-anatomy"] = best_less_others(found, first, UNKNOWN_PLANE)
    if machines and rival in RIVALS:
        values["best-scanner"] = best_less_others(found, rival, machines[0])
        values["best-scanner-distances"] = best_less_others(found, rival, machines[0], DISTANCES)
    if BEYOND in machines and rival in RIVALS:
        values["best-scanner-beyond"] = best_less_others(found, rival, BEYOND)
    if machines:
        values["abstention"] = detector_less_abstainer(cohort, rows, n_boot=n_boot, seed=seed)
    if UNKNOWN_PLANE in cohort.shifts and machines and rival in RIVALS:
        values["interaction"] = interaction(found, first, rival, UNKNOWN_PLANE, machines[0])
    if set(GROUPS) <= set(cohort.rows["group"].dropna()):
        table = flagged(cohort, rows, high=GROUPS[0], low=GROUPS[1], n_boot=n_boot, seed=seed)
        mean = table[(table["task"] == first) & (table["score"] == "mean")].iloc[0]
        values["ours-groups"] = stats.estimate(mean)
    return values


def coverage(rows: pd.DataFrame, world: str = "nothing shifted") -> dict[str, Any]:
    """Estimate the share of the intervals of a world's AUROCs that hold one half, with data sets as clusters.

    Returns
    -------
    dict
        ``estimate, low, high`` (Student, over data sets) and ``n`` (data sets); 0.95 is asked of *nothing shifted*.
    """
    part = rows[(rows["statistic"] == COVERAGE) & (rows["world"] == world)]
    found = stats.over_seeds(part.assign(SEED=part["seed"]), "estimate", configuration=["world"]).iloc[0]
    return stats.estimate(found, centre="mean", units="seeds")


def less(rows: pd.DataFrame, statistic: str, first: str, second: str) -> dict[str, Any]:
    """Estimate the mean of a statistic over data sets in one world less that in another, paired by their seeds.

    Returns
    -------
    dict
        ``estimate, low, high`` (Student) and ``n`` (pairs of data sets).
    """
    part = rows[(rows["statistic"] == statistic) & rows["world"].isin([first, second])]
    part = part.assign(SEED=part["seed"])
    found = stats.change_over_seeds(part, "estimate", configuration=["world"], reference=[second]).iloc[0]
    return stats.estimate(found, centre="change", units="seeds")


def world_values(rows: pd.DataFrame) -> dict[str, Any]:
    """Collect the rates of the worlds as nested values: by world and statistic, coverage, and what a tie takes away."""
    claims = rows[rows["statistic"] != COVERAGE]
    rates = stats.world_rates(claims, claims["low"].astype(float) > 0)
    values: dict[str, Any] = {"rates": stats.world_values(rates)}
    worlds = set(rows["world"])
    if "nothing shifted" in worlds:
        values["coverage"] = coverage(rows)
    if {"independent", "tied"} <= worlds:
        values["tie"] = less(rows, "interaction", "independent", "tied")
    if {"independent", "attenuation"} <= worlds:
        values["rarity"] = less(rows, "ours-groups", "attenuation", "independent")
    return values
