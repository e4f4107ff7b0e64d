"""Reading of a table of images with masks: two groups of patients, their images, and two masks of each image."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import datasets
from helpers.datasets import ImageTable
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError, check_choice
from helpers.studies.biased_ruler import second_masks
from helpers.studies.biased_ruler.by_patient import patient_dice, possible
from helpers.studies.biased_ruler.label_tiers import tiers
from helpers.studies.biased_ruler.slices import Slices

SECONDS = ("degraded", "network")  # second masks of a table that has none
RESERVED = ("patient_id", "site", "images", "area_pixels", "silver_dice", "tier", "easy", "basis")
RESERVED += ("experiment", "train_seed", "reference", "dice", "gold", "silver", "case", "fold")
# Parts of the study that need more than pictures, masks and groups.
LACKING = {
    "ratings": "the tier of a mask is by its Dice alone, since a table has no experts' ratings and no distance in mm",
    "shapes": "left out but for the area in pixels, since the pictures have two dimensions and no known spacing",
    "definitions of a good outcome": "left out, since they need the ages and sources of the published data",
    "worst masks": "left out, since they need whole volumes",
}


class Masked(NamedTuple):
    """Images of two groups of patients with two masks.

    Attributes
    ----------
    slices : Slices
        Images, and the masks: `expert` is gold, `automatic` is silver.
    owner : ndarray of int, shape (images,)
        Row of each image's patient in `cases`.
    cases : DataFrame
        One row a patient: ``patient_id``, the group, ``site`` if it is known, ``images`` (number), ``area_pixels``
        (mean of the expert's masks that are not empty, in pixels of the loaded square), ``silver_dice, tier, easy,
        basis``.
    group, a, b : str
        Attribute, and its two groups.
    second : str
        Origin of the silver masks, in words.
    experiments : list of str
        Those that the cases allow.
    dropped : DataFrame
        Columns table, reason, n: images, experiments and parts that are left out.
    """

    slices: Slices
    owner: np.ndarray
    cases: pd.DataFrame
    group: str
    a: str
    b: str
    second: str
    experiments: list[str]
    dropped: pd.DataFrame

    def __str__(self) -> str:
        sizes = self.cases[self.group].value_counts()
        groups = " and ".join(f"{name} ({sizes[name]} patients)" for name in (self.a, self.b))
        return (
            f"Groups: {self.group}, {groups}; differences are {self.b} less {self.a}.\n"
            f"Gold: the masks of the table. Silver: {self.second}."
        )


def read(
    table: ImageTable,
    *,
    size: int,
    folds: int,
    seed: int,
    second: str = "degraded",
    network: dict[str, object] | None = None,
    progress: bool = True,
) -> Masked:
    """Read the images of the two largest groups of a table's first attribute, with both masks.

    Parameters
    ----------
    table : ImageTable
        Its masks are gold. Its second masks are silver; without any, silver is made as `second` names.
    size : int
        Side of the square that images are scaled to, in pixels.
    folds, seed : int
        Folds of the cross-validation, and seed of the second masks.
    second : {"degraded", "network"}
        See `second_masks.RULE` and `second_masks.NETWORK`.
    network : dict, optional
        Options of `helpers.studies.biased_ruler.slices.fit` for silver masks by a network.

    Raises
    ------
    InputError
        No row has a mask or a group, a group has too few patients, all second masks are empty, or a file cannot be
        read.
    """
    check_choice("SILVER", second, SECONDS)
    given = table.images["second_mask"].notna().any()
    table = _named(table, "mask")
    table = _named(table, "second_mask") if given else table
    group = _attribute(table)
    table, a, b = _two_groups(table, group, folds)
    table, pictures, expert = _images(table, size, progress)
    _check_sizes(table, group, a, b, folds)
    owner, patients = pd.factorize(table.images["patient_id"])
    first = pd.Series(owner).drop_duplicates().index
    cases = pd.DataFrame({"patient_id": patients, group: table.groups[group].iloc[first].astype(str).to_numpy()})
    if table.images["site"].notna().any():
        cases["site"] = table.images["site"].iloc[first].to_numpy()
    if given:
        silver, words = _second(table, size, pictures.shape[1] == 3, progress), "the second masks of the table"
    elif second == "degraded":
        silver, words = second_masks.degraded(expert, owner, seed=seed), second_masks.RULE
    else:
        options = {"folds": folds, "seed": seed, **(network or {})}
        silver = second_masks.by_network(pictures, expert, owner, cases[group].to_numpy(), **options)
        words = second_masks.NETWORK
    cases = cases.join(_measured(expert, silver, owner, len(patients)))
    names, left = possible(cases, group=group, a=a, b=b, folds=folds, seed=seed)
    if "baseline" not in names:
        raise InputError(f"GROUPS, {group}", str(left[0]["reason"]), "Give more patients, or take another SEED")
    if table.images["split"].notna().any():
        left.append({"table": "SPLIT", "reason": "not used, since every patient is held out once", "n": len(cases)})
    left += [{"table": part, "reason": reason, "n": len(cases)} for part, reason in LACKING.items()]
    dropped = pd.concat([table.dropped, pd.DataFrame(left)], ignore_index=True)
    return Masked(Slices(pictures, expert, silver), owner, cases, group, a, b, words, names, dropped)


def _images(table: ImageTable, size: int, progress: bool) -> tuple[ImageTable, np.ndarray, np.ndarray]:
    """Load pictures and masks, without patients whose masks are all empty: their Dice has no meaning."""
    table, pictures = datasets.table_pictures(table, size, progress=progress)
    colour = pictures.shape[1] == 3
    expert = datasets.table_masks(table, size, colour=colour, progress=progress)[:, 0].astype(bool)
    filled = pd.Series(expert.any(axis=(1, 2))).groupby(table.images["patient_id"]).transform("any").to_numpy()
    table = datasets.kept_images(table, filled, f"no pixel is inside the patient's masks at {size} x {size} pixels")
    return table, pictures[filled], expert[filled]


def _second(table: ImageTable, size: int, colour: bool, progress: bool) -> np.ndarray:
    silver = datasets.table_masks(table, size, column="second_mask", colour=colour, progress=progress)
    if not silver.any():
        raise InputError("SECOND_MASK", "all masks are empty", "Name a column of masks with pixels above 0")
    return silver[:, 0].astype(bool)


def _named(table: ImageTable, column: str) -> ImageTable:
    """Keep the rows that name a mask."""
    named = table.images[column].notna().to_numpy()
    if not named.any():
        problem = "no row names a mask" if column == "mask" else "no row with a mask names a second one"
        raise InputError(column.upper(), problem, f"Name the column of the files as {column.upper()}=column")
    return datasets.kept_images(table, named, f"{column.replace('_', ' ')} is not named")


def _attribute(table: ImageTable) -> str:
    names = list(table.groups)
    if not names:
        raise InputError("GROUPS", "no column of groups is named or recognised", "Name one as GROUPS=column")
    if names[0] in RESERVED:
        raise InputError(f"GROUPS, column {names[0]}", "this name has another meaning here", "Rename the column")
    return str(names[0])


def _two_groups(table: ImageTable, group: str, folds: int) -> tuple[ImageTable, str, str]:
    """Keep the patients of the two largest groups, in the order of the groups."""
    values, patient = table.groups[group], table.images["patient_id"]
    table = datasets.kept_images(table, values.notna().to_numpy(), f"{group} is unknown")
    values, patient = table.groups[group].astype(str), table.images["patient_id"]
    one = (values.groupby(patient).transform("nunique") == 1).to_numpy()
    order = [str(name) for name in table.groups[group].cat.categories]
    table = datasets.kept_images(table, one, f"{group} varies within the patient")
    sizes = _patients(table, group).reindex(order).fillna(0)
    largest = sizes.sort_values(ascending=False, kind="stable").index[:2]
    a, b = (name for name in order if name in largest)
    inside = table.groups[group].astype(str).isin([a, b]).to_numpy()
    table = datasets.kept_images(table, inside, f"{group} is neither {a} nor {b}, the two largest groups")
    _check_sizes(table, group, a, b, folds)
    return table, a, b


def _patients(table: ImageTable, group: str) -> pd.Series:
    return table.images["patient_id"].groupby(table.groups[group].astype(str).to_numpy()).nunique()


def _check_sizes(table: ImageTable, group: str, a: str, b: str, folds: int) -> None:
    """Refuse a group too small to be shown, or to train on what remains when a fold is held out."""
    least = max(SMALLEST_CELL, folds)
    sizes = _patients(table, group)
    for name in (a, b):
        if sizes.get(name, 0) < least:
            problem = f"{name} has {sizes.get(name, 0)} patients with masks, expected {least}"
            raise InputError(f"GROUPS, {group}", problem, "Give more patients, or form larger groups by COMPARE")


def _measured(expert: np.ndarray, silver: np.ndarray, owner: np.ndarray, n: int) -> pd.DataFrame:
    """Measure each patient's masks, and assign the tier of the silver ones."""
    area = expert.sum(axis=(1, 2))
    with_pixels = np.bincount(owner, area > 0, n)
    found = pd.DataFrame(
        {
            "images": np.bincount(owner, minlength=n),
            "area_pixels": np.bincount(owner, area, n) / with_pixels,
            "silver_dice": patient_dice(expert, silver, owner, n),
        }
    )
    return found.join(tiers(found.rename(columns={"silver_dice": "dice"}))[["tier", "easy", "basis"]])
