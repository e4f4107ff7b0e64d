"""Tasks for the comparison of methods: classification of X-rays and of skin images, and two kinds of reconstruction."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from torch import nn

from helpers import datasets, learn
from helpers.datasets import ImageTable
from helpers.errors import check_choice
from helpers.studies.mitigation import causes, reading
from helpers.studies.mitigation.fitting import Cases
from helpers.studies.mitigation.methods import plain
from helpers.studies.mitigation.reading import RECONSTRUCTION, TARGETS

# For simulated skin: equally many light and dark, few between; first without a type, then types 1 to 6.
SKIN_SHARES = (0.02, 0.24, 0.22, 0.04, 0.04, 0.24, 0.20)
PARTS = ("train", "external", "validation", "test", "shifted")


class Study(NamedTuple):
    """A task with its split cases.

    task, target, attribute : str

    parts : dict of str to Cases, with keys `PARTS`. "train" and "validation" come from one collection, with its faults;
    "external" is a small curated set; "test" is curated too; "shifted" has the tested people on another device, or
    another cohort. A planted shortcut or difficulty is in all parts, except another cohort

    rows : DataFrame, ``part, case, patient_id``, the attributes and ``label``, in the order of the parts; a case may
    have several rows

    dropped : DataFrame, excluded cases, counted by reason
    """

    task: str
    target: str
    attribute: str
    parts: dict[str, Cases]
    rows: pd.DataFrame
    dropped: pd.DataFrame

    def of(self, part: str) -> pd.DataFrame:
        """Return the rows of one part."""
        return self.rows[self.rows["part"] == part].reset_index(drop=True)


def simulated(task: str, n: int, *, size: int, seed: int) -> Path:
    """Create a simulated data set of a task in the real layout and return its root; groups differ only in appearance.

    Parameters
    ----------
    task : {"chest", "skin", "xray", "mri"}
    n : int
        Number of patients; for skin, of images.
    size : int
        Pixels of a side.
    seed : int

    Notes
    -----
    Women have smaller lungs, a denser shadow in the chest and signs of slightly finer texture, which are about as easy
    to see. Dark and light skin differ in colour, at equal contrast. So a network can distinguish the groups, and can
    learn one better than the other, although their images are about equally difficult.
    """
    _check_task(task)
    if task == "skin":
        return datasets.simulate_dermatology(n, seed=seed, size=size, contrast="equal", shares=SKIN_SHARES)
    if task == "mri":
        return learn.simulated_task("ucsf-pdgm", n, size=size, seed=seed)
    return datasets.simulate_chest_xrays(n, seed=seed, size=size, anatomy=1.0, detail=0.2)


def load(
    task: str,
    root: str | Path | ImageTable,
    *,
    size: int,
    seed: int,
    cause: str = "none",
    strength: float | None = None,
    target: str = "",
    attributes: tuple[str, ...] = (),
    shifted_root: str | Path | ImageTable = "",
    folder: Path | None = None,
    progress: bool = False,
) -> Study:
    """Read a data set, split it by patient, and plant a cause in it.

    Parameters
    ----------
    task : {"chest", "skin", "xray", "mri"}
        Classification of radiographs or of skin images, or reconstruction of low-dose radiographs or of undersampled
        brain MRI, from which a classifier then predicts.
    root : str, Path or ImageTable
        Folder of the data set, see `helpers.datasets.load_chexpert`, `load_fitzpatrick17k` and `load_ucsf_pdgm`; or a
        table of images, whose pictures are classified, degraded as X-rays ("xray"), or degraded as MRI ("mri").
    size : int
        Pixels of a side.
    seed : int
        Seed of the split, the cause, the noise and the other device.
    cause, strength
        See `helpers.studies.mitigation.plant`. The cause is planted in the group that comes first by name: women, dark
        skin.
    target : str
        Finding, class of skin disease (one of the three or nine), or "grade" or "type"; default from `TARGETS`. Of a
        table, one of its labels; by default the first that has both classes in every part.
    attributes : tuple of str
        The cause is planted and groups are compared by the first; all are crossed for weights. Default from
        `ATTRIBUTES`; of a table, its first column of groups.
    shifted_root : str, Path or ImageTable
        Another data set in the same layout, for the part "shifted". By default another device is simulated from the
        tested images, even if these are real.
    folder : Path, optional
        Folder for the degraded images of a reconstruction.

    Raises
    ------
    InputError
        There is no such task or target; an attribute is absent or has one group; also the errors of the loaders.
    """
    _check_task(task)
    options = {"size": size, "seed": seed, "attributes": attributes, "folder": folder, "progress": progress}
    read = reading.read(task, root, target=target, **options)
    target, attributes, part = read.target, read.attributes, read.part
    group = (read.rows[attributes[0]] == sorted(read.rows[attributes[0]].dropna().unique())[0]).to_numpy()
    faulty = np.isin(part, ("train", "validation"))
    plant = partial(
        causes.plant,
        cause,
        labels=read.rows["label"].to_numpy(float),
        group=group,
        contaminated=faulty,
        case=read.rows["case"],
        strength=strength,
        seed=seed,
    )
    planted, clean = plant(read.images), read.clean
    if clean is not None and cause == "shortcut":
        clean = plant(clean).images  # a mark is on the body, while noise is from the acquisition
    rows = read.rows.assign(label=planted.labels, part=part)
    found, parts = {}, {}
    for name in PARTS[:4]:
        chosen = np.flatnonzero((part == name) & planted.kept)
        found[name] = rows.iloc[chosen]
        true = None if clean is None else clean[chosen]
        parts[name] = _cases(planted.images[chosen], found[name], attributes, true)
    if shifted_root:
        other = reading.read(task, shifted_root, target=target, **options)
        found["shifted"], clean, images = other.rows, other.clean, other.images
    else:
        found["shifted"], clean = found["test"], parts["test"].clean
        images = causes.other_scanner(parts["test"].images, seed=seed)
    parts["shifted"] = _cases(images, found["shifted"], attributes, clean)
    tables = [frame.assign(part=name) for name, frame in found.items()]
    return Study(task, target, attributes[0], parts, pd.concat(tables, ignore_index=True), read.dropped)


def starter(
    study: Study,
    *,
    network: str,
    steps: int,
    batch_size: int,
    lr: float,
    effort: float = 1.0,
    device: str = "auto",
    keep: Path | None = None,
) -> Callable[[int], tuple[nn.Module, nn.Module | None]]:
    """Build the function that trains the network from which every method starts.

    Parameters
    ----------
    network : str
        Kind of classifier, see `helpers.learn.classifier`; for a reconstruction, "small" or "paper", see
        `helpers.learn.RESTORATION_NETWORKS`.
    steps, batch_size, lr : int, int, float
        Settings for a classifier. U-Net and reader are trained as in `helpers.learn.RESTORATION_OPTIMISATION`.
    effort : float
        Factor of the steps or epochs there, for U-Net and reader.
    keep : Path, optional
        Folder for checkpoints.

    Returns
    -------
    callable
        Function from a seed to network and reader; the reader is None for a classification.
    """
    cases = study.parts["train"]
    if study.task not in RECONSTRUCTION:

        def start(seed: int) -> tuple[nn.Module, None]:
            outputs, channels = cases.labels.shape[1], cases.images.shape[1]
            model = learn.classifier(network, outputs, channels=channels, seed=seed)
            place = None if keep is None else keep / f"start-{seed}"
            options = {"batch_size": batch_size, "lr": lr, "seed": seed, "device": device, "checkpoint": place}
            return plain(model, cases, steps=steps, **options).model, None

        return start
    dataset = RECONSTRUCTION[study.task]
    networks, optimisation = (t[network][dataset] for t in (learn.RESTORATION_NETWORKS, learn.RESTORATION_OPTIMISATION))

    def both(seed: int) -> tuple[nn.Module, nn.Module]:
        held_out = study.parts["validation"]
        fits = {
            "unet": (learn.fit_unet, cases.images, cases.clean, (held_out.images, held_out.clean)),
            "classifier": (learn.fit_classifier, cases.clean, cases.labels, (held_out.clean, held_out.labels)),
        }
        found = []
        for part, (fit, x, y, validation) in fits.items():
            options = {**networks[part], **optimisation[part], "seed": seed, "device": device, "progress": False}
            length = "steps" if "steps" in options else "epochs"
            options[length] = max(1, round(effort * options[length]))
            if "patience" in options:
                options["validation"] = validation
            place = None if keep is None else keep / f"{part}-{seed}"
            found.append(fit(x, y, checkpoint=place, **options).model)
        return found[0], found[1]

    return both


def _cases(images: np.ndarray, rows: pd.DataFrame, attributes: tuple[str, ...], clean: np.ndarray | None) -> Cases:
    return Cases(images, rows[["label"]].to_numpy(float), rows[list(attributes)].reset_index(drop=True), clean)


def _check_task(task: str) -> None:
    check_choice("task", task, TARGETS)
