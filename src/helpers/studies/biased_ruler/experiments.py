"""Controlled experiments: the cases and masks that a network is trained on, and its scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import datasets
from helpers.errors import InputError
from helpers.keep.plans import grid, repeat
from helpers.studies.biased_ruler import slices

EXPERIMENTS = ("baseline", "swap_young", "swap_older", "difficulty_balanced", "biased_input")


def training_set(
    experiment: str, cases: pd.DataFrame, *, seed: int, group: str = "age_group"
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the cases that an experiment trains on, and those of them with the silver mask.

    Parameters
    ----------
    experiment : str
        ``baseline`` (gold masks, equally many cases of each group over the whole cohort; a fold may have slightly more
        of one group), ``biased_input`` (the same with silver masks), ``swap_`` and a group in lower case, such as
        ``swap_young`` (the same with silver masks for that group's cases of tier 1), or ``difficulty_balanced`` (gold
        masks, with equally many easy cases of each group, and equally many hard cases).
    cases : DataFrame
        Columns `group`, ``tier`` and ``easy``; patients without a group are not trained on.
    seed : int
        Seed of the choice among a larger group's cases.
    group : str
        Column of the groups.

    Returns
    -------
    include, silver : bool, (n,)
    """
    groups = cases[group].astype("str")
    known = cases[group].notna()
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
            raise InputError(
                f"experiment {experiment}", "there is no such group", "Use swap_ and a group, as swap_young"
            )
        silver = (swapped & (cases["tier"] == 1)).to_numpy()
    elif experiment not in {"baseline", "difficulty_balanced"}:
        raise InputError(f"experiment {experiment}", "there is no such experiment", "See the docstring for the names")
    return include, silver


def run(
    score: Callable[[np.ndarray, np.ndarray, np.ndarray, int, str], np.ndarray],
    cases: pd.DataFrame,
    *,
    seeds: Sequence[int],
    folds: int,
    seed: int,
    experiments: Sequence[str] = EXPERIMENTS,
    group: str = "age_group",
    keep: Path | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Run every experiment with every training seed by cross-validation: no network scores a case that it has seen.

    Parameters
    ----------
    score : callable
        ``score(include, silver, held_out, seed, name) -> dice``. It trains on the cases of `include` (with silver masks
        for those of `silver`), and gives the Dice of the cases `held_out` against gold and silver, shape (held out, 2).
        `name` is unique, for checkpoints. `slices.scorer` and `volumes.scorer` make such a function.
    cases : DataFrame
        One row per case: ``patient_id``, `group`, ``tier, easy``.
    seeds : sequence of int
        Seeds of training.
    folds, seed : int
        Number of folds, stratified by group; seed of the folds and of the choice of cases.
    experiments : sequence of str
        Names that `training_set` accepts. A swap without any label of tier 1 to swap would repeat the baseline, and is
        left out.
    group : str
        Column of the groups.
    keep : Path, optional
        Folder for finished parts, for example from `helpers.keep.cache.folder`; a second call continues from there.
    progress : bool
        Show a progress bar.

    Returns
    -------
    DataFrame
        ``patient_id``, `group`, ``experiment, train_seed, reference`` ("gold" or "silver") and ``dice``, the format
        that `helpers.studies.biased_ruler.diagnose` reads.

    Raises
    ------
    InputError
        A case has no group, or a part cannot be kept.
    """
    if cases[group].isna().any():
        problem = f"some cases have no {group.replace('_', ' ')}"
        raise InputError("cases", problem, "Leave them out, and their images with them")
    cases = cases.reset_index(drop=True)
    fold_of = datasets.folds(cases[group].to_numpy(), n=folds, seed=seed)
    chosen = {e: training_set(e, cases, seed=seed, group=group) for e in experiments}
    chosen = {e: both for e, both in chosen.items() if not e.startswith("swap_") or np.logical_and(*both).any()}

    def trained(experiment: str, train_seed: int, fold: int) -> list[dict[str, object]]:
        include, silver = chosen[experiment]
        held_out = fold_of == fold
        name = f"{experiment}-seed{train_seed}-fold{fold}"
        dice = np.asarray(score(include & ~held_out, silver, held_out, train_seed, name))
        tested = np.flatnonzero(held_out).tolist()
        rows = []
        for reference, values in zip(("gold", "silver"), dice.T, strict=True):
            of_each = zip(tested, values.tolist(), strict=True)
            rows += [{"case": case, "reference": reference, "dice": value} for case, value in of_each]
        return rows

    plan = grid(experiment=chosen, train_seed=seeds, fold=range(folds))
    found = repeat(trained, plan, keep=keep, unit="network", progress=progress)
    who = cases[["patient_id", group]].iloc[found["case"]].reset_index(drop=True)
    return who.join(found[["experiment", "train_seed", "reference", "dice"]])


def two_rulers(root: Path, *, size: int, steps: int, folds: int, seed: int, device: str = "auto") -> pd.DataFrame:
    """Score one set of predictions of a cohort's slices, by gold-trained networks, against gold and against silver.

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
    """Add the simulator's flag of hard cases as column ``hard``; a real cohort has no flag and is unchanged."""
    file = Path(root) / datasets.CASES
    if not file.is_file():
        return cases
    flags = pd.read_csv(file, usecols=["patient_id", "hard"])
    return cases.merge(flags, on="patient_id", validate="one_to_one")
