"""Random split of patients into training, validation and test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers.errors import InputError

# Words for the parts of a data set, in lower case.
PARTS = {"train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation"}
PARTS |= {"dev": "validation", "tuning": "validation", "test": "test", "testing": "test", "held-out": "test"}
SPLITS = ("train", "validation", "test")


def part_of(text: str) -> str | None:
    """Return train, validation or test for a word of a part, in any case; None for another word."""
    return PARTS.get(text.casefold())


def split_patients(
    patient_id: Sequence[object] | np.ndarray | pd.Series,
    *,
    shares: tuple[float, float, float] = (0.7, 0.1, 0.2),
    seed: int = 0,
) -> np.ndarray:
    """Split patients at random, so that all rows of a patient are in the same part.

    Parameters
    ----------
    patient_id : sequence, shape (n,)
        Patient of each row. Ids are compared as text.
    shares : (float, float, float)
        Shares of patients, not of rows, for training, validation and test. They add to 1.
    seed : int
        Seed of the random split. The same patients and seed give the same split, whatever the order and number of
        their rows.

    Returns
    -------
    ndarray of str, shape (n,)
        ``train``, ``validation`` or ``test`` for each row. The numbers of patients are those nearest to `shares`.

    Raises
    ------
    InputError
        A patient id is missing, `shares` are not three shares above 0 that add to 1, `seed` is not a whole number of at
        least 0, or a part would have no patient.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError("seed", f"{seed!r} is not a whole number of at least 0", "Give a seed such as 0")
    parts = _check_shares(shares)
    rows = pd.Series(patient_id, dtype=object)
    if rows.isna().any():
        problem = f"is missing in row {int(np.flatnonzero(rows.isna())[0])}"
        raise InputError("patient_id", problem, "Leave the row out, or name its patient")
    # Sorted, so that the order of the rows does not matter.
    patients, code = np.unique(rows.astype(str).to_numpy(dtype=str), return_inverse=True)
    n = len(patients)
    ends = np.rint(np.cumsum(parts)[:2] * n).astype(int)
    sizes = np.diff([0, *ends, n])
    if (sizes < 1).any():
        problem = f"{n} patients at shares {tuple(shares)} leave {SPLITS[int(np.argmin(sizes))]} without a patient"
        raise InputError("patient_id", problem, "Give more patients, or other shares")
    part = np.empty(n, int)
    part[np.random.default_rng(seed).permutation(n)] = np.repeat(np.arange(3), sizes)
    return np.array(SPLITS)[part[code]]


def _check_shares(shares: tuple[float, float, float]) -> np.ndarray:
    try:
        values = np.asarray(shares, float)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (3,) or not (values > 0).all() or abs(values.sum() - 1) > 1e-6:
        fix = "Give shares of training, validation and test, such as (0.7, 0.1, 0.2)"
        raise InputError("shares", f"{shares!r} are not three numbers above 0 that add to 1", fix)
    return values
