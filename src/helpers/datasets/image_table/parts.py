"""Parts of a table of images for training, validation and test, and the labels that have both classes in each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.datasets.shared.splits import SPLITS, split_patients
from helpers.errors import InputError


def shared_out(patient: pd.Series, given: pd.Series, *, shares: tuple[float, float, float], seed: int) -> np.ndarray:
    """Assign each image to train, validation or test, so that no patient is in two parts.

    Parameters
    ----------
    patient : Series, shape (n,)
    given : Series of str, shape (n,)
        Part of each image in the table, or missing. These parts are kept; where none is for validation, one is taken
        from the training patients. Without any part, all patients are split at random.
    shares : (float, float, float)
        Shares of patients, see `helpers.datasets.split_patients`.
    seed : int

    Returns
    -------
    ndarray of str, shape (n,)
        Empty where other images have a part and this one has none.

    Raises
    ------
    InputError
        A part has no patient.
    """
    patient, given = patient.reset_index(drop=True), given.reset_index(drop=True)
    if given.isna().all():
        return split_patients(patient, shares=shares, seed=seed)
    part = given.fillna("").to_numpy(dtype=object)
    if "validation" not in part and "train" in part:
        inner = np.flatnonzero(part == "train")
        share = shares[1] / (shares[0] + shares[1])
        again = split_patients(patient[inner], shares=(1 - share, share / 2, share / 2), seed=seed)
        part[inner[again != "train"]] = "validation"
    if absent := [name for name in SPLITS if name not in part]:
        raise InputError("SPLIT", f"no image is in the part {absent[0]}", "Leave SPLIT out, or name more parts")
    return part.astype(str)


def two_classes(labels: pd.DataFrame, part: np.ndarray) -> tuple[list[str], list[str]]:
    """Select the labels that have both classes in every part.

    Parameters
    ----------
    labels : DataFrame, shape (n, labels)
        1, 0 or NaN.
    part : ndarray of str, shape (n,)
        Part of each row; empty where it has none.

    Returns
    -------
    usable : list of str
    notes : list of str
        A sentence for each label that is left out.
    """
    usable, notes = [], []
    for name in labels:
        lacking = ""
        for one in dict.fromkeys(part[part != ""]):
            classes = labels[name][part == one].dropna()
            if not lacking and classes.nunique() < 2:
                seen = f"only {classes.iloc[0]:g}" if len(classes) else "no value"
                lacking = f"{name}: left out, since it has {seen} in {one}"
        if lacking:
            notes.append(lacking)
        else:
            usable.append(str(name))
    return usable, notes
