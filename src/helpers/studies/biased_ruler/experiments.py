"""The controlled experiments: which cases a network is trained on, by which masks, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import datasets
from helpers.errors import InputError
from helpers.keep import cache
from helpers.studies.biased_ruler import slices

EXPERIMENTS = ("baseline", "swap_young", "swap_older", "difficulty_balanced", "biased_input")


def training_set(experiment: str, cases: pd.DataFrame, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which cases an experiment trains on, and which of them with the silver mask.

    Parameters
    ----------
    experiment : str
        ``baseline`` (gold masks, as many cases of each age group in the cohort; a fold may hold some more of one),
        ``biased_input`` (the same with silver masks), ``swap_young`` and ``swap_older`` (the same with silver masks for
        that group's cases of tier 1), or ``difficulty_balanced`` (gold masks, as many easy and as many hard cases of
        each age group).
    cases : DataFrame
        Columns ``age_group``, ``tier`` and ``easy``; patients without an age group are not trained on.
    seed : int
        Seed of the choice among a larger group's cases.

    Returns
    -------
    include, silver : bool, (n,)
    """
    groups = cases["age_group"].astype("str")
    known = cases["age_group"].notna()
    easy = cases["easy"].to_numpy(bool)
    cells = [(groups == g) & known for g in groups[known].unique()]
    if experiment == "difficulty_balanced":
        pools = [[cell & easy for cell in cells], [cell & ~easy for cell in cells]]
    else:
        pools = [cells]
    rng = np.random.default_rng((seed, 17))
    include = np.zeros(len(cases), dtype=bool)
    for pool in pools:
        size = min(int(cell.sum()) for cell in pool)
        for cell in pool:
            include[rng.choice(np.flatnonzero(cell), size, replace=False)] = True
    silver = np.zeros(len(cases), dtype=bool)
    if experiment == "biased_input":
        silver[:] = True
    elif experiment.startswith("swap_"):
        swapped = groups.str.lower() == experiment.removeprefix("swap_")
        if not swapped.any():
            raise InputError(f"experiment {experiment}", "no such age group", "Use swap_young or swap_older")
        silver = (swapped & (cases["tier"] == 1)).to_numpy()
    elif experiment not in {"baseline", "difficulty_balanced"}:
        raise InputError(f"experiment {experiment}", "is not known", "See the docstring for the names")
    return include, silver


def run(
    score: Callable[[np.ndarray, np.ndarray, np.ndarray, int, str], np.ndarray],
    cases: pd.DataFrame,
    *,
    seeds: Sequence[int],
    folds: int,
    seed: int,
    experiments: Sequence[str] = EXPERIMENTS,
    keep: Path | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Every experiment with every training seed, cross-validated: each case is scored by a network that never saw it.

    Parameters
    ----------
    score : callable
        ``score(include, silver, held_out, seed, name) -> dice``: trains on the cases of `include` (silver masks where
        `silver`), and gives the Dice of those `held_out` against gold and silver, shape (held out, 2); `name` is
        unique, for checkpoints. `slices.scorer` and `volumes.scorer` make one.
    cases : DataFrame
        One row per case: ``patient_id, age_group, tier, easy``.
    seeds : sequence of int
        Seeds of training.
    folds, seed : int
        Folds, spread evenly over age groups; seed of folds and of the choice of cases.
    experiments : sequence of str
        Names as `training_set` knows them. A swap that finds no label of tier 1 to swap would be the baseline once
        more, and is left out.
    keep : Path, optional
        Folder for finished parts, such as `helpers.keep.cache.folder` names; a second call goes on from there.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    DataFrame
        ``patient_id, age_group, experiment, train_seed, reference`` ("gold" or "silver") and ``dice``, as
        `helpers.studies.biased_ruler.diagnose` reads it.

    Raises
    ------
    InputError
        A case has no age group, or a part cannot be kept.
    """
    from tqdm.auto import tqdm

    if cases["age_group"].isna().any():
        raise InputError("cases", "some have no age group", "Leave them out, and their images with them")
    cases = cases.reset_index(drop=True)
    fold = datasets.folds(cases["age_group"].to_numpy(), n=folds, seed=seed)
    parts = []
    plans = {e: training_set(e, cases, seed=seed) for e in experiments}
    plans = {e: plan for e, plan in plans.items() if not e.startswith("swap_") or np.logical_and(*plan).any()}
    todo = [(e, s, k) for e in plans for s in seeds for k in range(folds)]
    for experiment, train_seed, k in tqdm(todo, desc="networks", unit="network", disable=not progress):
        name = f"{experiment}-seed{train_seed}-fold{k}"
        include, silver = plans[experiment]
        held_out = fold == k

        def trained(include=include & ~held_out, silver=silver, held_out=held_out, train_seed=train_seed, name=name):
            return score(include, silver, held_out, train_seed, name).tolist()

        dice = cache.once(None if keep is None else keep / f"{name}.json", trained)
        for reference, values in zip(("gold", "silver"), np.array(dice).T, strict=True):
            part = cases.loc[held_out, ["patient_id", "age_group"]]
            parts.append(part.assign(experiment=experiment, train_seed=train_seed, reference=reference, dice=values))
    return pd.concat(parts, ignore_index=True)


def two_rulers(root: Path, *, size: int, steps: int, folds: int, seed: int, device: str = "auto") -> pd.DataFrame:
    """One set of predictions of a cohort's slices by gold-trained networks, scored against gold and against silver.

    Returns
    -------
    DataFrame
        ``patient_id, age_group, gold, silver``; patients without an age are left out.
    """
    cases, _ = datasets.load_mama_mia(root)
    cases = cases[cases["age_group"].notna()].reset_index(drop=True).assign(tier=1.0, easy=True)
    loaded = slices.load_slices(root, cases["patient_id"], size=size, progress=False)
    score = slices.scorer(loaded, steps=steps, device=device)
    found = run(score, cases, seeds=[0], folds=folds, seed=seed, experiments=["baseline"], progress=False)
    both = found.pivot(index=["patient_id", "age_group"], columns="reference", values="dice")
    return both.rename_axis(columns=None).reset_index()


def known_difficulty(root: Path, cases: pd.DataFrame) -> pd.DataFrame:
    """The cases with the simulator's flag of a hard case as column ``hard``; a real cohort has none, and gets none."""
    file = Path(root) / datasets.CASES
    if not file.is_file():
        return cases
    flags = pd.read_csv(file, usecols=["patient_id", "hard"])
    return cases.merge(flags, on="patient_id", validate="one_to_one")
