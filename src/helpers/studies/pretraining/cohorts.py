"""The images of the study: those to pretrain on, without labels, and a pool of labels and a test set to probe."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import datasets
from helpers.datasets import ImageTable
from helpers.errors import InputError
from helpers.studies.pretraining.curves import Tested

FACTORS = ("plane", "machine", "operator", "habitus")
# The easier world, in which patients lie more alike: operators do not turn the probe, and habitus matters half as much.
EASIER = {"operator": 0.0, "habitus": 0.5}
MACHINES = ("Voluson E6", "Aloka")  # known in training


class Cohort(NamedTuple):
    """Images to pretrain on, and images with labels.

    unlabelled : uint8 ndarray of shape (m, 1, size, size)

    images : uint8 ndarray of shape (n, 1, size, size)

    rows : DataFrame of n rows, ``part`` ("pool" or "test"), ``patient`` and the factors

    factors : tuple of str, what can be predicted, the task first

    dropped : DataFrame, ``table, reason, n``
    """

    unlabelled: np.ndarray
    images: np.ndarray
    rows: pd.DataFrame
    factors: tuple[str, ...]
    dropped: pd.DataFrame

    def part(self, name: str) -> np.ndarray:
        """Mark the rows of a part."""
        return (self.rows["part"] == name).to_numpy()

    def tested(self, factor: str) -> Tested:
        """Return the tested images with a factor to predict, "" where it is missing."""
        rows = self.rows[self.part("test")]
        return Tested(self.classes(factor)[self.part("test")], rows["patient"].to_numpy(str), rows[list(self.factors)])

    def classes(self, factor: str) -> np.ndarray:
        """Return the classes of a factor in all rows as text, "" where it is missing."""
        return self.rows[factor].astype(object).where(self.rows[factor].notna(), "").to_numpy(str)


def unlabelled(n: int, *, size: int, seed: int) -> np.ndarray:
    """Simulate images of the domain to pretrain on: uint8 of shape (n, 1, size, size), of other patients each seed."""
    root = datasets.simulate_fetal_planes(n, n_test=1, seed=1000 + seed, size=size, **EASIER)
    cases, _ = datasets.load_fetal_planes(root, progress=False)
    return _pictures(cases[cases["part"] == "train"], size)


def simulated(n_pool: int, n_test: int, *, size: int, seed: int, n_unlabelled: int = 128) -> Cohort:
    """Simulate a cohort in the layout of FETAL_PLANES_DB, in an easier world than that of the data set's defaults.

    Parameters
    ----------
    n_pool, n_test : int
        Images from which labels are drawn, and tested images.
    size : int
        Pixels of a side.
    seed : int
    n_unlabelled : int
        Images to pretrain on, of other patients.
    """
    root = datasets.simulate_fetal_planes(n_pool, n_test=n_test, seed=seed, size=size, **EASIER)
    cases, dropped = datasets.load_fetal_planes(root, progress=False)
    drawn = pd.read_csv(root / datasets.CASES).set_index("Image_name")["habitus"]
    cases["habitus"] = cases["image"].map(drawn)
    cases = cases[cases["machine"].isin(MACHINES) & (cases["plane"] != "other plane")].reset_index(drop=True)
    rows = _rows(cases, FACTORS, cases["part"].map({"train": "pool", "test": "test"}))
    return _checked(
        Cohort(unlabelled(n_unlabelled, size=size, seed=seed), _pictures(cases, size), rows, FACTORS, dropped)
    )


def load(root: str | Path, *, size: int, progress: bool = False) -> Cohort:
    """Load a FETAL_PLANES_DB download: its training part is the pool, and without labels the images to pretrain on.

    Images of the training part with the bytes of a tested one are left out and counted. A tested value of a factor that
    the pool does not have, such as a new machine, is missing there, and counted.

    Raises
    ------
    InputError
        See `helpers.datasets.load_fetal_planes`; also a part has one patient.
    """
    cases, dropped = datasets.load_fetal_planes(root, progress=progress)
    tested = cases["part"] == "test"
    leaks = ~tested & cases["digest"].isin(set(cases.loc[tested, "digest"]))
    found = pd.DataFrame([{"table": "images", "reason": "bytes of a tested image: left out", "n": int(leaks.sum())}])
    cases = cases[~leaks].reset_index(drop=True)
    factors = FACTORS[:3]
    rows = _rows(cases, factors, cases["part"].map({"train": "pool", "test": "test"}))
    images = _pictures(cases, size)
    pool = (rows["part"] == "pool").to_numpy()
    for factor in factors:
        new = ~rows[factor].isin(rows[factor][pool]) & rows[factor].notna()
        reason = f"tested {factor} that the pool does not have: not read"
        found.loc[len(found)] = ["images", reason, int(new.sum())]
        rows.loc[new, factor] = None
    return _checked(Cohort(images[pool], images, rows, factors, pd.concat([dropped, found], ignore_index=True)))


def from_table(table: ImageTable, *, size: int, seed: int, progress: bool = False) -> Cohort:
    """Take a user's table of images: its first label is the task, and its groups are the other factors.

    Images of training and validation are the pool, and without labels the images to pretrain on; so are those with an
    empty label, unless their patient is tested.

    Raises
    ------
    InputError
        The table has no label with both classes, its groups are absent, or a part has one patient.
    """
    if not len(table.labels.columns):
        raise InputError("TARGETS", "no column of the table holds a label of 0 and 1", "Name one, as TARGETS=finding")
    table, images = datasets.table_pictures(table, size, as_bytes=True, progress=progress)
    images = images.mean(1, keepdims=True).round().astype(np.uint8)
    given, patient = table.images["split"], table.images["patient_id"]
    part = datasets.shared_out(patient, given, shares=(0.6, 0.1, 0.3), seed=seed)
    task = table.labels.columns[0]
    empty = table.labels[task].isna().to_numpy()
    further = empty & (part != "") & (part != "test")
    known = ~empty & (part != "")
    named = np.where(part == "test", "test", "pool")[known]
    label = np.where(table.labels[task][known] > 0, task, f"no {task}")
    factors = (task, *table.groups.columns)
    frame = table.groups[known].astype(object).assign(**{task: label, "patient": patient[known]})
    rows = _rows(frame.reset_index(drop=True), factors, pd.Series(named))
    counted = {
        f"no value of {task}: pretrained on, and not probed": further,
        f"no value of {task}: left out": ~known & ~further,
    }
    counted = [{"table": "images", "reason": reason, "n": int(marked.sum())} for reason, marked in counted.items()]
    dropped = pd.concat([table.dropped, pd.DataFrame(counted)], ignore_index=True)
    without = np.concatenate([images[known][named == "pool"], images[further]])
    return _checked(Cohort(without, images[known], rows, factors, dropped))


def described(cohort: Cohort) -> pd.DataFrame:
    """Tabulate images and patients of each part by the classes of the task."""
    task = cohort.factors[0]
    by = cohort.rows.groupby(["part", task], observed=True)["patient"]
    return by.agg(n="size", n_patients="nunique").rename_axis(["part", "class"])


def _rows(cases: pd.DataFrame, factors: tuple[str, ...], part: pd.Series) -> pd.DataFrame:
    return cases[["patient", *factors]].assign(part=part.to_numpy())


def _pictures(cases: pd.DataFrame, size: int) -> np.ndarray:
    files = cases["file"].tolist()
    return np.array(datasets.load_pictures(files, size, fit="pad", scale="bytes", progress=False))


def _checked(cohort: Cohort) -> Cohort:
    """Refuse a cohort that cannot be probed."""
    patients = {name: set(cohort.rows["patient"][cohort.part(name)]) for name in ("pool", "test")}
    for name, found in patients.items():
        if len(found) < 2:
            raise InputError(f"the {name} part", f"it has {len(found)} patient", "Give images of two patients or more")
    if patients["pool"] & patients["test"]:
        raise InputError("patients", "a tested patient is among those to pretrain on", "Split by patient")
    task = cohort.factors[0]
    seen = [set(cohort.rows[task][cohort.part(name)].dropna()) for name in ("pool", "test")]
    if len(seen[0]) < 2 or not seen[1] <= seen[0]:
        problem = f"the pool has {len(seen[0])} classes, and the test {len(seen[1] - seen[0])} others"
        raise InputError(task, problem, "Give both parts the same two classes or more")
    return cohort
