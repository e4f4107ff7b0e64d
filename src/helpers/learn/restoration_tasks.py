"""The two data sets of the restoration study in one format, and simulated poorer acquisitions of their images."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from helpers import datasets, degrade
from helpers.errors import InputError, check_choice
from helpers.keep.processor import Device
from helpers.learn.restoration_experiment import ARMS, Outputs, run
from helpers.learn.restoration_measuring import Measured, measure
from helpers.learn.restoration_settings import NETWORKS, OPTIMISATION, SIDES

DATASETS = ("ucsf-pdgm", "chexpert")
# Acceleration of the MRI, and photons of the X-ray, at each level of noise.
LEVELS = {
    "ucsf-pdgm": {"low": 4, "middle": 8, "high": 16},
    "chexpert": {"low": 100_000, "middle": 10_000, "high": 3_000},
}
MODES = {"corrected": "magnitude", "as_published": "real"}  # mode -> part of the zero-filled MRI
BRAIN = {"grade4": "grade", "glioblastoma": "type"}  # column of the loader -> name of the target in the study
VALIDATION = 0.1  # share of patients
SLICES = 12  # per simulated brain
# Names that rows and tables of results have themselves.
RESERVED = ("case", "patient_id", "split", "file", "slice", "arm", "psnr", "ssim", "lpips", "dice", "mean")
GRADES = (0.25, 0.15, 0.6)  # shares of grades 2, 3 and 4 among simulated brains


class Task(NamedTuple):
    """Clean images of a data set, with the targets to predict from them.

    rows : one row per image: ``case, patient_id, split``, the attributes, targets (0, 1 or missing), perhaps ``age``
    images : float32 (n, 1, s, s), 0 to 1
    masks : uint8 (n, 1, s, s), or None if there is nothing to segment
    targets, attributes : columns of the rows; an attribute that is missing in all rows is left out
    dropped : excluded cases, counted by reason
    """

    dataset: str
    rows: pd.DataFrame
    images: np.ndarray
    masks: np.ndarray | None
    targets: list[str]
    attributes: list[str]
    dropped: pd.DataFrame


def load(
    dataset: str,
    root: str | Path | datasets.ImageTable,
    *,
    size: int,
    seed: int,
    test_share: float = 0.2,
    progress: bool = False,
) -> Task:
    """Load images, labels and groups of a data set, and split it by patient.

    Parameters
    ----------
    dataset : {"ucsf-pdgm", "chexpert"}
        Slices of brain MRI with tumours, where a case is an exam of many slices; or chest radiographs with twelve
        findings, where a case is an image. Of a table, it selects the acquisition: MRI or X-ray.
    root : str, Path or ImageTable
        Folder of the data set, see `helpers.datasets.load_ucsf_pdgm` and `helpers.datasets.load_chexpert`; or a table
        of images, whose pictures are read as grey, each a case. A patient has the groups of the first image that
        records them. The masks are segmented if the acquisition is MRI.
    size : int
        Pixels of a side.
    seed : int
        Seed of the split.
    test_share : float
        Share of patients in the test set; a tenth of all patients is for validation, the rest for training. A table
        may name the parts itself.

    Raises
    ------
    InputError
        There is no such data set, a share is out of range, or a column of a table has a reserved name; also the errors
        of the loaders.
    """
    _check_dataset(dataset)
    if not 0.05 <= test_share <= 0.8:
        raise InputError(f"test_share = {test_share}", "expected 0.05 to 0.8", "Use 0.2")
    if isinstance(root, datasets.ImageTable):
        table, images, masks = _pictures(dataset, root, size, progress)
    elif dataset == "chexpert":
        table, images, masks = _pictures(dataset, datasets.chest_table(root), size, progress)
    else:
        table, images, masks = datasets.brain_table(root, size, progress=progress)
        table = table._replace(labels=table.labels.rename(columns=BRAIN))
    shares = (1 - VALIDATION - test_share, VALIDATION, test_share)
    split = datasets.shared_out(table.images["patient_id"], table.images["split"], shares=shares, seed=seed)
    groups, changed = _of_patients(table)
    # In a release without demographics all values of race are missing (noted in `dropped`): no groups can be compared.
    attributes = [name for name in groups if groups[name].notna().any()]
    told = [name for name in ("case", "patient_id", "age") if name in table.images]
    rows = table.images[told].join([groups[attributes], table.labels])
    rows.insert(2, "split", split)
    dropped = pd.concat([table.dropped, changed], ignore_index=True)
    return Task(dataset, rows, images, masks, list(table.labels), attributes, dropped)


def _pictures(
    dataset: str, table: datasets.ImageTable, size: int, progress: bool
) -> tuple[datasets.ImageTable, np.ndarray, np.ndarray | None]:
    """Load the pictures of a table, and its masks for MRI, after a check of its names."""
    names = [*table.groups, *table.labels]
    for place, name in enumerate(names):
        if name in RESERVED or name in names[:place]:
            problem = "this name has another meaning here" if name in RESERVED else "it is both a group and a label"
            raise InputError(f"GROUPS or TARGETS, column {name}", problem, "Rename the column, or name it once")
    table, images = datasets.table_pictures(table, size, colour=False, progress=progress)
    if table.images["mask"].isna().all():
        return table, images, None
    if dataset != "ucsf-pdgm":
        note = {"table": "masks", "reason": "not segmented in X-rays", "n": int(table.images["mask"].notna().sum())}
        dropped = pd.concat([table.dropped, pd.DataFrame([note])], ignore_index=True)
        return table._replace(dropped=dropped), images, None
    return table, images, datasets.table_masks(table, size, progress=progress)


def _of_patients(table: datasets.ImageTable) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give all images of a patient the first known group; count the images whose group changes."""
    patient = table.images["patient_id"]
    first = (
        table.groups.astype(object).groupby(patient).transform("first") if len(table.groups.columns) else table.groups
    )
    notes = [
        {"table": "images", "reason": f"{name} differs within a patient: the first is used", "n": n}
        for name in table.groups
        if (n := int((table.groups[name].notna() & (table.groups[name].astype(object) != first[name])).sum()))
    ]
    return first, pd.DataFrame(notes, columns=["table", "reason", "n"])


def simulated(dataset: str, n: int, *, size: int, seed: int, **planted: float) -> Path:
    """Create a simulated data set in the real layout and return its root; groups differ only as set by `planted`.

    Parameters
    ----------
    dataset : {"ucsf-pdgm", "chexpert"}
    n : int
        Patients.
    size : int
        Pixels of a side; read the images at this size.
    seed : int
    **planted
        Planted effects, see `helpers.datasets.simulate_brain_tumours` and `helpers.datasets.simulate_chest_xrays`, such
        as ``detail=1.0``.

    Notes
    -----
    Fewer brains have grade 4 than in the real release, so that even a small test set has both classes.
    """
    _check_dataset(dataset)
    if dataset == "chexpert":
        return datasets.simulate_chest_xrays(n, seed=seed, size=size, **planted)
    return datasets.simulate_brain_tumours(n, seed=seed, shape=(size, size, SLICES), shares=GRADES, **planted)


def degraded(task: Task, level: str, *, mode: str, pattern: str, seed: int, folder: Path) -> np.ndarray:
    """Simulate a poorer acquisition of the images; the result is kept on disk.

    Parameters
    ----------
    level : {"low", "middle", "high"}
        Level of degradation: acceleration 4, 8, 16 (MRI), or 100,000, 10,000, 3,000 photons (X-ray).
    mode : {"corrected", "as_published"}
        X-ray: see `helpers.degrade.low_dose`. MRI: the magnitude of the zero-filled image, or that of its real part.
    pattern : {"uniform", "golden"}
        Arrangement of the radial spokes in k-space.

    Returns
    -------
    float32 ndarray of shape (n, 1, s, s)
        Degraded images, 0 to 1.
    """
    check_choice("level", level, LEVELS[task.dataset])
    part = part_of(mode)
    strength, size = LEVELS[task.dataset][level], task.images.shape[-1]
    key = {"dataset": task.dataset, "images": digest(task.images), "strength": strength}
    if task.dataset == "ucsf-pdgm":
        mask = degrade.radial_mask(size, degrade.spokes_for(strength, size), pattern=pattern)
        key |= {"pattern": pattern, "part": part}

        def make(rows: slice) -> np.ndarray:
            return np.clip(degrade.undersample(task.images[rows], mask, part=part), 0, 1)
    else:
        key |= {"mode": mode, "seed": seed}

        def make(rows: slice) -> np.ndarray:
            return degrade.low_dose(task.images[rows], strength, mode=mode, seed=seed, first=rows.start)

    return degrade.stored(make, len(task.images), folder=folder, key=key)


def published_training(
    task: Task, level: str, *, mode: str, pattern: str, seed: int, folder: Path
) -> dict[str, np.ndarray]:
    """Return training images by arm, for arms that are trained on another degradation than they are applied to.

    This occurs only in the MRI of the published study. There the U-Net is trained on ``|Re u|``, Pix2Pix and the SDE
    are trained on ``|u|``, and all networks are applied to ``|Re u|``. The result is empty in the mode "corrected", and
    for X-rays.
    """
    if part_of(mode) == "magnitude" or task.dataset != "ucsf-pdgm":
        return {}
    other = degraded(task, level, mode="corrected", pattern=pattern, seed=seed, folder=folder)
    return {"pix2pix": other, "sde": other}


def read(
    task: Task,
    worse: np.ndarray,
    *,
    network: str,
    sampler: str,
    steps: int | None,
    seed: int,
    effort: float = 1.0,
    trained_on: Mapping[str, np.ndarray] | None = None,
    arms: Sequence[str] = tuple(ARMS),
    keep: Path | None = None,
    level: str = "",
    device: Device = "auto",
    progress: bool = False,
) -> tuple[Outputs, Measured]:
    """Train reconstructions, classifiers and segmenter of a task, and measure their results on its held-out images.

    Parameters
    ----------
    worse : float32 ndarray of shape (n, 1, s, s)
        From `degraded`.
    network : {"small", "paper"}
        Key of `NETWORKS` and `OPTIMISATION`.
    sampler, steps
        Options of the SDE, see `restore`.
    effort : float
        Factor of the training steps or epochs in `OPTIMISATION`; at least one step or epoch is done.
    seed, trained_on, arms, keep, level, device, progress
        See `run`. Each target of MRI has a separate, balanced classifier; those of X-rays share one classifier.

    Raises
    ------
    InputError
        There is no such network, the images' side does not fit it, or a target has one class in training, all before
        anything is trained; also the errors of `run`.
    """
    check_choice("network", network, NETWORKS)
    if "pix2pix" in arms and task.images.shape[-1] % SIDES[network]:
        problem = f"{task.images.shape[-1]} pixels do not fit the {network} networks"
        raise InputError("SIZE", problem, f"Use a multiple of {SIDES[network]}")
    trained = (task.rows["split"] == "train").to_numpy()
    if lacking := datasets.two_classes(task.rows.loc[trained, task.targets], task.rows["split"][trained].to_numpy())[1]:
        raise InputError("targets", lacking[0], "Leave it out, or give more cases")
    outputs = run(
        task.rows,
        task.images,
        worse,
        networks=NETWORKS[network][task.dataset],
        optimisation={part: _shortened(of, effort) for part, of in OPTIMISATION[network][task.dataset].items()},
        sampling={"sampler": sampler, "steps": steps},
        seed=seed,
        labels=task.rows[task.targets].to_numpy(float) if task.targets else None,
        separate=task.dataset == "ucsf-pdgm",
        masks=task.masks,
        trained_on=trained_on,
        arms=arms,
        keep=keep,
        level=level,
        device=device,
        progress=progress,
    )
    masks = {} if task.masks is None else {"masks": outputs.masks, "expert": task.masks[outputs.rows]}
    rows = task.rows.iloc[outputs.rows]
    return outputs, measure(rows, outputs.images, probabilities=outputs.probabilities, targets=task.targets, **masks)


def _shortened(optimisation: Mapping[str, Any], effort: float) -> dict[str, Any]:
    if not 0 < effort < float("inf"):
        raise InputError(f"effort = {effort}", "expected a number above 0", "Use 1")
    long = {name: optimisation[name] for name in ("steps", "epochs") if name in optimisation}
    return {**optimisation, **{name: max(1, round(effort * count)) for name, count in long.items()}}


def _check_dataset(dataset: str) -> None:
    check_choice("dataset", dataset, DATASETS)


def part_of(mode: str) -> Literal["magnitude", "real"]:
    """Return the part of the zero-filled image that a mode uses."""
    check_choice("mode", mode, MODES)
    return MODES[mode]


def digest(array: np.ndarray) -> str:
    """Compute a hash of the values of an array."""
    return hashlib.sha256(np.ascontiguousarray(array)).hexdigest()[:16]
