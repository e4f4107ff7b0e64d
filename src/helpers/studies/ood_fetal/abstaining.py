"""Abstention: whose errors are left after a score has sent images away, and whose images it sends."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers import metrics, stats
from helpers.learn.strangers import STRANGENESS
from helpers.stats import drawing, weighted
from helpers.stats.crossed import resample_seeds
from helpers.studies.ood_fetal.cohorts import Cohort
from helpers.studies.ood_fetal.detecting import over_runs, within

SHARE = 0.9  # of the images for thresholds that a threshold keeps
COVERAGE = 0.8


def abstention_table(cohort: Cohort, rows: pd.DataFrame) -> pd.DataFrame:
    """Tabulate, for the first task at each shift of the machine, how well each score detects and abstains.

    Returns
    -------
    DataFrame
        ``shift, score, auroc`` (strangers against known images), ``fpr`` (known images flagged at the threshold that
        flags 95% of the strangers), ``error_auroc`` (wrong against right among the strangers), ``error`` (share of
        wrong strangers), ``aurc`` and ``augrc`` among the strangers; means over runs.
    """
    found = []
    for shift in _machines(cohort):
        for score in _scores(rows):
            values = [_measured(part, shift, score) for _, part in _of_first(cohort, rows).groupby("run")]
            found.append({"shift": shift, "score": score} | pd.DataFrame(values).mean().to_dict())
    return pd.DataFrame(found, columns=["shift", "score", "auroc", "fpr", "error_auroc", "error", "aurc", "augrc"])


def detector_less_abstainer(
    cohort: Cohort, rows: pd.DataFrame, *, n_boot: int = 500, seed: int = 0
) -> dict[str, float | int | None]:
    """Estimate the AUGRC of the score that detects best less that of the score that abstains best, of the first task.

    The two scores are chosen on one half of the patients and compared on the other, and the halves change places. So
    the difference can be negative, and is 0 on average if all scores are equal. Errors are those on strangers by a
    machine; the mean is over these shifts and over runs.

    Returns
    -------
    dict
        ``estimate, low, high, n``.
    """
    part = _of_first(cohort, rows)
    part = part[part["set"].isin(["known", *_machines(cohort)])].reset_index(drop=True)
    half = part["patient"].map(_halves(part, ["known", *_machines(cohort)], seed)).to_numpy(bool)
    code, names = pd.factorize(part["patient"])
    times = drawing.multinomial(len(names), n_boot=n_boot, seed=seed).T
    repeats, observed, drawn = sorted(part["run"].unique()), [], []
    for again in repeats:
        found = []
        for shift in _machines(cohort):
            for inside in (half, ~half):
                chosen = ((part["run"] == again) & part["set"].isin(["known", shift])).to_numpy()
                one, other = part[chosen & inside], part[chosen & ~inside]
                detects, abstains = _picked(one, shift)
                found.append(_difference(other, shift, detects, abstains, times[code[chosen & ~inside]]))
        observed.append(np.mean([f[0] for f in found]))
        with np.errstate(invalid="ignore"):
            drawn.append(np.nanmean([f[1:] for f in found], axis=0))
    runs = resample_seeds(max(len(repeats), 2), n_boot=n_boot, seed=seed + 1)[:, : len(repeats)]
    return stats.estimate(over_runs(np.array(observed), np.stack(drawn, axis=1), runs, len(names)))


def flagged(
    cohort: Cohort, rows: pd.DataFrame, *, high: str, low: str, n_boot: int = 500, seed: int = 0
) -> pd.DataFrame:
    """Estimate, for each task and score, how much more often one group of known images is flagged than another.

    A score's threshold keeps nine tenths of the images for thresholds, which are not tested. All images compared are in
    the distribution: none is a stranger.

    Parameters
    ----------
    cohort : Cohort
    rows : DataFrame
        From `run`.
    high, low : str
        Groups; the difference is the rate of `high` less that of `low`.
    n_boot, seed : int

    Returns
    -------
    DataFrame
        ``task, score, rate_high, rate_low, estimate, low, high, n``; in the rows with the score ``mean``, the mean over
        scores.
    """
    known = rows[rows["set"] == "known"]
    code, names = pd.factorize(known["patient"])
    times = drawing.multinomial(len(names), n_boot=n_boot, seed=seed).astype(float)
    repeats, found = sorted(rows["run"].unique()), []
    runs = resample_seeds(max(len(repeats), 2), n_boot=n_boot, seed=seed + 1)[:, : len(repeats)]
    for task in cohort.tasks:
        rates: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        for again in repeats:
            here = (known["run"] == again) & (known["task"] == task)
            part, people = known[here], code[here.to_numpy()]
            aside = rows[(rows["run"] == again) & (rows["task"] == task) & (rows["set"] == "threshold")]
            weights = np.concatenate([np.ones((1, len(part))), times[:, people]])
            masks = [(part["group"] == name).to_numpy() for name in (high, low)]
            for score in _scores(rows):
                over = part[score].to_numpy() > metrics.flag_threshold(aside[score], share=SHARE)
                sides = [weighted.mean(over, weights * mask) for mask in masks]
                rates.setdefault(score, []).append((sides[0], sides[1]))
        stacked = {score: np.array(values) for score, values in rates.items()}  # (runs, 2, 1 + replicates)
        stacked["mean"] = np.mean(list(stacked.values()), axis=0)
        for score, values in stacked.items():
            apart = values[:, 0] - values[:, 1]
            interval = over_runs(apart[:, 0], apart[:, 1:].T, runs, len(names))
            means = {"rate_high": values[:, 0, 0].mean(), "rate_low": values[:, 1, 0].mean()}
            found.append({"task": task, "score": score} | means | within(interval, -1, 1))
    return pd.DataFrame(found)


def kept_accuracy(cohort: Cohort, rows: pd.DataFrame, score: str) -> pd.DataFrame:
    """Tabulate accuracy of the first task by set and group, of all images and of the most certain 80%.

    Returns
    -------
    DataFrame
        ``set, group, n`` (patients), ``accuracy``, ``kept`` (share of the group that is kept), ``accuracy_kept``; means
        over runs. The threshold is that of each set, so that the same share is kept in all.
    """
    part = _of_first(cohort, rows)
    found = []
    for name in ("known", *_machines(cohort)):
        for again, one in part[part["set"] == name].groupby("run"):
            inside = one[score] <= metrics.flag_threshold(one[score], share=COVERAGE)
            for group, rest in one.groupby("group"):
                kept = inside[rest.index]
                row = {"set": name, "group": group, "run": again, "n": rest["patient"].nunique()}
                row |= {"accuracy": 1 - rest["error"].mean(), "kept": kept.mean()}
                found.append(row | {"accuracy_kept": 1 - rest["error"][kept].mean()})
    return pd.DataFrame(found).drop(columns="run").groupby(["set", "group"], sort=False, as_index=False).mean()


def _machines(cohort: Cohort) -> list[str]:
    return [name for name, kind in cohort.shifts.items() if kind == "machine"]


def _scores(rows: pd.DataFrame) -> list[str]:
    return [name for name in STRANGENESS if name in rows]


def _of_first(cohort: Cohort, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the first task whose error is known."""
    return rows[(rows["task"] == cohort.first) & rows["error"].notna()].reset_index(drop=True)


def _measured(part: pd.DataFrame, shift: str, score: str) -> dict[str, float]:
    strangers, both = part[part["set"] == shift], part[part["set"].isin(["known", shift])]
    error, values = strangers["error"].to_numpy(), strangers[score].to_numpy()
    stranger = (both["set"] == shift).to_numpy()
    return {
        "auroc": float(weighted.auroc(both[score].to_numpy(), stranger)),
        "fpr": metrics.false_positive_rate_at(stranger, both[score]),
        "error_auroc": float(weighted.auroc(values, error == 1)),
        "error": error.mean(),
        "aurc": metrics.aurc(error, values),
        "augrc": metrics.augrc(error, values),
    }


def _halves(part: pd.DataFrame, sets: list[str], seed: int) -> dict[object, bool]:
    """Assign each patient to one of two halves, so that both have patients of each set."""
    rng, side = np.random.default_rng((seed, 3)), {}
    for name in sets:
        new = [p for p in part["patient"][part["set"] == name].unique() if p not in side]
        side |= {p: bool(place % 2) for place, p in enumerate(rng.permutation(np.array(new, dtype=object)))}
    return side


def _picked(part: pd.DataFrame, shift: str) -> tuple[str, str]:
    """Return the score with the largest AUROC for strangers, and the one with the smallest AUGRC among them."""
    table = pd.DataFrame({score: _measured(part, shift, score) for score in _scores(part)})
    return table.loc["auroc"].idxmax(), table.loc["augrc"].idxmin()


def _difference(part: pd.DataFrame, shift: str, first: str, second: str, times: np.ndarray) -> np.ndarray:
    """Compute AUGRC of one score less that of another among strangers: as observed, and under drawn patients."""
    inside = (part["set"] == shift).to_numpy()
    weights = np.concatenate([np.ones((1, inside.sum()), int), times[inside].T])
    strangers = part[inside]
    values = [metrics.augrc(strangers["error"], strangers[score], weights=weights) for score in (first, second)]
    return values[0] - values[1]
