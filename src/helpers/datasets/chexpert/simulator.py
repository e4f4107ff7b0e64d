"""Simulator of a small CheXpert with known, planted differences between groups, as a folder in the real layout."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from helpers.datasets.chexpert import layout, population, rendering
from helpers.datasets.shared.checks import check_count, check_number, check_seed, check_size
from helpers.datasets.shared.folder import CASES, each_case, made_once
from helpers.errors import InputError
from helpers.keep import fingerprint

# World -> the arguments of `simulate_chest_xrays` that make a reconstruction unfair, or not.
CHEST_WORLDS: dict[str, dict[str, float]] = {"fair": {}, "unfair": {"detail": 1.0}}

_MOST = {"anatomy": 1.0, "acquisition": 0.2, "prevalence": 3.0, "detail": 1.0}


def simulate_chest_xrays(
    n_patients: int = 250,
    *,
    seed: int = 0,
    size: int = 64,
    anatomy: float = 0.0,
    acquisition: float = 0.0,
    prevalence: float = 0.0,
    detail: float = 0.0,
    group: tuple[str, str] = ("sex", "F"),
    least_prevalence: float = 0.15,
    label_noise: float = 0.02,
    uncertain_share: float = 0.05,
    blank_share: float = 0.3,
    workers: int = 1,
    folder: str | Path = "",
) -> Path:
    """Simulate chest radiographs as a folder in the layout of CheXpert; a later call with the same arguments reuses it.

    All patients are simulated. Every difference between groups is planted; with the defaults there is none.

    Parameters
    ----------
    n_patients : int
        Number of patients in ``train.csv``, with an average of about two studies each and 1.2 images for each study.
        ``valid.csv`` has further patients, a twentieth of this number (at least two), with one study each.
    seed : int
        Seed of all random draws. Data sets of one seed have the same patients, chests and noise; they differ only by
        the planted effects. The result does not depend on `workers`.
    size : int
        Side of an image in pixels, 32 to 512.
    anatomy : float
        0 to 1: smaller lungs and a denser shadow of the breasts in the group.
    acquisition : float
        Standard deviation, in brightness from 0 to 1, of additional pixel noise in the group. At most 0.2.
    prevalence : float
        Increase of the log odds of each finding in the group, 0 to 3.
    detail : float
        Share of the energy of the findings' signs that is fine texture in the group, 0 to 1. In the others, signs are
        smooth. A reconstruction from few photons keeps smooth signs and loses fine ones.
    group : (str, str)
        Attribute and value of the group that has the planted differences: ``("sex", "F")``, ``("race", "Black")``,
        ``("age", ">62")``.
    least_prevalence : float
        Smallest share of a finding, 0 to 0.5. Larger shares are about those of the real table.
    label_noise : float
        Share of labels that are the opposite of the true finding, 0 to 0.5.
    uncertain_share : float
        Share of labels that are uncertain (-1), 0 to 1.
    blank_share : float
        Share of labels of absent findings that are blank, 0 to 1.
    workers : int
        Number of processes that render and write images.
    folder : str or Path
        Folder that holds simulated data sets. If empty, it is the project's ``data/simulated``.

    Returns
    -------
    Path
        Root of the data set: ``CheXpert-v1.0-small/train.csv`` and ``valid.csv`` with the 19 real columns, the images
        as grey JPEG below that folder, ``CHEXPERT DEMO.xlsx``, ``simulated_cases.csv`` (true findings of each image,
        without label errors) and ``truth.json`` (the planted effects and the resulting prevalences).

    Raises
    ------
    InputError
        An argument is out of range, or the folder cannot be written.

    Notes
    -----
    For limits, see `helpers.datasets.chexpert.rendering`. Load images at their original size, since a smaller size
    averages fine texture away. Another version of Pillow may write other bytes.
    """
    planted = {"anatomy": anatomy, "acquisition": acquisition, "prevalence": prevalence, "detail": detail}
    shares = {
        "least_prevalence": check_number("least_prevalence", least_prevalence, 0.5),
        "label_noise": check_number("label_noise", label_noise, 0.5),
        "uncertain_share": check_number("uncertain_share", uncertain_share, 1),
        "blank_share": check_number("blank_share", blank_share, 1),
    }
    arguments = {
        "n_patients": check_count(n_patients, "n_patients"),
        "seed": check_seed(seed),
        "size": check_size(size, least=32),
        "planted": {name: check_number(name, value, _MOST[name]) for name, value in planted.items()},
        "group": _check_group(group),
        **shares,
        "generator": fingerprint.made_by(__name__),
    }
    workers = check_count(workers, "workers")
    return made_once("chexpert", arguments, lambda root: _write(root, arguments, workers), folder)


def _check_group(group: tuple[str, str]) -> list[str]:
    pair = list(group) if isinstance(group, list | tuple) and len(group) == 2 else [None, None]
    attribute, value = (part if isinstance(part, str) else "" for part in pair)
    known = {
        "sex": value in population.SEXES,
        "race": value in layout.RACES,
        "age": bool(re.fullmatch(r"(<=|>)\d+", value)),
    }
    if not known.get(attribute, False):
        fix = 'Give an attribute and a value, such as ("sex", "F"), ("race", "Black") or ("age", ">62")'
        raise InputError("group", f"{group!r} is not a group", fix)
    return [attribute, value]


def _write(root: Path, arguments: dict, workers: int) -> None:
    patients, images = population.draw(arguments)
    labels, sheet = population.tables(patients, images)
    for place in {(root / path).parent for path in images[layout.PATH]}:
        place.mkdir(parents=True, exist_ok=True)
    for name, table in labels.items():
        table.to_csv(root / layout.FOLDERS[0] / name, index=False)
    sheet.to_excel(root / layout.DEMOGRAPHICS, index=False)
    present = images[list(layout.FINDINGS)].to_numpy(bool)
    cases = images[[layout.PATH, "in_group", "view", "device"]].to_dict("records")
    todo = [(root, i, case, shown, arguments) for i, (case, shown) in enumerate(zip(cases, present, strict=True))]
    clipped = list(each_case(_write_image, todo, workers))
    shown = [layout.PATH, "patient_id", "sex", "age", "race", "in_group", "view", *layout.FINDINGS, "device"]
    numbers = dict.fromkeys((*layout.FINDINGS, "in_group", "device"), int)
    images[shown].astype(numbers).to_csv(root / CASES, index=False)
    truth = {
        "patients": "All patients are simulated.",
        "planted": arguments["planted"],
        "group": arguments["group"],
        "prevalence": population.prevalences(arguments),
        "clipped_share": float(np.mean(clipped)),
        "arguments": arguments,
    }
    (root / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")


def _write_image(root: Path, index: int, case: dict, present: np.ndarray, arguments: dict) -> float:
    """Write one image; return the share of its values that were out of range and clipped."""
    from PIL import Image

    size, planted = arguments["size"], arguments["planted"]
    touched = float(case["in_group"])
    # Separate random streams, so that chest and noise are the same whatever is planted.
    streams = [np.random.default_rng((arguments["seed"], 2, index, k)) for k in range(3)]
    chest = rendering.draw(streams[0], size, lateral=case["view"] == "lateral")
    picture = rendering.render(
        chest, present, anatomy=touched * planted["anatomy"], detail=touched * planted["detail"], device=case["device"]
    )
    picture = picture + rendering.GRAIN * streams[1].standard_normal((size, size))
    picture = picture + touched * planted["acquisition"] * streams[2].standard_normal((size, size))
    values = (255 * picture.clip(0, 1)).round().astype(np.uint8)
    Image.fromarray(values).save(root / case[layout.PATH], "JPEG", quality=95)
    return float(((picture < 0) | (picture > 1)).mean())
