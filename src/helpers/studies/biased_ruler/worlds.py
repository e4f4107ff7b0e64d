"""Test of the diagnosis on simulated worlds with a known cause of the gap."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from helpers import datasets, scores
from helpers.errors import check_choice
from helpers.stats.intervals import wilson
from helpers.studies.biased_ruler import label_tiers, labeller, slices
from helpers.studies.biased_ruler.diagnosis import CAUSES, diagnose
from helpers.studies.biased_ruler.experiments import known_difficulty, run

# Reading -> options of `biased_ruler.diagnose`. In a simulated world, hard images of the study cost the labeller
# nothing; for a real cohort nobody would know this.
READINGS: dict[str, dict[str, object]] = {
    "ours": {"version": "ours", "labeller_shares": (0.0, 0.0)},
    "ours, labeller unknown": {"version": "ours", "labeller_shares": (0.0, 1.0)},
    "ours, difficulty unknown": {"version": "ours", "difficulty": None},
    "paper": {"version": "paper"},
}


def diagnose_world(
    world: str,
    *,
    n: int,
    seed: int,
    steps: int,
    folds: int,
    train_seeds: int,
    size: int = 48,
    labeller_steps: int = 300,
    n_boot: int = 2000,
    device: str = "auto",
) -> list[dict[str, object]]:
    """Run all experiments in one simulated world, and diagnose them by each of `READINGS`.

    Parameters
    ----------
    world : str
        A key of `helpers.datasets.BREAST_WORLDS`.
    n, seed : int
        Number of patients; seed of the cohorts, the labeller, the folds and the intervals.
    steps, folds, train_seeds, size : int
        Training steps of a network; folds; networks per experiment and fold; side of a slice in voxels.
    labeller_steps : int
        Training steps of the network that makes the silver masks.
    n_boot : int
        Bootstrap replicates for an interval.

    Returns
    -------
    list of dict
        One row for each of `READINGS`: ``reading, verdict, truth``, and the estimates of the three contrasts ``labels,
        images, share`` (None for the paper's reading).

    Raises
    ------
    InputError
        The world is unknown.
    """
    check_choice("world", world, datasets.BREAST_WORLDS)
    root = labeller.world(world, n, seed=seed, steps=labeller_steps, device=device)
    patients, _ = datasets.load_mama_mia(root)
    tables, _ = scores.collect(root, workers=1, progress=False)
    cases, _ = datasets.join_scores(patients, tables["automatic"], where="automatic")
    cases = cases[cases["age_group"].notna()].reset_index(drop=True)
    cases = cases.join(label_tiers.tiers(cases)).rename(columns={"dice": "silver_dice"})
    loaded = slices.load_slices(root, cases["patient_id"], size=size, progress=False)
    score = slices.scorer(loaded, steps=steps, device=device)
    found = run(score, cases, seeds=range(train_seeds), folds=folds, seed=seed, progress=False)
    known = known_difficulty(root, cases)
    rows = []
    for reading, options in READINGS.items():
        diagnosis = diagnose(found, known, n_boot=n_boot, seed=seed, **options)
        row = {"reading": reading, "verdict": diagnosis.verdict, "truth": world}
        estimates = diagnosis.causes.get("estimate", {})
        rows.append(row | {c: _plain(estimates.get(c)) for c in CAUSES})
    return rows


def _plain(value: object) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def confusion(rows: pd.DataFrame) -> pd.DataFrame:
    """Tabulate the share of studies with each verdict, for each reading and true cause (confusion matrix).

    Verdicts that name some causes and leave others open are in two columns: "in part, right" if every named cause is
    present, "in part, wrong" if one is not.

    Returns
    -------
    DataFrame
        Index ``reading, truth``; columns the verdicts and ``n`` (studies).
    """
    shown = [_shown(verdict, truth) for verdict, truth in zip(rows["verdict"], rows["truth"], strict=True)]
    keys, verdict = [rows["reading"], rows["truth"]], pd.Series(shown, index=rows.index)
    table = pd.crosstab(keys, verdict, normalize="index").rename_axis(columns=None)
    sizes = rows.groupby(["reading", "truth"]).size()
    order = pd.MultiIndex.from_product([READINGS, dict.fromkeys(rows["truth"])], names=["reading", "truth"])
    return table.assign(n=sizes).reindex(order.intersection(table.index, sort=False))


def _shown(verdict: str, truth: str) -> str:
    named, _, left_open = verdict.partition("; cannot tell")
    if not left_open:
        return verdict
    return "in part, right" if truth == "all" or named == truth else "in part, wrong"


def right(rows: pd.DataFrame, *, by: Sequence[str] = ("truth", "reading")) -> pd.DataFrame:
    """Compute the share of studies with the true cause as verdict, with Wilson's 95% interval: ``rate, low, high, n``.

    Worlds of one seed share women, noise and labeller. So `n` and the interval count seeds, not studies: over several
    worlds the interval is as wide as if all studies of a seed were one.

    Parameters
    ----------
    rows : DataFrame
        One row for each study and reading: ``seed``, and the columns of `diagnose_world`.
    by : sequence of str
        Columns; their values, joined by a comma, name the rows of the result.
    """
    names = rows[list(by)].agg(", ".join, axis=1)
    groups = rows.assign(right=rows["verdict"] == rows["truth"]).groupby(names, sort=False)
    table = groups.agg(rate=("right", "mean"), n=("seed", "nunique"))
    low, high = wilson(table["rate"] * table["n"], table["n"])
    return table.assign(low=low, high=high)[["rate", "low", "high", "n"]]
