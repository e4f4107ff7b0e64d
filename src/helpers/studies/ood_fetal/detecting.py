"""AUROC of every task, shift and score, with patients and runs drawn together, and contrasts of these."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import stats
from helpers.learn.strangers import STRANGENESS
from helpers.stats import drawing, weighted
from helpers.stats.clustered_auroc import checked
from helpers.stats.crossed import resample_seeds, seeded_interval
from helpers.stats.resample import Interval, percentile_interval
from helpers.studies.ood_fetal.cohorts import Cohort

DISTANCES = ("Laplace", "Mahalanobis", "neighbours")  # of features; the others see only the softmax
ALMOST = 1e-12


class Detection(NamedTuple):
    """AUROCs as observed and in replicates.

    observed : ndarray of shape (runs, tasks, shifts, scores)

    drawn : ndarray of shape (replicates, runs, tasks, shifts, scores), of the same drawn patients in all places

    runs : ndarray of shape (replicates, runs), weights of the runs in each replicate

    tasks, shifts, scores : names along the axes; n : number of patients
    """

    observed: np.ndarray
    drawn: np.ndarray
    runs: np.ndarray
    tasks: tuple[str, ...]
    shifts: tuple[str, ...]
    scores: tuple[str, ...]
    n: int

    def interval(self, statistic: Callable[[np.ndarray], np.ndarray]) -> Interval:
        """Compute the mean over runs of a statistic of AUROCs, with its interval over patients and runs.

        Parameters
        ----------
        statistic : callable
            Function of an array of shape (..., tasks, shifts, scores) that removes the last three axes.
        """
        return over_runs(statistic(self.observed), statistic(self.drawn), self.runs, self.n)

    def at(self, task: str, shift: str, scores: tuple[str, ...] = ()) -> Callable[[np.ndarray], np.ndarray]:
        """Make the statistic that is the mean AUROC of a task at a shift over scores, all by default."""
        t, s = self.tasks.index(task), self.shifts.index(shift)
        chosen = [self.scores.index(name) for name in scores or self.scores if name in self.scores]
        return lambda values: values[..., t, s, :][..., chosen].mean(-1)


def over_runs(observed: np.ndarray, drawn: np.ndarray, runs: np.ndarray, n: int) -> Interval:
    """Compute the interval of a mean over runs; with one run, patients alone are drawn.

    Parameters
    ----------
    observed : ndarray of shape (runs,)
    drawn : ndarray of shape (replicates, runs)
    runs : ndarray of shape (replicates, runs)
        Weights of the runs.
    n : int
        Number of patients.
    """
    estimate = float(observed.mean())
    if len(observed) == 1:
        return percentile_interval(estimate, drawn[:, 0], n, 0.95)
    return seeded_interval(estimate, (drawn * runs).sum(1), [observed], n=n)


def within(interval: Interval, least: float, most: float) -> dict[str, float | int | None]:
    """Write an interval as an estimate, with ends inside the range of the statistic, which tails can leave."""
    found = stats.estimate(interval)
    return found | {end: min(max(found[end], least), most) for end in ("low", "high")}


def detect(cohort: Cohort, rows: pd.DataFrame, *, n_boot: int = 500, seed: int = 0) -> Detection:
    """Compute the AUROC of known images against the strangers of each shift, for each run, task and score.

    Parameters
    ----------
    cohort : Cohort
    rows : DataFrame
        From `run`.
    n_boot, seed : int
        Replicates, in which patients with all their images and, independently, runs are drawn.

    Raises
    ------
    InputError
        A score is NaN or the same for all images; or as in `helpers.stats.auroc_interval`.
    """
    scores = tuple(name for name in STRANGENESS if name in rows)
    tasks, shifts = cohort.tasks, tuple(cohort.shifts)
    repeats = sorted(rows["run"].unique())
    tested = cohort.rows["set"].isin(["known", *shifts])
    code, people = pd.factorize(cohort.rows["patient"].where(tested))
    times = drawing.multinomial(len(people), n_boot=n_boot, seed=seed).astype(float).T
    observed = np.empty((len(repeats), len(tasks), len(shifts), len(scores)))
    drawn = np.empty((n_boot, *observed.shape))
    for (again, task), part in rows.groupby(["run", "task"], sort=False):
        for s, shift in enumerate(shifts):
            chosen = part[part["set"].isin(["known", shift])]
            stranger, index = (chosen["set"] == shift).to_numpy(), chosen["image"].to_numpy()
            weights = np.concatenate([np.ones((len(index), 1)), times[code[index]]], axis=1)
            for k, score in enumerate(scores):
                values, kind, _, _ = checked(chosen[score], stranger, chosen["patient"])
                found = weighted.area(weighted.by_score(values, kind), weights)
                place = repeats.index(again), tasks.index(task), s, k
                observed[place], drawn[(slice(None), *place)] = found[0], found[1:]
    runs = resample_seeds(max(len(repeats), 2), n_boot=n_boot, seed=seed + 1)[:, : len(repeats)]
    return Detection(observed, drawn, runs, tasks, shifts, scores, len(people))


def auroc_table(found: Detection) -> pd.DataFrame:
    """Tabulate the AUROC of each task, shift and score: ``task, shift, score, estimate, low, high, n``."""
    rows = []
    for task in found.tasks:
        for shift in found.shifts:
            for score in found.scores:
                interval = found.interval(found.at(task, shift, (score,)))
                rows.append({"task": task, "shift": shift, "score": score} | within(interval, 0, 1))
    return pd.DataFrame(rows)


def task_means(found: Detection) -> pd.DataFrame:
    """Tabulate the mean AUROC over scores of each task and shift: ``task, shift, estimate, low, high, n``."""
    rows = [
        {"task": task, "shift": shift} | within(found.interval(found.at(task, shift)), 0, 1)
        for task in found.tasks
        for shift in found.shifts
    ]
    return pd.DataFrame(rows)


def task_gap(found: Detection, shift: str) -> dict[str, float]:
    """Compare the largest with the smallest task mean at a shift with what chance gives.

    A difference of extremes is above 0 by chance alone. Here chance is the same difference of the replicates' distances
    from their estimates, as if all tasks were equal: it has the spread of patients and of runs. Labels of tasks
    permuted within runs would leave out patients, who are the same for all tasks and runs.

    Returns
    -------
    dict
        ``gap``; ``chance``, the mean of it by chance; ``p``; and ``estimate, low, high, n``, the gap less that of
        chance with the central 95% of it: ``low`` is above 0 where p is below 0.025.
    """
    s = found.shifts.index(shift)
    means = found.observed[:, :, s].mean((0, -1))
    drawn = (found.drawn[:, :, :, s].mean(-1) * found.runs[:, :, None]).sum(1)
    if found.observed.shape[0] == 1:
        drawn = found.drawn[:, 0, :, s].mean(-1)
    chance = np.ptp(drawn - means, axis=1)
    gap = float(np.ptp(means))
    low, high = np.quantile(chance, (0.975, 0.025))
    p = float((1 + (chance >= gap - ALMOST).sum()) / (1 + len(chance)))
    ends = {"estimate": gap - float(chance.mean()), "low": gap - float(low), "high": gap - float(high)}
    return {"gap": gap, "chance": float(chance.mean()), "p": p, **stats.estimate(ends, n=found.n)}


def best_less_others(
    found: Detection, task: str, shift: str, scores: tuple[str, ...] = ()
) -> dict[str, float | int | None]:
    """Estimate the mean AUROC of a task at a shift less that of the best other task."""
    others = [found.at(name, shift, scores) for name in found.tasks if name != task]
    first = found.at(task, shift, scores)
    return stats.estimate(found.interval(lambda v: first(v) - np.max([other(v) for other in others], axis=0)))


def interaction(found: Detection, first: str, rival: str, anatomy: str, machine: str) -> dict[str, float | int | None]:
    """Estimate (first - rival task at the shift of anatomy) - (the same at that of the machine), mean over scores."""
    at = {(t, s): found.at(t, s) for t in (first, rival) for s in (anatomy, machine)}

    def statistic(values: np.ndarray) -> np.ndarray:
        apart = {s: at[first, s](values) - at[rival, s](values) for s in (anatomy, machine)}
        return apart[anatomy] - apart[machine]

    return stats.estimate(found.interval(statistic))


def rises(found: Detection) -> dict[str, float | int]:
    """Count the cells of task, shift and score whose interval is wholly above one half, and those wholly below.

    Returns
    -------
    dict
        ``estimate, low, high, n`` of the mean AUROC over all cells less one half, and ``above``, ``below`` and
        ``cells``, as floats.
    """
    table = auroc_table(found)
    mean = stats.estimate(found.interval(lambda values: values.mean((-3, -2, -1)) - 0.5))
    counts = {"above": float((table["low"] > 0.5).sum()), "below": float((table["high"] < 0.5).sum())}
    return mean | counts | {"cells": float(len(table))}


def reference_table(scored: pd.DataFrame, *, n_boot: int = 500, seed: int = 0) -> pd.DataFrame:
    """Tabulate the AUROC of each reference and shift: ``reference, shift, estimate, low, high, n``.

    Parameters
    ----------
    scored : DataFrame
        From `references`.
    """
    rows = []
    for shift, part in scored.groupby("shift", sort=False):
        for name in ("trivial", "random", "oracle"):
            how = {"cluster": part["patient"].to_numpy(), "n_boot": n_boot, "seed": seed}
            interval = stats.auroc_interval(part[name], part["stranger"], **how)
            rows.append({"reference": name, "shift": shift} | stats.estimate(interval))
    return pd.DataFrame(rows)
