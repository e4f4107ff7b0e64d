"""Images in sets: for training, for thresholds, known ones for the test, and strangers by kind of shift."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import datasets
from helpers.datasets import ImageTable
from helpers.disclosure import SMALLEST_CELL
from helpers.errors import InputError, check_choice

KNOWN_MACHINES = ("Voluson E6", "Aloka")
STRANGE_MACHINES = ("Voluson S10", "other machines")
UNKNOWN_PLANE = "unknown plane"
AFRICAN = "African planes"
TASKS = ("plane", "machine", "operator")
HABITUS = "habitus"  # only known in simulated images
PLANES = ("abdomen", "brain", "cervix", "femur", "thorax")  # and `other plane`, which is no plane of its kind


class Cohort(NamedTuple):
    """Images with their set and the labels of each task.

    images : uint8 ndarray of shape (n, 1 or 3, size, size)

    rows : DataFrame, ``set`` (``train``, ``threshold``, ``known``, or a shift), ``patient``, ``group``, and a column of
    labels for each task, missing where unknown

    tasks : names of the tasks; `first` is the one whose errors are studied, and `rival` is compared with it

    shifts : name of each shift -> its kind, "anatomy", "machine", or "all" where everything differs

    dropped : DataFrame, images that were left out, counted by reason
    """

    images: np.ndarray
    rows: pd.DataFrame
    tasks: tuple[str, ...]
    shifts: dict[str, str]
    dropped: pd.DataFrame

    @property
    def first(self) -> str:
        """Return the task whose errors are studied."""
        return self.tasks[0]

    @property
    def rival(self) -> str:
        """Return the task that the first is compared with."""
        return self.tasks[1]

    def of(self, name: str) -> np.ndarray:
        """Return the indices of the images of a set."""
        return np.flatnonzero(self.rows["set"] == name)

    def pixels(self, index: np.ndarray) -> np.ndarray:
        """Return images as float32 from 0 to 1."""
        return self.images[index].astype(np.float32) / 255


def fetal_cohort(
    root: str | Path,
    *,
    stranger: str = "other plane",
    size: int = 32,
    most: int = 0,
    pictures: str = "files",
    african: str | Path = "",
    seed: int = 0,
    progress: bool = False,
) -> Cohort:
    """Read a FETAL_PLANES_DB download, real or simulated, and share its images out to sets.

    Trained are the images of the training part by the Voluson E6 and the Aloka that show a known plane. The test part
    has the known images, the strange plane by the same machines, and the known planes by the Voluson S10 and by other
    machines. Of a machine's images as many of each plane are taken as make the mix of planes that of the known images;
    a machine with fewer than ten such images is left out.

    Parameters
    ----------
    root : str or Path
    stranger : str
        Plane that no training image shows. If it is not ``other plane``, images of ``other plane`` are left out.
    size : int
        Pixels of a side.
    most : int
        Images of each set at most, of whole patients drawn at random; 0 for all.
    pictures : {"files", "drawn"}
        The files of the download; or pictures drawn for its labels, for a download of the table alone.
    african : str or Path
        Folder of the African planes, whose known planes are strangers of a third kind: population, machine and size of
        an image differ at once, and the mix of planes too. Empty for none.
    seed : int
        Seed of the patients and images that are drawn.
    progress : bool

    Raises
    ------
    InputError
        There is no such plane, a set has fewer than ten images or one patient, a task has one class left; or as in
        `helpers.datasets.load_fetal_planes`.

    Notes
    -----
    A simulated download has the task ``habitus`` too, read from the values that were drawn. Copies of a file are left
    out, except the first.
    """
    check_choice("stranger", stranger, (*PLANES, "other plane"))
    check_choice("pictures", pictures, ("files", "drawn"))
    cases, dropped = datasets.load_fetal_planes(root, images=pictures == "files", progress=progress)
    copies = cases["digest"].duplicated() & cases["digest"].notna()
    if african:
        check_choice("pictures", pictures, ("files",))
        more, also = datasets.load_african_planes(african, progress=progress)
        cases, dropped = (pd.concat(pair, ignore_index=True) for pair in ((cases, more), (dropped, also)))
        copies = cases["digest"].duplicated()
    cases = cases[~copies].reset_index(drop=True)
    where, shifts = _sets(cases, stranger, np.random.default_rng((seed, 1)))
    strange = int((where == "").sum())
    where = _fewer(where, cases["patient"].to_numpy(str), most, np.random.default_rng((seed, 4)))
    used = where != ""
    notes = {
        "a copy of another file": int(copies.sum()),
        "in no set: strange in training, two kinds of strange, or beyond the mix of planes": strange,
        "beyond the most images of a set": int((~used).sum()) - strange,
    }
    cases = cases[used].reset_index(drop=True)
    rows = pd.DataFrame({"set": where[used], "patient": cases["patient"], **{task: cases[task] for task in TASKS}})
    drawn = Path(root) / datasets.CASES
    if pictures == "drawn":
        images, rows[HABITUS] = datasets.draw_fetal_pictures(cases, seed=seed, size=size)
    else:
        how = {"fit": "pad", "scale": "bytes", "progress": progress}
        images = datasets.load_pictures(cases["file"].tolist(), size, **how)
        if drawn.is_file():
            found = pd.read_csv(drawn).set_index("Image_name")[HABITUS]
            rows[HABITUS] = found.reindex(cases["image"]).to_numpy()
    tasks = tuple(task for task in (*TASKS, HABITUS) if task in rows)
    rows["group"] = rows[HABITUS if HABITUS in rows else "operator"]
    return _cohort(images, rows, tasks, shifts, dropped, notes, seed)


def table_cohort(table: ImageTable, *, strangers: str = "", size: int = 32, seed: int = 0) -> Cohort:
    """Share a table of the user's images out to sets; strangers are the images of some sites.

    Tasks are the labels, the site of the known images if there are two, and the attributes, in this order, as far as
    they have two classes in training.

    Parameters
    ----------
    table : ImageTable
        With sites. Its parts are kept if it has any; images of validation are those for thresholds.
    strangers : str
        Sites, separated by bars, whose images are strangers and never trained on; by default the smallest site.
    size : int
        Pixels of a side.
    seed : int

    Raises
    ------
    InputError
        There is no column of sites, or no such site; a set has fewer than ten images or one patient; or there are fewer
        than two tasks.
    """
    table, images = datasets.table_pictures(table, size, as_bytes=True)
    site = table.images["site"]
    if site.isna().all() or site.nunique() < 2:
        fix = "Name the column of sites or devices as SITE=column"
        raise InputError("SITE", "strangers are the images of some sites, and fewer than two sites are known", fix)
    names = [name.strip() for name in strangers.split("|") if name.strip()]
    names = names or [str(site.value_counts().index[-1])]
    for name in names:
        check_choice("STRANGERS", name, sorted(site.dropna().unique()))
    strange, patient = site.isin(names).to_numpy(), table.images["patient_id"]
    part = datasets.shared_out(patient[~strange], table.images["split"][~strange], shares=(0.6, 0.1, 0.3), seed=seed)
    where = np.full(len(site), "", dtype=object)
    where[~strange] = pd.Series(part).replace({"validation": "threshold", "test": "known"}).to_numpy()
    trained = set(patient[where == "train"])
    where[strange & ~patient.isin(trained).to_numpy()] = " | ".join(names)
    labels = {name: table.labels[name].map({1.0: "yes", 0.0: "no"}) for name in table.labels}
    known = {**labels, "site": site.where(~strange), **{name: table.groups[name] for name in table.groups}}
    training = where == "train"
    tasks = tuple(name for name, values in known.items() if values[training].nunique() >= 2)
    rows = pd.DataFrame({"set": where, "patient": patient} | {name: known[name].astype("str") for name in tasks})
    group = table.groups.iloc[:, 0] if table.groups.shape[1] else site
    rows["group"] = group.astype("str").to_numpy()
    used = where != ""
    notes = {"in no part, or a stranger whose patient is trained on": int((~used).sum())}
    return _cohort(images[used], rows[used], tasks, {" | ".join(names): "machine"}, table.dropped, notes, seed)


def _sets(cases: pd.DataFrame, stranger: str, rng: np.random.Generator) -> tuple[np.ndarray, dict[str, str]]:
    """Return the set of each case, empty for none, and the kind of each shift that has images."""
    known_plane = cases["plane"].isin(PLANES) & (cases["plane"] != stranger)
    known_machine = cases["machine"].isin(KNOWN_MACHINES)
    test = cases["part"] == "test"
    where = np.full(len(cases), "", dtype=object)
    where[known_plane & known_machine] = "train"
    where[known_plane & known_machine & test] = "known"
    where[(cases["plane"] == stranger) & known_machine & test] = UNKNOWN_PLANE
    shifts = {UNKNOWN_PLANE: "anatomy"}
    for machine in STRANGE_MACHINES:
        of_it = (known_plane & test & (cases["machine"] == machine)).to_numpy()
        chosen = _same_mix(cases["plane"].to_numpy(str), of_it, where == "known", rng) if of_it.any() else []
        if len(chosen) >= SMALLEST_CELL and cases["patient"].iloc[chosen].nunique() > 1:
            where[chosen] = machine
            shifts[machine] = "machine"
    if cases["country"].notna().any():
        where[known_plane & cases["country"].notna()] = AFRICAN
        shifts[AFRICAN] = "all"
    return where, shifts


def _fewer(where: np.ndarray, patient: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Leave whole patients of a set out until it has at most so many images; a set with one patient keeps it."""
    where = where.copy()
    for name in np.unique(where[where != ""]) if most else ():
        people, code = np.unique(patient[where == name], return_inverse=True)
        order = rng.permutation(len(people))
        total = np.cumsum(np.bincount(code)[order])
        kept = order[: max(1, int((total <= most).sum()))]
        where[np.flatnonzero(where == name)[~np.isin(code, kept)]] = ""
    return where


def _same_mix(plane: np.ndarray, of_it: np.ndarray, known: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw images of a machine so that each plane has the share that it has among the known images."""
    names = np.unique(plane[known])
    share = {name: (known & (plane == name)).sum() for name in names}
    most = min((of_it & (plane == name)).sum() / n for name, n in share.items())
    chosen = [
        rng.permutation(np.flatnonzero(of_it & (plane == name)))[: int(most * n + 1e-9)] for name, n in share.items()
    ]
    return np.sort(np.concatenate(chosen))


def _cohort(
    images: np.ndarray,
    rows: pd.DataFrame,
    tasks: tuple[str, ...],
    shifts: dict[str, str],
    dropped: pd.DataFrame,
    notes: dict[str, int],
    seed: int,
) -> Cohort:
    """Set patients aside for thresholds, if none are, and check that every set and task can be used."""
    rows = rows.reset_index(drop=True)
    if not (rows["set"] == "threshold").any():
        people = np.unique(rows["patient"][rows["set"] == "known"])
        aside = np.random.default_rng((seed, 2)).permutation(people)[: len(people) // 3]
        rows.loc[(rows["set"] == "known") & rows["patient"].isin(aside), "set"] = "threshold"
    for name in ("train", "threshold", "known", *shifts):
        of_it = rows["set"] == name
        patients = rows["patient"][of_it].nunique()
        if of_it.sum() < SMALLEST_CELL or patients < 2:
            problem = f"{of_it.sum()} images of {patients} patients, ten of two are needed"
            raise InputError(f"set {name}", problem, "Give more images, or another stranger")
    shared = set(rows["patient"][rows["set"] == "train"]) & set(rows["patient"][rows["set"] != "train"])
    if shared:
        problem = f"{len(shared)} patients are in training and in the test"
        raise InputError("patient", problem, "Correct the parts")
    training = rows[rows["set"] == "train"]
    for task in tasks:
        if training[task].nunique() < 2:
            raise InputError(f"task {task}", "has one class left in training", "Give more images, or leave it out")
    if len(tasks) < 2:
        raise InputError("tasks", f"{len(tasks)} can be trained, two are compared", "Name more columns as TARGETS")
    more = pd.DataFrame([{"table": "images", "reason": r, "n": n} for r, n in notes.items() if n])
    return Cohort(np.asarray(images), rows, tasks, shifts, pd.concat([dropped, more], ignore_index=True))
