"""Reading of the study's images, groups and conditions: from a Fitzpatrick17k folder, or from a table of images."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import datasets
from helpers.datasets import ImageTable
from helpers.errors import InputError

LEVELS = ("three", "nine", "label")  # of conditions in Fitzpatrick17k, coarse to fine
# Columns of the study's frames, so that no group can have these names.
RESERVED = ("training", "condition", "estimate", "low", "high", "n", "runs")


class Cohort(NamedTuple):
    """Images of two groups, and the labels of all cases.

    `chosen` has one row an image of either group, in the order of `images` (uint8, n × 3 × size × size): ``image,
    group, label`` (the finest condition, missing where unknown), and ``cluster`` and ``may_be_tested`` as in `split`;
    both are None if only a table of labels was found. `cases` has all cases of the data. `labels` has the columns of
    `levels`, in which the groups' conditions are compared, and one row a patient where patients are known. The groups
    are `a` and `b`. `both` is True if two annotators labelled the skin type.
    """

    a: str
    b: str
    chosen: pd.DataFrame | None
    images: np.ndarray | None
    cases: pd.DataFrame
    labels: pd.DataFrame
    levels: list[str]
    both: bool
    dropped: pd.DataFrame


def read(
    source: str | Path | ImageTable,
    *,
    size: int,
    seed: int,
    skin_type: str = "scale",
    labels: str = "",
    keep: str = "",
    duplicates: str = "",
) -> Cohort:
    """Read the images of two groups with their conditions.

    Parameters
    ----------
    source : str, Path or ImageTable
        Fitzpatrick17k folder, of which light and dark skin are compared; or a table of images, see
        `helpers.datasets.group_pair`. Conditions of a table are the classes of its first column of labels.
    size : int
        Pixels of a side.
    seed : int
        Seed of the choice of one tested image a patient.
    skin_type, labels, keep, duplicates
        Of Fitzpatrick17k, and not used of a table: the annotators of the skin type, another table of labels, a list of
        images to keep, and a list of near-duplicates; empty for none.

    Raises
    ------
    InputError
        As in `helpers.datasets.group_pair` and `load_fitzpatrick17k`; or a group has a name of the study's frames.
    """
    if isinstance(source, ImageTable):
        return _of_table(source, size, seed)
    return _of_folder(Path(source), size, seed, skin_type, labels, keep, duplicates)


def _of_folder(root: Path, size: int, seed: int, skin_type: str, labels: str, keep: str, duplicates: str) -> Cohort:
    options = {"skin_type": skin_type, "keep": keep or None}
    pictures = datasets.has_pictures(root)
    cases, dropped = datasets.load_fitzpatrick17k(root, images=pictures, **options)
    table = datasets.load_fitzpatrick17k(labels, images=False, **options)[0] if labels else cases
    chosen, images = None, None
    if pictures:
        skin = datasets.skin_cases_table(cases, dropped, duplicates=duplicates, conditions=True)
        pair = datasets.group_pair(skin, size, seed=seed)
        chosen, images, dropped = labelled(pair), pair.pictures, pair.table.dropped
        chosen = chosen.join(cases.set_index("md5hash")[["scale", "centaur"]], on="image")
    sources = table.loc[table["group"].notna(), "source"].nunique()
    levels = [*LEVELS, *(["source"] if sources > 1 else [])]
    both = bool(table["centaur"].notna().any())
    return Cohort("light", "dark", chosen, images, cases, table, levels, both, dropped)


def labelled(pair: datasets.GroupPair) -> pd.DataFrame:
    """Return the cases of two groups with their condition, which is missing if the table has no labels."""
    condition = joined_classes(pair.table.labels)
    label = pd.Series(pd.NA, index=pair.cases.index, dtype=object) if condition is None else condition
    return pair.cases.assign(label=label)


def _of_table(table: ImageTable, size: int, seed: int) -> Cohort:
    pair = datasets.group_pair(table, size, seed=seed)
    if odd := [name for name in (pair.a, pair.b) if name in RESERVED]:
        raise InputError(f"GROUPS, group {odd[0]}", "this name has another meaning here", "Rename the group")
    chosen, condition = labelled(pair), joined_classes(pair.table.labels)
    found = {} if condition is None else {str(condition.name): condition}
    if pair.table.images["site"].nunique() > 1:
        found["site"] = pair.table.images["site"]
    dropped = [pair.table.dropped]
    if condition is None:
        found_none = "there is no column of classes: conditions are left out; name one as TARGETS=column"
        dropped.append(_row("labels", found_none, len(chosen)))
    levels = pd.DataFrame(found, index=chosen.index)
    once = chosen["may_be_tested"]
    for name in list(levels):
        if lacking := _lacking(levels.loc[once, name], chosen.loc[once, "group"]):
            dropped.append(_row("labels", f"{name}: not compared, since {lacking}", int(once.sum())))
            levels = levels.drop(columns=name)
    labels = chosen.loc[once, ["image", "group"]].join(levels).reset_index(drop=True)
    dropped = pd.concat(dropped, ignore_index=True)
    return Cohort(pair.a, pair.b, chosen, pair.pictures, chosen, labels, list(levels), False, dropped)


def _row(table: str, reason: str, n: int) -> pd.DataFrame:
    return pd.DataFrame([{"table": table, "reason": reason, "n": n}])


def _lacking(values: pd.Series, group: pd.Series) -> str:
    """Describe why two groups cannot be compared by a column; empty if they can."""
    if values.nunique() < 2:
        return f"all known rows are {values.dropna().iloc[0]}" if values.notna().any() else "no row is known"
    absent = [name for name in group.unique() if not values[group == name].notna().any()]
    return f"no row of {absent[0]} is known" if absent else ""


def joined_classes(labels: pd.DataFrame) -> pd.Series | None:
    """Join the labels of the first column of classes to one condition for each row.

    Parameters
    ----------
    labels : DataFrame
        Labels of an `ImageTable`: 1, 0 or NaN, named such as ``diagnosis=BCC`` or ``biopsied``. Labels of one column
        are one condition; a column of several classes is preferred to one of yes and no.

    Returns
    -------
    Series of object or None
        Named after the column. Rows with no class of several are "other"; those without a label of one class are "not
        <class>"; missing where no label is known. None if there is no label.
    """
    columns: dict[str, list[str]] = {}
    for name in labels:
        column, equals, _ = str(name).partition("=")
        columns.setdefault(column if equals and column[-1:] not in "<>" else str(name), []).append(str(name))
    if not columns:
        return None
    column = next((name for name, classes in columns.items() if len(classes) > 1), next(iter(columns)))
    classes = columns[column]
    words = {name: name.removeprefix(f"{column}=") for name in classes}
    other = "other" if len(classes) > 1 else f"not {words[classes[0]]}"
    found = pd.Series(other, index=labels.index, dtype=object, name=column)
    for name in classes:
        found[labels[name] == 1] = words[name]
    return found.where(labels[classes].notna().all(axis=1), pd.NA)
