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
from helpers.learn.restoration_settings import NETWORKS, OPTIMISATION

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
GRADES = (0.25, 0.15, 0.6)  # shares of grades 2, 3 and 4 among simulated brains


class Task(NamedTuple):
    """Clean images of a data set, with the targets to predict from them.

    rows : one row per image: ``case, patient_id, split``, the attributes, ``age`` and the targets (0, 1 or missing)
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
        of images, whose pictures are read as grey. The labels that have both classes in every part are its targets.
        Its masks are segmented if the acquisition is MRI.
    size : int
        Pixels of a side.
    seed : int
        Seed of the split.
    test_share : float
        Share of patients in the test set; a tenth of all patients is for validation, the rest for training.

    Raises
    ------
    InputError
        There is no such data set, or a share is out of range; also the errors of the loaders.
    """
    _check_dataset(dataset)
    if not 0.05 <= test_share <= 0.8:
        raise InputError(f"test_share = {test_share}", "expected 0.05 to 0.8", "Use 0.2")
    shares = (1 - VALIDATION - test_share, VALIDATION, test_share)
    if isinstance(root, datasets.ImageTable):
        return _of_table(dataset, root, size=size, shares=shares, seed=seed, progress=progress)
    if dataset == "ucsf-pdgm":
        cases, dropped = datasets.load_ucsf_pdgm(root)
        cases = cases.rename(columns=BRAIN | {"grade": "who_grade"})
        cases["split"] = datasets.split_patients(cases["patient_id"], shares=shares, seed=seed)
        slices, images, masks = datasets.load_flair_slices(cases, size, progress=progress)
        targets, attributes = list(BRAIN.values()), ["sex", "age_group"]
        rows = slices.rename(columns={"exam": "case"})
    else:
        cases, dropped = datasets.load_chexpert(root)
        cases["split"] = datasets.split_patients(cases["patient_id"], shares=shares, seed=seed)
        images, masks = datasets.load_radiographs(cases["file"], size, progress=progress), None
        targets, attributes = list(datasets.FINDINGS), ["sex", "age_group", "race"]
        rows = cases.rename(columns={"image": "case"})
        # A patient's age changes between studies; the values of the first image are used for all.
        own = ["sex", "age", "age_group"]
        rows[own] = rows.groupby("patient_id")[own].transform("first")
    # In a release without demographics all values of race are missing (noted in `dropped`): no groups can be compared.
    attributes = [name for name in attributes if rows[name].notna().any()]
    told = ["case", "patient_id", "split", "age", *attributes, *targets]
    return Task(dataset, rows[told].reset_index(drop=True), images, masks, targets, attributes, dropped)


def _of_table(
    dataset: str,
    table: datasets.ImageTable,
    *,
    size: int,
    shares: tuple[float, float, float],
    seed: int,
    progress: bool,
) -> Task:
    table, images = datasets.table_pictures(table, size, colour=False, progress=progress)
    part = datasets.shared_out(table.images["patient_id"], table.images["split"], shares=shares, seed=seed)
    targets, notes = datasets.two_classes(table.labels, part)
    if not targets:
        problem = "; ".join(notes[:3]) or "no column of labels is named or recognised"
        raise InputError("TARGETS", problem, "Name columns of labels as TARGETS=column, or give more cases")
    masked = dataset == "ucsf-pdgm" and table.images["mask"].notna().any()
    masks = datasets.table_masks(table, size, progress=progress) if masked else None
    rows = table.images[["case", "patient_id"]].assign(split=part).join(table.groups.astype(object))
    left = [{"table": "labels", "reason": note, "n": len(rows)} for note in notes]
    dropped = pd.concat([table.dropped, pd.DataFrame(left)], ignore_index=True) if left else table.dropped
    return Task(dataset, rows.join(table.labels[targets]), images, masks, targets, list(table.groups), dropped)


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
        See `run`. Each brain target has a separate, balanced classifier; the chest findings share one classifier.

    Raises
    ------
    InputError
        There is no such network; also the errors of `run`.
    """
    check_choice("network", network, NETWORKS)
    outputs = run(
        task.rows,
        task.images,
        worse,
        networks=NETWORKS[network][task.dataset],
        optimisation={part: _shortened(of, effort) for part, of in OPTIMISATION[network][task.dataset].items()},
        sampling={"sampler": sampler, "steps": steps},
        seed=seed,
        labels=task.rows[task.targets].to_numpy(float),
        separate=task.masks is not None,
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
