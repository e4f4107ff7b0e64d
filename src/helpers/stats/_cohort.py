"""Cases grouped by patient: input checks, sums per patient and the bootstrap over patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import sparse

from helpers.errors import InputError, check_choice
from helpers.stats import drawing
from helpers.stats.inputs import check_groups
from helpers.stats.pairs import adjust_p
from helpers.stats.resample import percentile_interval

CHUNK = 8_000_000  # bootstrap weights held in memory at a time: 32 MB in float32


class Attribute(NamedTuple):
    """One attribute: `codes` (patients,) with -1 where missing, and the levels that occur, in order."""

    name: str
    codes: np.ndarray
    levels: list[object]

    def onehot(self) -> np.ndarray:
        """Return the group membership (one-hot), (patients, groups) of float."""
        return (self.codes[:, None] == np.arange(len(self.levels))).astype(float)


class Cohort(NamedTuple):
    """Cases by patient: `rows` is a sparse 0/1 matrix (patients, cases), `patient` the patient code of each case."""

    rows: sparse.csr_array
    patient: np.ndarray
    attributes: list[Attribute]

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sum over the cases of each patient, (cases, ...) to (patients, ...)."""
        return self.rows @ values


def check_cohort(patient: ArrayLike, attributes: pd.DataFrame, index: pd.Index) -> Cohort:
    """Check the patients and attributes of the cases in a frame with this index, and return them as a `Cohort`.

    Raises
    ------
    InputError
        Lengths or indices differ, a case has no patient, an attribute has fewer than two groups, or a patient has two
        of them.
    """
    n = len(index)
    codes, names = check_groups(patient, n, "patient")
    if (codes < 0).any():
        raise InputError("patient", f"missing in {int((codes < 0).sum())} of {n} cases", "Name the patient of each.")
    if not isinstance(attributes, pd.DataFrame) or not len(attributes.columns):
        raise InputError("attributes", "expected a frame with one column per attribute", 'Give frame[["sex"]].')
    for name, given in (("attributes", attributes), ("patient", patient)):
        if isinstance(given, pd.DataFrame | pd.Series) and len(given) == n and not given.index.equals(index):
            raise InputError(name, "its index is not that of the cases", "Take both from one frame.")
    rows = sparse.csr_array((np.ones(n), (codes, np.arange(n))), shape=(len(names), n))
    found = []
    for name in attributes.columns:
        groups, levels = check_groups(attributes[name], n, str(name))
        if len(levels) < 2:
            problem = f"{len(levels)} group(s) with cases ({levels}), at least 2 are needed"
            raise InputError(str(name), problem, "Compare an attribute that takes two or more values in these cases.")
        own = np.full(len(names), -1)
        np.maximum.at(own, codes, groups)
        differs = (groups >= 0) & (groups != own[codes])
        if differs.any():
            problem = (
                f"{len(set(codes[differs]))} patients have more than one value, the first in row {differs.argmax()}"
            )
            raise InputError(str(name), problem, "Give each patient one value, such as the value of the first image.")
        found.append(Attribute(str(name), own, levels))
    return Cohort(rows, codes, found)


def check_arms(arms: Mapping[str, object], baseline: str) -> list[str]:
    """Return the arms that are compared with the baseline."""
    check_choice("baseline", baseline, arms)
    others = [arm for arm in arms if arm != baseline]
    if not others:
        raise InputError("arms", f"only the baseline {baseline!r}", "Give at least one arm to compare with it.")
    return others


def check_columns(y_true: pd.DataFrame, arms: Mapping[str, pd.DataFrame]) -> None:
    """Check that every arm has the rows and the columns of the labels."""
    for arm, frame in arms.items():
        missing = [c for c in y_true.columns if c not in frame.columns]
        if missing:
            raise InputError(f"arm {arm!r}", f"columns {missing} are absent", "Give every finding of the labels.")
        if len(frame) != len(y_true):
            raise InputError(f"arm {arm!r}", f"{len(frame)} rows for {len(y_true)} labels", "Give one row per case.")
        if not frame.index.equals(y_true.index):
            raise InputError(f"arm {arm!r}", "its index is not that of the labels", "Take both from one frame.")


def resampled(tables: Sequence[np.ndarray], *, n_boot: int, seed: int) -> list[np.ndarray]:
    """Sum columns over resampled patients, (patients, k) to (n_boot, k) for each table (all of one dtype).

    Each replicate draws patients with replacement, once for all tables. The sums are then a matrix product: the number
    of draws of each patient times the table. Counts of cases are exact in float32, which is twice as fast.
    """
    patients, dtype = len(tables[0]), tables[0].dtype
    sums = [np.empty((n_boot, table.shape[1]), dtype) for table in tables]
    step = max(1, CHUNK // patients)
    for k, weights in enumerate(drawing.blocks(patients, n_boot=n_boot, seed=seed, step=step, dtype=dtype)):
        for table, out in zip(tables, sums, strict=True):
            out[k * step : (k + 1) * step] = weights @ table
    return sums


def change_row(baseline: float, value: float, replicates: np.ndarray, *, n: int, level: float) -> dict[str, object]:
    """Return a statistic in two arms, and its change with intervals and p from the replicates of the change.

    `p` is two-sided: twice the smaller of the shares of replicates at or below 0 and at or above 0. One is added to
    the count and to the number of replicates, so that `p` is never 0. `p_as_published` is one-sided: the share of
    replicates on the opposite side of 0 from their mean.
    """
    if not len(replicates):
        raise InputError("n_boot", "must be 1 or more", "Use 1000.")
    change = value - baseline
    row = {"baseline": baseline, "value": value, "change": change}
    if np.isnan(change) or np.isnan(replicates).all():
        nothing = dict.fromkeys(["se", "low", "high", "low90", "high90", "p", "p_as_published"], float("nan"))
        return row | nothing | {"dropped": len(replicates)}
    interval = percentile_interval(change, np.round(replicates, 12), n, level)  # a rounding error is no change
    draws = interval.replicates
    below, above = int((draws <= 0).sum()), int((draws >= 0).sum())
    return row | {
        "se": float(draws.std()),
        "low": interval.low,
        "high": interval.high,
        **dict(zip(("low90", "high90"), interval.null_ends(), strict=True)),
        "p": min(1.0, 2 * (min(below, above) + 1) / (len(draws) + 1)),
        "p_as_published": (below if draws.mean() > 0 else above) / len(draws),
        "dropped": interval.dropped,
    }


def standard_errors(baseline: np.ndarray, value: np.ndarray) -> dict[str, float]:
    """Compute the SD of a statistic over its defined replicates in each of two arms; NaN if no replicate is defined."""
    found = {}
    for name, draws in (("se_baseline", baseline), ("se_value", value)):
        known = draws[np.isfinite(draws)]
        found[name] = float(known.std()) if len(known) else float("nan")
    return found


def add_q(table: pd.DataFrame) -> pd.DataFrame:
    """Insert a column `q` after `p`: p corrected by Benjamini-Hochberg over all tests that were made."""
    made = table["p"].notna()
    q = pd.Series(np.nan, index=table.index)
    if made.any():
        q[made] = adjust_p(table.loc[made, "p"])["bh"]
    table.insert(table.columns.get_loc("p") + 1, "q", q)
    table.attrs["tests"] = int(made.sum())
    return table
