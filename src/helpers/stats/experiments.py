"""Gaps of two training experiments on the same patients, and their change with the uncertainty of patients and seeds.

Scores are in a long frame: one row per patient, experiment and training seed, with the reference used for scoring.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.errors import InputError
from helpers.stats.crossed import resample_cells, resample_seeds, seeded_interval
from helpers.stats.inputs import check_groups, check_scores, need_columns
from helpers.stats.resample import Change

FEWEST_SEEDS = 3  # two runs show that runs differ, not by how much


@dataclass(frozen=True)
class Between(Change):
    """Gap ``b - a`` of the first experiment, gap of the second, and their change (second minus first).

    `n_a` and `n_b` are numbers of patients, and `seeds` the numbers of training seeds of both experiments. `paired` is
    True if the seeds are the same, and were resampled together. `dropped` patients lack a score of some run and were
    left out.
    """

    a: object
    b: object
    n_a: int
    n_b: int
    seeds: tuple[int, int]
    paired: bool
    dropped: int

    def __str__(self) -> str:
        seeds = f"{self.seeds[0]} and {self.seeds[1]} seeds{', paired' * self.paired}"
        return f"change of {self.b} - {self.a}: {self.change}; n {self.n_a} and {self.n_b}, {seeds}"


def scores_by_seed(
    frame: pd.DataFrame, *, experiment: str, reference: str | None = "gold", score: str = "dice"
) -> pd.DataFrame:
    """Arrange the scores of one experiment with one row per patient and one column per training seed.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns ``patient_id, experiment, train_seed``, `score`, and ``reference`` if several references were used.
    reference : str, optional
        Reference to select. In a frame without the column, all scores count as judged by one reference.

    Returns
    -------
    pandas.DataFrame
        Index ``patient_id``; NaN where a run did not score a patient.

    Raises
    ------
    InputError
        A column or the experiment is missing, a score is not a number, a patient occurs twice for a seed, or there are
        fewer than three training seeds.
    """
    need_columns(frame, ["patient_id", "experiment", "train_seed", score])
    rows = frame[frame["experiment"] == experiment]
    if not len(rows):
        known = ", ".join(map(str, frame["experiment"].unique()))
        raise InputError("column experiment", f"no row is {experiment!r}; there are {known}", "Name one of them.")
    if "reference" in rows and reference is not None:
        judged = rows[rows["reference"] == reference]
        if not len(judged):
            known = ", ".join(map(str, rows["reference"].unique()))
            problem = f"{experiment} has no row judged by {reference!r}; there are {known}"
            raise InputError("column reference", problem, "Score the predictions against that reference too.")
        rows = judged
    check_scores(rows[score], f"{experiment}, column {score}")
    missing = rows[["patient_id", "train_seed"]].isna().any(axis=1)
    if missing.any():
        raise InputError(experiment, f"{missing.sum()} rows lack patient_id or train_seed", "Name both in every row.")
    twice = rows.duplicated(["patient_id", "train_seed"])
    if twice.any():
        row = rows[twice].iloc[0]
        problem = f"{row['patient_id']} occurs twice for training seed {row['train_seed']}"
        raise InputError(experiment, problem, "Keep one row per patient, experiment, seed and reference.")
    wide = rows.pivot(index="patient_id", columns="train_seed", values=score)
    if wide.shape[1] < FEWEST_SEEDS:
        problem = f"{wide.shape[1]} training seed(s), at least {FEWEST_SEEDS} are needed"
        raise InputError(experiment, problem, "Train again with other seeds: one run cannot show how much runs vary.")
    return wide


def change_between(
    frame: pd.DataFrame,
    *,
    first: str = "baseline",
    second: str = "biased_input",
    group: str = "age_group",
    a: object = "Young",
    b: object = "Older",
    score: str = "dice",
    reference: str | tuple[str, str] = "gold",
    threshold: float | None = None,
    n_boot: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Between:
    """Estimate the change of the gap ``mean(b) - mean(a)`` between two experiments, over patients and training seeds.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns ``patient_id, experiment, train_seed``, `group`, `score`, and ``reference`` if there are several.
    first, second : str
        Names of the experiments; both may be the same one, judged by two references.
    reference : str or (str, str)
        Reference that judges both experiments, or one for the first and one for the second.
    threshold : float, optional
        Compare rates of ``score > threshold`` instead of means.

    Returns
    -------
    Between
        Mean gaps over seeds, each with its interval, and their change (second minus first).

    Raises
    ------
    InputError
        As in `scores_by_seed`; or a patient has two groups, or no patient has scores of every run.

    Notes
    -----
    Patients and training seeds are crossed factors, and every replicate draws both: whole patients, with all their
    scores, and seeds. If both experiments used the same seeds, the same draw serves both, so that common seed effects
    (initial weights, folds) cancel; otherwise seeds are drawn separately. The ends of the intervals come from
    `crossed.seeded_interval`, which uses t tails because there are only a few seeds. A patient without a score in some
    run is left out and counted. A patient without a group is drawn, but is in neither mean.
    """
    references = (reference, reference) if isinstance(reference, str) else tuple(reference)
    tables = [
        scores_by_seed(frame, experiment=name, reference=judge, score=score)
        for name, judge in zip((first, second), references, strict=True)
    ]
    if threshold is not None:
        tables = [(table > threshold).astype(float).where(table.notna()) for table in tables]
    groups = one_per_patient(frame, group)
    return gap_change(*tables, groups=groups, a=a, b=b, n_boot=n_boot, seed=seed, level=level)


def gap_change(
    first: pd.DataFrame,
    second: pd.DataFrame,
    *,
    groups: pd.Series,
    a: object,
    b: object,
    n_boot: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Between:
    """Compute `change_between` from two tables of `scores_by_seed` and the group of each patient."""
    ids = first.index.union(second.index)
    whole = first.dropna().index.intersection(second.dropna().index)
    if not len(whole):
        raise InputError("experiments", "no patient has a score of every run in both", "Score the same patients.")
    cell = two_group_cells(groups.reindex(whole), a, b)
    split, paired = first.shape[1], list(first.columns) == list(second.columns)
    values = np.concatenate([table.loc[whole].to_numpy(float) for table in (first, second)], axis=1)
    cells = resample_cells(values, cell, 2, n_boot=n_boot, seed=seed)
    gap, drawn = cells.means[1] - cells.means[0], cells.drawn_means[:, 1] - cells.drawn_means[:, 0]
    weights_first = resample_seeds(split, n_boot=n_boot, seed=seed + 1)
    weights_second = weights_first if paired else resample_seeds(second.shape[1], n_boot=n_boot, seed=seed + 2)
    by_seed = gap[:split], gap[split:]
    means = [values.mean() for values in by_seed]
    draws = [(drawn[:, :split] * weights_first).sum(axis=1), (drawn[:, split:] * weights_second).sum(axis=1)]
    options = {"n": len(whole), "level": level}
    ends = [seeded_interval(m, d, [v], **options) for m, d, v in zip(means, draws, by_seed, strict=True)]
    change = seeded_interval(
        means[1] - means[0], draws[1] - draws[0], [by_seed[1] - by_seed[0]] if paired else by_seed, **options
    )
    sizes = [int(count) for count in cells.counts]
    return Between(*ends, change, a, b, *sizes, (split, second.shape[1]), paired, len(ids) - len(whole))


def two_group_cells(groups: pd.Series, a: object, b: object) -> np.ndarray:
    """Return 0 for patients of group `a`, 1 for `b`, -1 for neither; InputError if `a` or `b` has no patient."""
    codes, levels = check_groups(groups, len(groups))
    cell = np.full(len(groups), -1)
    for place, level in enumerate((a, b)):
        if level not in levels or a == b:
            problem = f"{level!r} has no patient here" if a != b else f"{a!r} is named twice"
            raise InputError("a, b", problem, f"Name two of {levels}.")
        cell[codes == levels.index(level)] = place
    return cell


def one_per_patient(frame: pd.DataFrame, column: str) -> pd.Series:
    """Return a column by patient; InputError if a patient has two values."""
    need_columns(frame, ["patient_id", column])
    rows = frame[["patient_id", column]].drop_duplicates()
    twice = rows["patient_id"].duplicated()
    if twice.any():
        problem = f"{rows.loc[twice, 'patient_id'].iloc[0]} has more than one value"
        raise InputError(f"column {column}", problem, "Give every patient one.")
    return rows.set_index("patient_id")[column]
