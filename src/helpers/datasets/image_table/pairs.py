"""Two groups of a table of images, with their pictures, as studies take them that compare one group with another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.datasets.image_table.loading import ImageTable, kept
from helpers.datasets.image_table.pixels import table_pictures
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError


class GroupPair(NamedTuple):
    """Pictures of two groups of an attribute.

    `table` has the rows of both groups alone, and `pictures`, uint8 (n, 3, size, size), is in their order. `cases` has
    one row a picture: ``image`` (name of the row), ``group`` (`a` or `b`), ``cluster`` (the patient), and
    ``may_be_tested``, True for one picture of each patient, which is chosen at random. Where only these pictures are
    tested, an interval over pictures is an interval over patients.
    """

    attribute: str
    a: str
    b: str
    table: ImageTable
    cases: pd.DataFrame
    pictures: np.ndarray


def group_pair(table: ImageTable, size: int, *, seed: int, progress: bool = False) -> GroupPair:
    """Load the pictures of the two groups of the first attribute that have the most patients.

    The groups keep the order of `COMPARE`, or that of their names. Rows of other groups, and pictures of one colour,
    are left out and counted in the table's `dropped`.

    Parameters
    ----------
    table : ImageTable
    size : int
        Pixels of a side.
    seed : int
        Seed of the choice of one picture a patient.
    progress : bool

    Raises
    ------
    InputError
        There is no attribute, or fewer than two groups have ten patients; see also `table_pictures`.
    """
    if table.groups.empty:
        fix = "Name a column of groups as GROUPS=column"
        raise InputError("GROUPS", "no column of groups is named or recognised", fix)
    group = table.groups.iloc[:, 0]
    group = pd.Series(pd.Categorical(group), name=group.name)
    patients = table.images["patient_id"].groupby(group, observed=False).nunique()
    largest = set(patients.sort_values(ascending=False, kind="stable").index[:2])
    a, b = (name for name in patients.index if name in largest)
    if patients[[a, b]].min() < SMALLEST_CELL:
        few = patients[[a, b]].idxmin()
        problem = f"{group.name} {few} has fewer than {SMALLEST_CELL} patients, and no other group has more"
        fix = f'Join groups, as COMPARE="{group.name}: {a} | {b}", with several values on a side'
        raise InputError("GROUPS", problem, fix)
    reason = f"{group.name} is neither {a} nor {b}, or is not recorded"
    table, pictures = table_pictures(
        kept(table, group.isin([a, b]).to_numpy(), reason), size, as_bytes=True, progress=progress
    )
    patient = table.images["patient_id"]
    order = np.random.default_rng(seed).permutation(len(patient))
    one = ~patient.iloc[order].duplicated().sort_index()
    cases = {"image": table.images["case"], "group": table.groups.iloc[:, 0].astype("str"), "cluster": patient}
    return GroupPair(
        str(group.name), str(a), str(b), table, pd.DataFrame(cases | {"may_be_tested": one.to_numpy()}), pictures
    )
