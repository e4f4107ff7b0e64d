"""Selection of what the reconstruction study can judge, before training: attributes, labels and masks."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from helpers import datasets
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError
from helpers.learn.restoration_measuring import Measured
from helpers.learn.restoration_tasks import Task


class Pair(NamedTuple):
    """Two groups of an attribute: tests with a sign compare the `second` with the `first`, in the order of names."""

    attribute: str
    first: str
    second: str


def judged(task: Task) -> tuple[Task, Pair]:
    """Select what the study can judge, and the two groups that are compared with a sign.

    An attribute needs two groups of `SMALLEST_CELL` tested patients. The first such attribute leads, with its two
    largest groups. A label needs both classes in every part, and among the tested cases of both groups. Masks need
    `SMALLEST_CELL` tested patients with something segmented in both groups, and something segmented in training.

    Parameters
    ----------
    task : Task

    Returns
    -------
    task : Task
        Without the attributes, labels and masks that cannot be judged; `dropped` has the reasons.
    pair : Pair

    Raises
    ------
    InputError
        No attribute is left, or neither a label nor masks.
    """
    attributes, left = _attributes(task)
    if not attributes:
        problem = "; ".join(str(note["reason"]) for note in left[:3]) or "no column of groups is named or recognised"
        raise InputError("GROUPS", problem, "Name columns of groups as GROUPS=column, or give more patients")
    pair = _largest(task, attributes[0])
    targets, notes = _targets(task, pair)
    masks, unmasked = (None, "") if task.masks is None else _masks(task, pair)
    notes += [unmasked] if unmasked else []
    if not targets and masks is None:
        problem = "; ".join(notes[:3]) or "no column of labels is named or recognised"
        raise InputError("TARGETS", problem, "Name columns of labels as TARGETS=column, or give more cases")
    left += [{"table": "labels", "reason": note, "n": len(task.rows)} for note in notes]
    dropped = pd.concat([task.dropped, pd.DataFrame(left)], ignore_index=True) if left else task.dropped
    return task._replace(targets=targets, attributes=attributes, masks=masks, dropped=dropped), pair


def among(measured: Measured, pair: Pair) -> Measured:
    """Leave out the cases of the attribute's other groups; cases without a group are kept."""
    groups = measured.cases[pair.attribute]
    return measured.chosen((groups.isna() | groups.isin(pair[1:])).to_numpy())


def _tested(task: Task) -> pd.DataFrame:
    return task.rows[task.rows["split"] == "test"]


def _patients(task: Task, attribute: str) -> pd.Series:
    return _tested(task).drop_duplicates("patient_id")[attribute].value_counts().sort_index()


def _attributes(task: Task) -> tuple[list[str], list[dict[str, object]]]:
    kept, left = [], []
    for name in task.attributes:
        sizes = _patients(task, name)
        if (sizes >= SMALLEST_CELL).sum() >= 2:
            kept.append(name)
            continue
        reason = f"{name}: left out, since fewer than two groups have {SMALLEST_CELL} tested patients"
        left.append({"table": "groups", "reason": reason, "n": len(task.rows)})
    return kept, left


def _largest(task: Task, attribute: str) -> Pair:
    sizes = _patients(task, attribute).sort_values(ascending=False, kind="stable")
    return Pair(attribute, *sorted(sizes.index[:2]))


def _targets(task: Task, pair: Pair) -> tuple[list[str], list[str]]:
    usable, notes = datasets.two_classes(task.rows[task.targets], task.rows["split"].to_numpy(str))
    tested, kept = _tested(task), []
    for name in usable:
        counts = pd.crosstab(tested[pair.attribute], tested[name]).reindex(pair[1:], columns=[0.0, 1.0], fill_value=0)
        if counts.min(axis=None):
            kept.append(name)
            continue
        group, value = counts.stack().idxmin()
        notes.append(f"{name}: left out, since no tested case of {pair.attribute} {group} has {value:g}")
    return kept, notes


def _masks(task: Task, pair: Pair) -> tuple[object, str]:
    filled = task.masks.any(axis=(1, 2, 3))
    rows = task.rows[filled]
    if not (rows["split"] == "train").any():
        return None, "masks: not segmented, since all are empty in train"
    tested = rows[rows["split"] == "test"].drop_duplicates("patient_id")[pair.attribute]
    sizes = tested.value_counts().reindex(pair[1:], fill_value=0)
    if sizes.min() < SMALLEST_CELL:
        few = f"fewer than {SMALLEST_CELL} tested patients of {pair.attribute} {sizes.idxmin()} have something in them"
        return None, f"masks: not segmented, since {few}"
    return task.masks, ""
