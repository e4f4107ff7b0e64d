"""Signed changes between groups: which of them loses more when a reconstruction replaces the original."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers import stats
from helpers.datasets import FINDINGS
from helpers.learn.restoration_measuring import Measured
from helpers.learn.restoration_tasks import BRAIN, Task
from helpers.studies.reconstruction.judging import Pair, among
from helpers.studies.reconstruction.worlds import harm_in_mean_auroc

MANY = 3  # labels of which a mean AUROC is formed


def outcome(task: Task) -> tuple[str, str, str]:
    """Choose what is read from the images: its metric, its target, and its name in prose.

    It is the Dice where masks are segmented, else the mean AUROC of three labels or more, else the AUROC of the first.
    """
    if task.masks is not None:
        return "dice", "dice", f"the Dice of the {'tumour' if task.targets == list(BRAIN.values()) else 'masks'}"
    if len(task.targets) >= MANY:
        return "auroc", "mean", f"the mean AUROC of the {'findings' if task.targets == list(FINDINGS) else 'labels'}"
    return "auroc", task.targets[0], f"the AUROC of {task.targets[0]}"


def signed_changes(
    tested: Measured, task: Task, pair: Pair, *, arm: str, minimum: int, n_boot: int, seed: int
) -> pd.DataFrame:
    """Compare between groups the change of Dice, or of the AUROC of each label, from the original to each arm.

    Parameters
    ----------
    tested : Measured
        Tested cases.
    task : Task
        Its attributes and targets, and whether masks are segmented.
    pair : Pair
        Two groups that one test compares, fixed beforehand, by the outcome of `outcome`.
    arm : str
        Arm of this test.
    minimum, n_boot, seed
        As in `stats.harm_in_auroc` and `harm_in_mean_auroc`.

    Returns
    -------
    pandas.DataFrame
        Table of `stats.harm_in_scores` with the column ``finding`` ("Dice"), or of `stats.harm_in_auroc`. The test of
        the pair is a row of the first table if the attribute has two groups. Otherwise it is the last row, and has no
        q; for AUROC its sizes count patients.
    """
    metric, target, _ = outcome(task)
    table = _tests(tested, task, task.attributes, minimum)
    if metric == "dice" and tested.cases[pair.attribute].nunique() == 2:
        return table
    two, name = among(tested, pair), pair.attribute
    if target == "mean":
        found = harm_in_mean_auroc(two, targets=task.targets, arm=arm, attribute=name, n_boot=n_boot, seed=seed)
        about = {"finding": "mean", "attribute": name, "arm": arm, "group": pair.second, "against": pair.first}
        row = about | {"difference": found.pop("estimate"), **found}
    else:
        alone = _tests(two, task, [name], minimum).drop(columns="q")
        row = alone[(alone["arm"] == arm) & alone["finding"].isin([target, "Dice"])].iloc[0].to_dict()
    if metric == "auroc":
        sizes = two.cases.drop_duplicates("patient_id")[name].value_counts()
        row |= {"n": sizes[pair.second], "n_against": sizes[pair.first]}
    return pd.concat([table, pd.DataFrame([row])], ignore_index=True)


def pair_test(harm: pd.DataFrame, target: str, pair: Pair, *, arm: str) -> pd.Series:
    """Return the row of `signed_changes` that compares the pair by a target."""
    same = harm["finding"].str.lower() == target.lower()
    groups = (harm["group"] == pair.second) & (harm["against"] == pair.first)
    return harm[same & groups & (harm["attribute"] == pair.attribute) & (harm["arm"] == arm)].iloc[-1]


def _tests(tested: Measured, task: Task, attributes: list[str], minimum: int) -> pd.DataFrame:
    who = tested.cases
    both: dict[str, Any] = {"attributes": who[attributes], "patient": who["patient_id"], "minimum": minimum}
    if task.masks is not None:
        return stats.harm_in_scores(tested.scores["dice"], **both).assign(finding="Dice")
    return stats.harm_in_auroc(who[task.targets], tested.probabilities, **both)
