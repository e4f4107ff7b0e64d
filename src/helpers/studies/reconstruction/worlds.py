"""Test of the reconstruction study's reading on worlds in which a reconstruction is fair, or cannot be fair.

The rule was fixed before any world was made. Each data set has one test: the U-Net against the original image, women
against men, two-sided at 5%. For the brain it is `stats.harm_in_scores` on Dice; for the chest it is
`harm_in_mean_auroc` on the mean AUROC over the findings. Its sign shows which group loses more. In the world "fair", a
study is a false alarm if the test finds that either group loses more. In the world "unfair", detail is planted in
women, and a study is a hit if the test finds that women lose more. At most 5% of studies should be false alarms, and at
least 80% should be hits.

For comparison, the published rule is applied to the same studies: it gives an alarm if any cell of equalized odds or
equal opportunity by sex has a one-sided p below 0.05, without a correction.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy
from scipy.special import expit

from helpers import stats
from helpers.datasets import BRAIN_WORLDS, CHEST_WORLDS
from helpers.errors import InputError, check_choice
from helpers.keep import parallel
from helpers.learn.restoration_measuring import Measured
from helpers.learn.restoration_tasks import degraded, load, read, simulated
from helpers.stats.intervals import wilson
from helpers.studies.reconstruction.summaries import performance, thresholds

WORLDS = {"ucsf-pdgm": BRAIN_WORLDS, "chexpert": CHEST_WORLDS}
ARM, ATTRIBUTE, LEVEL, PIXELS, TEST_SHARE = "unet", "sex", "middle", 32, 0.4
ALPHA = 0.05
FINDINGS = 12  # findings of a study without networks, as many as in the chest data


def read_world(
    dataset: str,
    world: str,
    *,
    patients: Mapping[str, int],
    seed: int,
    effort: float = 1.0,
    n_boot: int = 1000,
    device: str = "auto",
) -> dict[str, object]:
    """Simulate one world, run the reconstruction study in it, and read it by both rules.

    Parameters
    ----------
    dataset : {"ucsf-pdgm", "chexpert"}
    world : {"fair", "unfair"}
    patients : mapping of str to int
        Number of patients by data set; four tenths of them are tested.
    seed : int
        Seed of images, split, noise, networks and intervals. Both worlds of a seed have the same patients.
    effort : float
        Share of the usual training steps.
    n_boot : int
        Bootstrap replicates over patients, or over cases in the published rule.

    Returns
    -------
    dict
        ``estimate, low, high, p`` of the change in men minus that in women, and ``status``: "women lose more", "men
        lose more" or "not shown"; ``alarms`` among ``cells`` by the published rule; the numbers of tested patients
        ``n_women, n_men``.

    Raises
    ------
    InputError
        The data set or the world is unknown.
    """
    check_choice("dataset", dataset, WORLDS)
    check_choice("world", world, WORLDS[dataset])
    root = simulated(dataset, patients[dataset], size=PIXELS, seed=seed, **WORLDS[dataset][world])
    task = load(dataset, root, size=PIXELS, seed=seed, test_share=TEST_SHARE)
    with tempfile.TemporaryDirectory() as folder:
        acquired = {"mode": "corrected", "pattern": "uniform", "seed": seed, "folder": Path(folder)}
        worse = degraded(task, LEVEL, **acquired)
    settings: dict[str, Any] = {"network": "small", "sampler": "posterior", "steps": None, "arms": (ARM,)}
    _, measured = read(task, worse, effort=effort, seed=seed, device=device, **settings)
    tested = measured.part("test")
    draws = {"n_boot": n_boot, "seed": seed}
    if "dice" in tested.scores:
        who = {"attributes": tested.cases[[ATTRIBUTE]], "patient": tested.cases["patient_id"]}
        found = stats.harm_in_scores(tested.scores["dice"][["original", ARM]], **who).iloc[0]
        harm = {"estimate": found["difference"], **found[["low", "high", "p"]]}
    else:
        harm = harm_in_mean_auroc(tested, targets=task.targets, arm=ARM, attribute=ATTRIBUTE, **draws)
    cells = published_cells(measured, targets=task.targets, arm=ARM, attribute=ATTRIBUTE, **draws)
    row: dict[str, object] = {column: float(harm[column]) for column in ("estimate", "low", "high", "p")}
    row |= {"status": _status(**harm), "alarms": int((cells["p_as_published"] < ALPHA).sum()), "cells": len(cells)}
    sexes = tested.cases.drop_duplicates("patient_id")[ATTRIBUTE].value_counts()
    return row | {"n_women": int(sexes["F"]), "n_men": int(sexes["M"])}


def harm_in_mean_auroc(
    tested: Measured, *, targets: list[str], arm: str, attribute: str, n_boot: int, seed: int
) -> dict[str, float]:
    """Compare two groups by the change of their mean AUROC over the targets from the original to an arm.

    There is one test instead of one for each target. Targets share patients and images, so they are not independent.
    The bootstrap over patients, with all their images and targets, accounts for this in the variance of the mean.
    Groups share no patient, so each is resampled alone and variances add. A group's standard error is the width of its
    95% interval divided by that of a standard normal.

    Parameters
    ----------
    tested : Measured
        Tested cases; a patient may have several.
    targets : list of str
        Three or more targets.
    attribute : str
        Attribute with two groups. The second, in the order of their names, is compared with the first.

    Returns
    -------
    dict
        ``estimate`` (second minus first: above 0 the first loses more), ``low, high`` (95%), ``p`` (two-sided); NaN if
        a target lacks a class in a group.

    Raises
    ------
    InputError
        There are not two groups, or fewer than three targets.
    """
    groups = sorted(tested.cases[attribute].dropna().unique())
    if len(groups) != 2 or len(targets) < 3:
        problem = f"{len(groups)} groups and {len(targets)} targets"
        raise InputError(attribute, problem, "Give two groups, and three targets or more")
    changes = []
    for group in groups:
        rows = (tested.cases[attribute] == group).to_numpy()
        given = {name: tested.probabilities[name][rows].reset_index(drop=True) for name in ("original", arm)}
        alone = Measured(tested.cases[rows].reset_index(drop=True), {}, given)
        table = performance({"": alone}, targets=targets, n_boot=n_boot, seed=seed)
        changes.append(table[(table["target"] == "mean") & (table["arm"] == arm)].iloc[0])
    normal = scipy.stats.norm.ppf(0.975)
    estimate = changes[1]["change"] - changes[0]["change"]
    se = np.hypot(*(change["change_high"] - change["change_low"] for change in changes)) / (2 * normal)
    p = 2 * scipy.stats.norm.sf(abs(estimate) / se)
    ends = {"low": estimate - normal * se, "high": estimate + normal * se}
    return {name: float(value) for name, value in {"estimate": estimate, **ends, "p": p}.items()}


def published_cells(
    measured: Measured, *, targets: list[str], arm: str, attribute: str, n_boot: int, seed: int
) -> pd.DataFrame:
    """Compute the cells of equalized odds and equal opportunity as in the published study.

    Thresholds are chosen on the tested cases, cases instead of patients are resampled, and no group counts as too
    small.

    Returns
    -------
    pandas.DataFrame
        Table of `stats.prediction_fairness`, two rows for each target.
    """
    chosen, tested = thresholds(measured, targets=targets, where="test"), measured.part("test")
    decided = {name: stats.predict_at(tested.probabilities[name], chosen[name]) for name in ("original", arm)}
    alone = {"attributes": tested.cases[[attribute]], "patient": range(len(tested.cases))}
    draws = {"n_boot": n_boot, "seed": seed}
    return stats.prediction_fairness(tested.cases[targets], decided, **alone, **draws, as_published=True)


def hits(rows: pd.DataFrame) -> pd.DataFrame:
    """Compute the share of studies called unfair by each rule, for each data set and world, with Wilson's interval.

    In the fair world any group that is named is a false alarm. In the unfair world the signed test must name women. The
    published rule names no group, so every alarm counts.

    Returns
    -------
    pandas.DataFrame
        Columns ``dataset, world, rule`` ("signed", "published"), ``at_work, rate, low, high`` (95%) and ``n``
        (studies).
    """
    named = np.where(rows["world"] == "fair", rows["status"] != "not shown", rows["status"] == "women lose more")
    read_by = {"signed": named, "published": rows["alarms"] > 0}
    long = pd.concat([rows.assign(rule=rule, named=found) for rule, found in read_by.items()]).sort_index(kind="stable")
    table = stats.rates_by(long, long["named"], by=["dataset", "world", "rule"])
    table.insert(3, "at_work", table["world"] != "fair")
    return table


def level_of_test(n: int, *, patients: int, n_boot: int, seed: int, workers: int = 1) -> dict[str, Any]:
    """Estimate the level of `harm_in_mean_auroc`: the share of p below 0.05 if both groups lose equally.

    The studies are simulated without networks.

    Returns
    -------
    dict
        The share by `stats.estimate`, with Wilson's interval; n is the number of tests.
    """
    jobs = [partial(_p_by_chance, patients, n_boot, (seed, k)) for k in range(n)]
    found = sum(p < ALPHA for p in parallel.each(jobs, workers=workers, progress=False))
    low, high = wilson(found, n)
    return stats.estimate({"estimate": found / n, "low": low, "high": high}, units=n)


def _p_by_chance(patients: int, n_boot: int, seed: tuple[int, int]) -> float:
    """Simulate scores without a difference between the sexes, and return the p value of `harm_in_mean_auroc`.

    Patients have one image or more; findings and errors are correlated within a patient. The arm has more noise.
    """
    rng = np.random.default_rng(seed)
    sex = np.where(rng.random(patients) < 0.45, "F", "M")
    code = np.repeat(np.arange(patients), 1 + rng.poisson(1, patients))
    shape = (len(code), FINDINGS)
    own = rng.standard_normal((patients, FINDINGS))[code] - 1.3  # prevalence as in the simulated chests
    labels = (rng.random(shape) < expit(own)).astype(float)
    signal = labels + rng.standard_normal((patients, 1))[code] + rng.standard_normal(shape)
    moved = 0.7 * rng.standard_normal((patients, 1))[code] + 0.7 * rng.standard_normal(shape)
    names = [f"finding {k}" for k in range(FINDINGS)]
    cases = pd.DataFrame(labels, columns=names).assign(patient_id=code, split="test", **{ATTRIBUTE: sex[code]})
    given = {"original": signal, ARM: signal + moved}
    made = Measured(cases, {}, {arm: pd.DataFrame(expit(values), columns=names) for arm, values in given.items()})
    draws = {"n_boot": n_boot, "seed": seed[1]}
    return harm_in_mean_auroc(made, targets=names, arm=ARM, attribute=ATTRIBUTE, **draws)["p"]


def _status(*, estimate: float, p: float, **_: float) -> str:
    if not p < ALPHA:  # a p of NaN, from a test that could not be made, shows nothing
        return "not shown"
    return "women lose more" if estimate > 0 else "men lose more"
