"""Loader of a table of images, in any layout: each row's files, patient, site and part, and the groups and labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.datasets.image_table import grouping
from helpers.datasets.image_table.columns import GROUPS, TARGETS, assigned, named, recognised
from helpers.datasets.image_table.places import found_files
from helpers.datasets.own.asking import names_of
from helpers.datasets.shared.cells import numeric
from helpers.datasets.shared.files import Notes, at, dropped_frame
from helpers.datasets.shared.missing import not_recorded
from helpers.datasets.shared.splits import part_of
from helpers.datasets.shared.tables import alike, read_table
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError

FILES = ("file", "mask", "second_mask")  # columns of paths
MOST_SLICES = 999_999  # a larger number is no index of a slice


class ImageTable(NamedTuple):
    """Images with their groups and labels, in three frames with one row an image.

    `images` has the columns ``case`` (such as "row 2"), ``file``, ``mask`` and ``second_mask`` (paths; a mask is
    missing where none is named), ``slice`` (whole number, or missing), ``patient_id``, ``site`` and ``split`` (missing
    where unknown). `groups` has a categorical column for each attribute, and `labels` a column of 1, 0 and NaN for each
    label; both may have no column. `has_patients` is False where each row counts as a patient. `notes` lists in words
    all that was assumed, and `dropped` (table, reason, n) counts the rows that were left out.
    """

    images: pd.DataFrame
    groups: pd.DataFrame
    labels: pd.DataFrame
    has_patients: bool
    dropped: pd.DataFrame
    notes: list[str]

    @property
    def files(self) -> list[Path]:
        """Return the picture and mask files, each once, by which a run's data are identified."""
        named = pd.concat([self.images[kind] for kind in FILES]).dropna().unique()
        return [Path(file) for file in named]

    @property
    def assumed(self) -> pd.DataFrame:
        """Return the notes as a frame with one column, to show on a page."""
        return pd.DataFrame({"assumed about the table": self.notes})


def load_image_table(
    file: str | Path, columns: Mapping[str, object] | None = None, *, root: str = "", mend: Callable | None = None
) -> ImageTable:
    """Load a table with one row an image.

    Parameters
    ----------
    file : str or Path
        CSV, .xlsx, .parquet or .feather.
    columns : mapping, optional
        Names of columns by the parameters of `helpers.datasets.IMAGE_COLUMNS`, such as ``{"PATIENT": "pid", "GROUPS":
        "sex, skin_type"}``; other keys are ignored. Where a parameter is empty or absent, columns with usual names are
        taken, and `notes` lists them.
    root : str
        Folder to which the table's name refers; the images' paths refer to the folder of the table.
    mend : callable, optional
        Function of the rows, the columns by parameter and the path, that returns the rows to load.

    Raises
    ------
    InputError
        The table cannot be read; a column, value or file is absent; an image occurs twice; a patient is in two parts;
        or an attribute has one group. The message names file, row and column.
    """
    if not str(file):
        raise InputError("IMAGES", "no table is named", "Give a table with one row an image, as IMAGES=my.csv")
    path = Path(root or ".", Path(file).expanduser())
    table, notes = read_table(path, "IMAGES")
    asked = {name: str(value or "") for name, value in (columns or {}).items()}
    compared = names_of(asked.get("GROUPS", ""), table.columns)
    roles = assigned(list(table.columns), asked, path.name, groups=compared)
    if (
        "SPLIT" in roles
        and not asked.get("SPLIT")
        and table[roles["SPLIT"]].map(part_of, na_action="ignore").isna().all()
    ):
        notes.append(f"SPLIT: column {roles.pop('SPLIT')!r} holds no train, validation or test, and is no split")
    notes += [f"{parameter}: column {name!r}" for parameter, name in roles.items() if not asked.get(parameter)]
    counted: Notes = [(path.name, "no path of an image", int(table[roles["FILE"]].isna().sum()))]
    table = table[table[roles["FILE"]].notna()]
    table = mend(table, roles, path) if mend and len(table) else table
    if table.empty:
        raise InputError(f"{path.name}, column {roles['FILE']}", "no row has a path", "Write the images' paths")
    images = _images(table, roles, path)
    free = [name for name in table.columns if name not in roles.values()]
    groups, some = _groups(table, free, compared, asked, images["patient_id"], path.name)
    labels, more = _labels(table, [name for name in free if name not in groups], asked, path.name)
    has_patients = "PATIENT" in roles
    if not has_patients:
        notes.append("PATIENT: no column names the patients, so each row counts as a patient")
    notes += some + more + _odd(images, groups, has_patients)
    frames = (frame.reset_index(drop=True) for frame in (images, groups, labels))
    return ImageTable(*frames, has_patients, dropped_frame(counted), notes)


def converted(
    rows: pd.DataFrame, *, groups: list[str], labels: list[str], dropped: pd.DataFrame, has_patients: bool = True
) -> ImageTable:
    """Convert the cases of a named data set, one row an image, to a table of images.

    Parameters
    ----------
    rows : DataFrame
        ``case, file, patient_id``, the groups and the labels; masks, ``slice`` and ``age`` where there are any. A
        ``split`` is not kept.
    groups, labels : list of str
        Columns of `rows`.
    dropped : DataFrame
        Columns table, reason, n.
    has_patients : bool
        False if each row counts as a patient.
    """
    columns = ["case", *FILES, "slice", "patient_id", "site", "split"]
    absent = {name: pd.NA for name in columns if name not in rows or name == "split"}
    images = rows.assign(**absent)[[*columns, *(["age"] if "age" in rows else [])]]
    return ImageTable(images, rows[groups], rows[labels].astype(float), has_patients, dropped, [])


def _images(table: pd.DataFrame, roles: Mapping[str, str], path: Path) -> pd.DataFrame:
    def column(parameter: str) -> pd.Series:
        return table[roles[parameter]] if parameter in roles else pd.Series(pd.NA, table.index, dtype="str")

    def known(parameter: str) -> pd.Series:
        return column(parameter).mask(not_recorded(column(parameter)))

    case = pd.Series([f"row {row}" for row in table.index], table.index, dtype="str")
    slices = numeric(column("SLICE"))
    odd = column("SLICE").notna() & ~(slices.between(0, MOST_SLICES) & (slices % 1 == 0))
    _refuse(odd, column("SLICE"), path, f"a whole number from 0 to {MOST_SLICES:,}")
    nobody = column("PATIENT").isna() | not_recorded(column("PATIENT"))
    _refuse(nobody & ("PATIENT" in roles), column("PATIENT"), path, "a patient")
    images = pd.DataFrame(
        {
            "case": case,
            "file": found_files(column("FILE"), path, "image"),
            "mask": found_files(known("MASK"), path, "mask"),
            "second_mask": found_files(known("SECOND_MASK"), path, "mask"),
            "slice": slices.astype("Int64"),
            "patient_id": column("PATIENT").fillna(case),
            "site": known("SITE"),
            "split": _parts(known("SPLIT"), path),
        }
    )
    _check_once(images, path, roles["FILE"])
    for kind in FILES[1:]:
        _refuse(images["file"] == images[kind], column(kind.upper()), path, "another file than that of the image")
    _check_parts(images, path, roles)
    return images


def _refuse(odd: pd.Series, values: pd.Series, path: Path, expected: str) -> None:
    if odd.any():
        row = odd.index[odd.to_numpy()][0]
        shown = "is empty" if pd.isna(values[row]) else f"holds {values[row][:60]!r}"
        more = f" ({int(odd.sum())} such rows)" if odd.sum() > 1 else ""
        raise InputError(at(path, row, str(values.name)), f"{shown}, expected {expected}{more}", "Correct the cell")


def _parts(values: pd.Series, path: Path) -> pd.Series:
    known = values.map(part_of, na_action="ignore")
    _refuse(values.notna() & known.isna(), values, path, "train, validation or test")
    return known.astype("str")


def _check_once(images: pd.DataFrame, path: Path, name: str) -> None:
    repeated = images.duplicated(["file", "slice"])
    if repeated.any():
        row = images.index[repeated.to_numpy()][0]
        one = images.loc[row]
        same = (images["file"] == one["file"]) & (images["slice"].eq(one["slice"]) | images["slice"].isna())
        problem = f"this image is also in row {images.index[same.to_numpy()][0]}"
        raise InputError(at(path, row, name), problem, "Keep one row an image")


def _check_parts(images: pd.DataFrame, path: Path, roles: Mapping[str, str]) -> None:
    known = images[images["split"].notna()]
    parts = known.groupby("patient_id")["split"].nunique()
    if len(several := parts[parts > 1]):
        rows = known[known["patient_id"] == several.index[0]].drop_duplicates("split")
        first, second = rows.index[:2]
        problem = f"this patient is in {rows['split'][second]} here and in {rows['split'][first]} in row {first}"
        more = f" ({len(several)} such patients)" if len(several) > 1 else ""
        fix = "Give all images of a patient one part, or leave SPLIT out"
        raise InputError(at(path, second, roles["SPLIT"]), problem + more, fix)


def _groups(
    table: pd.DataFrame,
    free: list[str],
    names: list[str],
    asked: Mapping[str, str],
    patient: pd.Series,
    file: str,
) -> tuple[pd.DataFrame, list[str]]:
    """Read the attributes that `GROUPS` (as `names`) and `COMPARE` name; without any, those with a recognised name."""
    compared = grouping.compared(asked.get("COMPARE", ""), free, file)
    wanted = [named(free, name, parameter="GROUPS", file=file) for name in names]
    wanted = list(dict.fromkeys([*wanted, *compared]))
    chosen = wanted if names else list(dict.fromkeys([*compared, *recognised(free, GROUPS)]))
    found, notes = {}, []
    for name in chosen:
        try:
            groups, said = grouping.grouped(table[name], compared.get(name), patient, file)
            if groups.nunique() < 2:
                problem = "is empty" if groups.isna().all() else f"has the one value {groups.dropna().iloc[0]!r}"
                raise InputError(f"GROUPS, {file}, column {name}", problem, "Leave it out of GROUPS")
        except InputError as error:
            if name in wanted:
                raise
            notes.append(f"{name}: not compared, since it {error.problem}")
            continue
        spelt = [] if name in compared else alike(table[name], name)  # COMPARE names the spellings of a group
        found[name], notes = groups, notes + said + spelt
    if found and not names:
        notes.append(f"GROUPS: {', '.join(found)}")
    return pd.DataFrame(found, index=table.index), notes


def _labels(
    table: pd.DataFrame, free: list[str], asked: Mapping[str, str], file: str
) -> tuple[pd.DataFrame, list[str]]:
    """Read the labels that `TARGETS` names; without it, those with a recognised name, and columns of 0 and 1."""
    if asked.get("TARGETS"):
        found, notes = grouping.labelled(asked["TARGETS"], table, list(table.columns), file)
        return pd.DataFrame(found, index=table.index), notes
    described = recognised(free, GROUPS)
    binary = [name for name in free if name not in described and grouping.is_binary(table[name])]
    labels, notes = {}, []
    for name in dict.fromkeys([*recognised(free, TARGETS), *binary]):
        try:
            found, said = grouping.labelled(f'"{name}"', table, free, file)
        except InputError as error:
            notes.append(f"{name}: not predicted, since it {error.problem}")
            continue
        labels |= found
        notes += said
    if labels:
        notes.append(f"TARGETS: {', '.join(labels)}")
    return pd.DataFrame(labels, index=table.index), notes


def _odd(images: pd.DataFrame, groups: pd.DataFrame, has_patients: bool) -> list[str]:
    """Describe in words the small groups, and the attributes that vary within a patient."""
    notes = []
    for name in groups:
        patients = images["patient_id"].groupby(groups[name], observed=False).nunique()
        small = patients[patients < SMALLEST_CELL]
        if len(small):
            named_small = ", ".join(map(str, small.index))
            notes.append(f"{name}: fewer than {SMALLEST_CELL} patients in {named_small}; such groups are not shown")
        varying = int((groups[name].groupby(images["patient_id"]).nunique() > 1).sum())
        if has_patients and varying:
            counted = "each image counts in the group of its row, unless the page says otherwise"
            notes.append(f"{name}: it varies within {varying} patients; {counted}")
    return notes


def kept(table: ImageTable, chosen: np.ndarray, reason: str) -> ImageTable:
    """Keep the chosen rows of a table, and count the others with their reason.

    Parameters
    ----------
    table : ImageTable
    chosen : ndarray of bool, shape (n,)
    reason : str
    """
    frames = (frame[chosen].reset_index(drop=True) for frame in (table.images, table.groups, table.labels))
    left = pd.DataFrame([{"table": "images", "reason": reason, "n": int((~chosen).sum())}])
    dropped = pd.concat([table.dropped, left[left["n"] > 0]], ignore_index=True)
    return ImageTable(*frames, table.has_patients, dropped, table.notes)
