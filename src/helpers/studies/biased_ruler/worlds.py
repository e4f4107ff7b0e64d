"""The diagnosis, tried on worlds whose cause is known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from helpers import datasets, scores
from helpers.errors import InputError
from helpers.keep import cache
from helpers.studies.biased_ruler import label_tiers, slices
from helpers.studies.biased_ruler.diagnosis import CAUSES, diagnose
from helpers.studies.biased_ruler.experiments import known_difficulty, run
from helpers.studies.biased_ruler.labeller import world

# Reading -> how `biased_ruler.diagnose` is called. In a simulated world hard study images cost the labeller nothing,
# which nobody would know of a real one.
READINGS: dict[str, dict[str, object]] = {
    "ours": {"version": "ours", "labeller_shares": (0.0, 0.0)},
    "ours, labeller unknown": {"version": "ours", "labeller_shares": (0.0, 1.0)},
    "ours, difficulty unknown": {"version": "ours", "difficulty": None},
    "paper": {"version": "paper"},
}


def diagnose_world(
    name: str,
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
    """Run all experiments in one world, and read them in each way.

    Parameters
    ----------
    name : str
        A key of `helpers.datasets.BREAST_WORLDS`.
    n, seed : int
        Patients; and seed of the cohorts, the labeller, the folds and the intervals.
    steps, folds, train_seeds, size : int
        Training steps of a network, folds, networks per experiment and fold, side of a slice in voxels.
    labeller_steps : int
        Training steps of the network that makes the silver masks.
    n_boot : int
        Replicates behind an interval.

    Returns
    -------
    list of dict
        One row for each of `READINGS`: ``world, seed, reading, verdict, truth``, and of the three contrasts
        ``labels, images, share`` the estimates (None for the paper's reading).
    """
    root = world(name, n, seed=seed, steps=labeller_steps, device=device)
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
        row = {"world": name, "seed": seed, "reading": reading, "verdict": diagnosis.verdict, "truth": name}
        estimates = diagnosis.causes.get("estimate", {})
        rows.append(row | {c: _plain(estimates.get(c)) for c in CAUSES})
    return rows


def diagnose_worlds(
    names: Sequence[str],
    *,
    seeds: Sequence[int],
    keep: Path,
    workers: int = 1,
    progress: bool = True,
    **options: object,
) -> pd.DataFrame:
    """`diagnose_world` for every world and seed, in parallel; finished ones are kept, and a second call goes on.

    Parameters
    ----------
    names : sequence of str
        Worlds.
    seeds : sequence of int
    keep : Path
        Folder of this plan alone, such as `helpers.keep.cache.folder` names.
    workers : int
        Processes.
    **options
        As `diagnose_world` takes them.

    Raises
    ------
    InputError
        A world is not known, or the folder cannot be written.
    """
    from joblib import Parallel, cpu_count, delayed, parallel_config
    from tqdm.auto import tqdm

    if odd := set(names) - set(datasets.BREAST_WORLDS):
        raise InputError("worlds", f"{', '.join(sorted(odd))} unknown", f"Use {', '.join(datasets.BREAST_WORLDS)}")
    todo = [(name, seed) for seed in seeds for name in names]  # worlds of one seed share their labeller
    jobs = (
        delayed(cache.once)(keep / f"{name}-{seed}.json", partial(diagnose_world, name, seed=seed, **options))
        for name, seed in todo
    )
    # The threads of all processes together must not outnumber the cores, whatever OMP_NUM_THREADS says.
    with parallel_config("loky", inner_max_num_threads=max(1, cpu_count() // workers)):
        done = Parallel(n_jobs=workers, return_as="generator")(jobs)
        bar = tqdm(done, desc="worlds", unit="world", total=len(todo), disable=not progress)
        return pd.DataFrame([row for rows in bar for row in rows])


def _plain(value: object) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def confusion(rows: pd.DataFrame) -> pd.DataFrame:
    """Share of studies with each verdict, for each reading and true cause.

    Verdicts that name some causes and leave others open are two columns: "in part, right" where every cause named is at
    work, "in part, wrong" where one is not.

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
    """Share of studies whose verdict is the true cause, with a 95% interval: ``rate, low, high, n``.

    Worlds of one seed share women, noise and labeller. So `n` counts seeds, not studies, and so does Wilson's interval:
    over several worlds it is as wide as if the studies of a seed were one.

    Parameters
    ----------
    rows : DataFrame
        From `diagnose_worlds`.
    by : sequence of str
        Columns whose values, joined by a comma, name the rows of the result.
    """
    from statsmodels.stats.proportion import proportion_confint

    names = rows[list(by)].agg(", ".join, axis=1)
    groups = rows.assign(right=rows["verdict"] == rows["truth"]).groupby(names, sort=False)
    table = groups.agg(rate=("right", "mean"), n=("seed", "nunique"))
    low, high = proportion_confint(table["rate"] * table["n"], table["n"], method="wilson")
    return table.assign(low=low, high=high)[["rate", "low", "high", "n"]]
