"""Reading of the study's images and groups: from a Fitzpatrick17k folder, or from a table of images."""

from __future__ import annotations

from pathlib import Path
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


def read(
    source: str | Path | ImageTable, *, size: int, seed: int, skin_type: str = "scale", duplicates: str = ""
) -> Cohort:
    """Read the images of two groups.

    Parameters
    ----------
    source : str, Path or ImageTable
        Fitzpatrick17k folder, of which light and dark skin are compared; or a table of images, see
        `helpers.datasets.group_pair`.
    size : int
        Pixels of a side.
    seed : int
        Seed of the choice of one tested image a patient.
    skin_type, duplicates
        Of Fitzpatrick17k alone: the annotators of the skin type, and a list of near-duplicates; empty for none.

    Raises
    ------
    InputError
        As in `helpers.datasets.group_pair` and `load_fitzpatrick17k`; or a table of images comes with a list of
        near-duplicates, or a group has the name of a result.
    """
    if isinstance(source, ImageTable):
        if duplicates:
            fix = "Leave it out; give near-duplicates one PATIENT"
            raise InputError("DUPLICATES", "lists MD5s of Fitzpatrick17k, and IMAGES names a table", fix)
        pair = datasets.group_pair(source, size, seed=seed)
        if odd := [name for name in (pair.a, pair.b) if name in RESERVED]:
            raise InputError(f"GROUPS, group {odd[0]}", "this name has another meaning here", "Rename the group")
        return Cohort(pair.a, pair.b, pair.cases, pair.pictures, pair.table.dropped)
    cases, dropped = datasets.load_fitzpatrick17k(source, images=True, skin_type=skin_type)
    cases = cases[cases["group"].notna()].reset_index(drop=True).rename(columns={"md5hash": "image"})
    if duplicates:
        cases["cluster"] = cases["image"].map(datasets.load_clusters(duplicates))
    return Cohort("light", "dark", cases, datasets.load_images(cases["file"], size), dropped)
