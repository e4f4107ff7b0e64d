"""Reading of the study's images and groups from a table of images."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import datasets
from helpers.datasets import ImageTable
from helpers.errors import InputError

# Names of the study's results, so that no group can have them.
RESERVED = ("pooled", "within", "badly", "badly within", "rises")


class Cohort(NamedTuple):
    """Images of two groups.

    `cases` has one row an image, in the order of `images` (uint8, n × 3 × size × size): ``image, group``, and
    ``cluster`` and ``may_be_tested`` as in `mixed`. Group `b` becomes rarer in training, and `a` takes its place.
    """

    a: str
    b: str
    cases: pd.DataFrame
    images: np.ndarray
    dropped: pd.DataFrame


def read(table: ImageTable, *, size: int, seed: int) -> Cohort:
    """Read the images of two groups of a table, see `helpers.datasets.group_pair`.

    Parameters
    ----------
    table : ImageTable
    size : int
        Pixels of a side.
    seed : int
        Seed of the choice of one tested image a patient.

    Raises
    ------
    InputError
        As in `helpers.datasets.group_pair`; or a group has the name of a result.
    """
    pair = datasets.group_pair(table, size, seed=seed)
    if odd := [name for name in (pair.a, pair.b) if name in RESERVED]:
        raise InputError(f"GROUPS, group {odd[0]}", "this name has another meaning here", "Rename the group")
    return Cohort(pair.a, pair.b, pair.cases, pair.pictures, pair.table.dropped)
