"""Worlds of small radiographs in which a marker, a finding and the sex are related as planted, in CheXpert's layout.

The marker is a bright square near a corner, the finding a soft blob elsewhere, and the sex a broad, faint shadow. They
are written into the columns Support Devices, Lung Lesion and Sex.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.datasets.chexpert import layout
from helpers.datasets.shared.checks import check_count, check_seed, check_size
from helpers.datasets.shared.folder import CASES, made_once
from helpers.errors import InputError, check_choice
from helpers.keep import fingerprint

ATTRIBUTES = ("marker", "finding", "sex")
FINDING = "Lung Lesion"
AGREE = 0.8  # share of pictures in which marker and finding agree in the worlds `partial` and `severity`
# World -> pairs of attributes that agree in training more often than by chance. `severity` is in neither rate: the
# finding causes the marker there, and its table is that of `partial`.
PLANTED: dict[str, frozenset[frozenset[str]]] = {
    "balanced": frozenset(),
    "confounded": frozenset({frozenset({"marker", "finding"})}),
    "partial": frozenset({frozenset({"marker", "finding"})}),
    "sex": frozenset({frozenset({"finding", "sex"})}),
    "group": frozenset({frozenset({"marker", "finding"})}),
    "absent": frozenset(),
    "severity": frozenset({frozenset({"marker", "finding"})}),
    "few women": frozenset(),
}
RATED = ("balanced", "confounded", "partial", "sex", "group", "absent")
FIRST_ID = 90_001  # real ids end below 65,000
LEAST = 16  # pixels of a side
MOST = 9_999  # pictures


class Drawn(NamedTuple):
    """Pictures of shape (n, 1, size, size), float32 from 0 to 1, and a table with ``marker, finding, sex``, 0 or 1."""

    pictures: np.ndarray
    labels: pd.DataFrame


def draw_pictures(world: str, n: int, *, size: int = 16, seed: int = 0, stage: int = 0) -> Drawn:
    """Draw pictures of a world.

    Parameters
    ----------
    world : {"balanced", "confounded", "partial", "sex", "group", "absent", "severity", "few women"}
        In *balanced* the three attributes are independent, each in half of the pictures. In *confounded* marker and
        finding always agree, in *partial* in 80%, as a ward would make them. In *sex* finding and sex always agree. In
        *group* marker and finding agree in 90% of the women and by chance in men. In *absent* the marker is in the
        table and never drawn. In *severity* the finding causes the marker: 80% of those with it, and 20% of the
        others, have a device. In *few women* a tenth of the pictures is of women.
    n : int
    size : int
        Side in pixels, at least 16.
    seed : int
    stage : int
        Pictures of one seed and several stages are drawn apart, such as for training and for test.

    Raises
    ------
    InputError
        There is no such world, or a number is out of range.
    """
    check_choice("world", world, PLANTED)
    n, size, seed = check_count(n, "n"), check_size(size, least=LEAST), check_seed(seed)
    rng = np.random.default_rng((seed, list(PLANTED).index(world), stage))
    labels = _labels(world, n, rng)
    shown = labels.assign(marker=0) if world == "absent" else labels
    return Drawn(_render(shown, size, rng), labels)


def _labels(world: str, n: int, rng: np.random.Generator) -> pd.DataFrame:
    sex = (rng.random(n) < (0.1 if world == "few women" else 0.5)).astype(int)
    finding = sex.copy() if world == "sex" else rng.integers(0, 2, n)
    marker, same = rng.integers(0, 2, n), rng.random(n)
    if world == "confounded":
        marker = finding.copy()
    elif world == "partial":
        marker = np.where(same < AGREE, finding, 1 - finding)
    elif world == "severity":
        marker = (rng.random(n) < np.where(finding == 1, AGREE, 1 - AGREE)).astype(int)
    elif world == "group":
        marker = np.where(sex == 1, np.where(same < 0.9, finding, 1 - finding), marker)
    return pd.DataFrame({"marker": marker, "finding": finding, "sex": sex})


def _render(labels: pd.DataFrame, size: int, rng: np.random.Generator) -> np.ndarray:
    n = len(labels)
    place = np.linspace(-1, 1, size)
    y, x = place[None, :, None], place[None, None, :]
    marker, finding, sex = (labels[name].to_numpy(float)[:, None, None] for name in ATTRIBUTES)
    slope, level = rng.uniform(-0.05, 0.05, (2, n, 1, 1)), rng.uniform(-0.03, 0.03, (n, 1, 1))
    scene = 0.32 + level + slope[0] * y + slope[1] * x
    shift, strength = rng.uniform(-0.1, 0.1, (2, n, 1, 1)), rng.uniform(0.85, 1.15, (3, n, 1, 1))
    shadow = 0.15 * np.exp(-(((x - shift[0]) / 0.8) ** 2) - ((y - shift[1]) / 0.8) ** 2)
    moved = rng.uniform(-0.12, 0.12, (2, n, 1, 1))
    blob = 0.40 * np.exp(-(((x - 0.4 - moved[0]) / 0.22) ** 2) - ((y - 0.4 - moved[1]) / 0.22) ** 2)
    side = 3 * size // 16
    corner = side // 3 + rng.integers(0, size // 8, (2, n, 1, 1))
    rows, columns = np.arange(size)[None, :, None], np.arange(size)[None, None, :]
    square = (rows >= corner[0]) & (rows < corner[0] + side) & (columns >= corner[1]) & (columns < corner[1] + side)
    picture = scene + marker * 0.45 * strength[0] * square + finding * strength[1] * blob + sex * strength[2] * shadow
    noise = 0.02 * rng.standard_normal((n, size, size))
    return (picture + noise).clip(0, 1)[:, None].astype(np.float32)


def simulate_prototype_world(
    world: str, n: int, *, size: int = 16, seed: int = 0, stage: int = 0, folder: str | Path = ""
) -> Path:
    """Write pictures of `draw_pictures` in CheXpert's layout; a later call with the same arguments reuses the folder.

    Parameters
    ----------
    world, n, size, seed, stage
        As in `draw_pictures`; at most 9,999 pictures, one a patient.
    folder : str or Path
        Folder that holds simulated data sets. If empty, it is the project's ``data/simulated``.

    Returns
    -------
    Path
        Root of the data set: ``CheXpert-v1.0-small/train.csv`` with the 19 real columns, pictures as grey PNG of 8 bits
        below it, ``simulated_cases.csv``, and ``truth.json`` with the planted pairs.

    Raises
    ------
    InputError
        As in `draw_pictures`; there are more pictures; or the folder cannot be written.
    """
    check_choice("world", world, PLANTED)
    if check_count(n, "n") > MOST:
        raise InputError(f"n = {n}", f"expected {MOST:,} pictures or fewer", "Numbers of patients have five digits")
    arguments = {
        "world": world,
        "n": int(n),
        "size": check_size(size, least=LEAST),
        "seed": check_seed(seed),
        "stage": int(stage),
        "generator": fingerprint.made_by(__name__),
    }
    return made_once("prototypes", arguments, lambda root: _write(root, arguments), folder)


def _write(root: Path, arguments: dict) -> None:
    from PIL import Image

    facts = {name: arguments[name] for name in ("size", "seed", "stage")}
    drawn = draw_pictures(arguments["world"], arguments["n"], **facts)
    names = [f"train/patient{FIRST_ID + i}/study1/view1_frontal.png" for i in range(len(drawn.labels))]
    base = root / layout.FOLDERS[0]
    for name, picture in zip(names, drawn.pictures, strict=True):
        (base / name).parent.mkdir(parents=True)
        Image.fromarray((255 * picture[0]).round().astype(np.uint8)).save(base / name)
    table = pd.DataFrame(index=range(len(names)), columns=list(layout.COLUMNS))
    table[layout.PATH] = [f"{layout.FOLDERS[0]}/{name}" for name in names]
    table[layout.SEX] = np.where(drawn.labels["sex"] == 1, "Female", "Male")
    table[layout.AGE], table[layout.VIEW], table[layout.PROJECTION] = 60, "Frontal", "AP"
    table[FINDING], table[layout.SUPPORT_DEVICES] = drawn.labels["finding"], drawn.labels["marker"]
    table.to_csv(base / layout.TRAIN, index=False)
    drawn.labels.assign(**{layout.PATH: table[layout.PATH]}).to_csv(root / CASES, index=False)
    pairs = sorted(sorted(pair) for pair in PLANTED[arguments["world"]])
    truth = {"patients": "All patients are simulated.", "planted": pairs, "arguments": arguments}
    (root / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")
