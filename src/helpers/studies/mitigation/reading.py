"""Reading of a task's cases from a table of images: pictures, label, groups, and the part that each belongs to."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import datasets, learn
from helpers.datasets import ImageTable
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError, check_choice
from helpers.metrics.rates import SMALLEST

# Default targets of the named data sets; any finding or class can be used.
TARGETS = {"chest": "Lung Opacity", "skin": "inflammatory", "xray": "Lung Opacity", "mri": "grade"}
ATTRIBUTES = {"chest": "sex", "skin": "group", "xray": "sex", "mri": "sex"}
RECONSTRUCTION = {"xray": "chexpert", "mri": "ucsf-pdgm"}
NAMED = {"chest": datasets.chest_table, "skin": datasets.skin_table}
SHARES = (0.50, 0.15, 0.35)  # of patients: training and external set together, validation, test
EXTERNAL = 0.2  # share of the external set in the first of them
LEVEL = "middle"  # level of degradation in a reconstruction
JUDGED = ("train", "validation", "test")  # parts in which a target needs both classes
RESERVED = ("case", "patient_id", "label", "part")


class Read(NamedTuple):
    """Cases of a task in one order: `images` and `clean` (the originals of degraded images, or None), `rows` with
    ``case, patient_id, label`` and the attributes, and the part of each. `dropped` counts those that were left out.
    """

    images: np.ndarray
    clean: np.ndarray | None
    rows: pd.DataFrame
    part: np.ndarray
    target: str
    attributes: tuple[str, ...]
    dropped: pd.DataFrame


class _Source(NamedTuple):
    images: np.ndarray
    clean: np.ndarray | None
    rows: pd.DataFrame  # case, patient_id, split and the attributes
    labels: pd.DataFrame
    dropped: pd.DataFrame


def read(
    task: str,
    source: str | Path | ImageTable,
    *,
    size: int,
    seed: int,
    target: str,
    attributes: tuple[str, ...],
    folder: Path | None,
    progress: bool,
) -> Read:
    """Read the cases of a task whose label is known, and share them out by patient.

    Parameters
    ----------
    task : {"chest", "skin", "xray", "mri"}
    source : str, Path or ImageTable
        Folder of the task's data set, or a table of images.
    size, seed, target, attributes, folder, progress
        As in `helpers.studies.mitigation.load`.

    Raises
    ------
    InputError
        There is no such target or attribute, no target has both classes in every part, or an attribute has one group;
        also the errors of the loaders.
    """
    table = isinstance(source, ImageTable)
    if task in RECONSTRUCTION:
        found = _degraded(RECONSTRUCTION[task], source, size=size, seed=seed, folder=folder, progress=progress)
    else:
        found = _pictures(task, source, size=size, progress=progress)
    attributes = attributes or (tuple(_attributes(found.rows)[:1]) if table else (ATTRIBUTES[task],))
    _check_attributes(attributes, found.rows)
    wanted = [target] if target else list(found.labels) if table else [TARGETS[task]]
    for name in wanted:
        check_choice("target", name, list(found.labels))
    chosen, part, left = _usable(found, wanted, attributes[0] if table else "", seed)
    labelled, placed = found.labels[chosen].notna().to_numpy(), part != ""
    known = labelled & placed
    unknown = [{"table": "labels", "reason": f"{chosen} unknown", "n": int((~labelled).sum())}]
    if odd := int((labelled & ~placed).sum()):
        unknown.append({"table": "SPLIT", "reason": "no part is named", "n": odd})
    rows = found.rows.drop(columns="split").assign(label=found.labels[chosen].astype(float))
    clean = None if found.clean is None else found.clean[known]
    dropped = pd.concat([found.dropped, pd.DataFrame([*unknown, *left])], ignore_index=True)
    rows = rows[known].reset_index(drop=True)
    return Read(found.images[known], clean, rows, part[known], chosen, attributes, dropped)


def _pictures(task: str, source: str | Path | ImageTable, *, size: int, progress: bool) -> _Source:
    named = not isinstance(source, ImageTable)
    table = NAMED[task](source, progress=progress) if named else source
    colour = task == "skin" if named else None
    table, pictures = datasets.table_pictures(table, size, colour=colour, progress=progress)
    return _Source(pictures, None, _rows(table), table.labels, table.dropped)


def _rows(table: ImageTable) -> pd.DataFrame:
    if odd := [name for name in table.groups if name in RESERVED]:
        raise InputError(f"GROUPS, column {odd[0]}", "this name has another meaning here", "Rename the column")
    return table.images[["case", "patient_id", "split"]].join(table.groups.astype(object))


def _degraded(
    dataset: str, source: str | Path | ImageTable, *, size: int, seed: int, folder: Path | None, progress: bool
) -> _Source:
    if folder is None:
        fix = "Name one, such as helpers.keep.cache.folder"
        raise InputError("folder", "no folder is given for the degraded images", fix)
    task = learn.load_task(dataset, source, size=size, seed=seed, progress=progress)
    worse = learn.degraded(task, LEVEL, folder=folder, mode="corrected", pattern="uniform", seed=seed)
    rows = task.rows[["case", "patient_id", *task.attributes]]
    given = task.rows["split"] if isinstance(source, ImageTable) and source.images["split"].notna().any() else None
    split = pd.Series(pd.NA, rows.index, dtype="str") if given is None else given
    return _Source(worse, task.images, rows.assign(split=split), task.rows[task.targets], task.dropped)


def _usable(
    found: _Source, wanted: list[str], attribute: str, seed: int
) -> tuple[str, np.ndarray, list[dict[str, object]]]:
    """Choose the first target with both classes in every part, and in two groups of an attribute, if one is named.

    If no target has two groups with enough tested patients of each class, take the first without gaps between groups.
    Also return the part of each case, and the targets that were left out with their reasons.
    """
    left: list[dict[str, object]] = []
    without_gaps: list[tuple[str, np.ndarray]] = []
    for name in wanted:
        known = found.labels[name].notna().to_numpy()
        if not known.any():
            left.append({"table": "labels", "reason": f"{name}: no case has a known label", "n": len(known)})
            continue
        part = np.full(len(known), "", dtype=object)
        part[known] = _shared_out(found.rows[known], seed)
        judged = np.where(np.isin(part, JUDGED), part, "")
        usable, notes = datasets.two_classes(found.labels[[name]], judged)
        if usable and attribute:
            sides = found.labels[name], judged, found.rows[attribute], found.rows["patient_id"]
            notes += _lopsided(*sides)
            if not notes and (few := _too_few(*sides)):
                without_gaps.append((name, part.astype(str)))
                notes.append(few)
        if usable and not notes:
            return name, part.astype(str), left
        left += [{"table": "labels", "reason": note, "n": int(known.sum())} for note in notes]
    if without_gaps:
        return *without_gaps[0], left
    problem = "; ".join(str(one["reason"]) for one in left[:3])
    raise InputError("target", problem or "there is no label", "Name columns of labels by TARGETS, or give more cases")


def _lopsided(label: pd.Series, part: np.ndarray, group: pd.Series, patient: pd.Series) -> list[str]:
    """Report a part in which fewer than two groups can be compared.

    In training a group needs cases of both classes; in the test it needs ten patients.
    """
    for one in ("train", "test"):
        known = (part == one) & group.notna().to_numpy() & label.notna().to_numpy()
        patients = patient[known].groupby(group[known]).nunique()
        counts = pd.crosstab(group[known], label[known]).reindex(columns=[0.0, 1.0], fill_value=0)
        few = patients < SMALLEST_CELL if one == "test" else counts.min(axis=1) < 1
        if len(counts) - few.sum() < 2:
            if not few.any():
                return [f"{label.name}: left out, since fewer than two groups of {group.name} are in {one}"]
            name = few.idxmax()
            numbers = f"{patients[name]} patients"
            if one == "train":
                numbers = ", ".join(f"{n:g} with {value:g}" for value, n in counts.loc[name].items())
            needed = f"{SMALLEST_CELL} or more" if one == "test" else "1 of each"
            return [f"{label.name}: left out, since {group.name} {name} has {numbers} in {one}, expected {needed}"]
    return []


def _too_few(label: pd.Series, part: np.ndarray, group: pd.Series, patient: pd.Series) -> str:
    """Report why no gap between groups can be measured: a group has fewer than ten tested patients of a class."""
    known = (part == "test") & group.notna().to_numpy() & label.notna().to_numpy()
    counts = patient[known].groupby([group[known], label[known]]).nunique().unstack(fill_value=0)
    few = (counts.reindex(columns=[0.0, 1.0], fill_value=0) < SMALLEST).any(axis=1)
    if (~few).sum() >= 2:
        return ""
    return (
        f"{label.name}: no measure of groups, since {group.name} {few.idxmax()} has fewer than {SMALLEST} patients "
        "of a class in test"
    )


def _shared_out(rows: pd.DataFrame, seed: int) -> np.ndarray:
    """Assign each row to a part; all rows of a patient get the same part.

    The parts of the table are kept; the external set is taken from its training patients.
    """
    patient, given = rows["patient_id"], rows["split"].reset_index(drop=True)
    part = datasets.shared_out(patient, given, shares=SHARES, seed=seed).astype(object)
    inner = (part == "train").nonzero()[0]
    again = datasets.split_patients(
        patient.iloc[inner], shares=(1 - EXTERNAL, EXTERNAL / 2, EXTERNAL / 2), seed=seed + 1
    )
    part[inner[again != "train"]] = "external"
    return part.astype(str)


def _attributes(rows: pd.DataFrame) -> list[str]:
    return [name for name in rows if name not in (*RESERVED, "split")]


def _check_attributes(names: tuple[str, ...], rows: pd.DataFrame) -> None:
    there = ", ".join(_attributes(rows)) or "no column: name some by GROUPS"
    if not names:
        raise InputError("GROUPS", "no column of groups is named or recognised", f"Choose from {there}")
    for name in names:
        if name not in rows or rows[name].nunique() < 2:
            raise InputError(f"attribute {name}", "is absent, or has one value in all cases", f"Choose from {there}")
