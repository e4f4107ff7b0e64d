"""Simulator of MS-CXR: pictures with a finding in each lung, their phrases and boxes, and patients of two sexes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.ms_cxr import layout, rendering
from helpers.datasets.shared.checks import check_count, check_number, check_seed, check_size
from helpers.datasets.shared.folder import CASES, made_once
from helpers.errors import InputError, check_choice
from helpers.keep import fingerprint

# Words of a phrase for each category.
WORDS = {
    "Lung Opacity": "opacity",
    "Consolidation": "consolidation",
    "Atelectasis": "atelectasis",
    "Pneumothorax": "pneumothorax",
}
_FIRST = 10_000_000
PLACES = ("any", "one")
SPLITS = {"train": "n_train", "test": "n_test", "val": "n_validation"}  # in the table, and the argument


def simulate_ms_cxr(
    n_train: int = 800,
    n_test: int = 200,
    *,
    n_validation: int = 0,
    same: float = 0.25,
    contrast: float = 1.0,
    anatomy: float = 0.0,
    places: str = "any",
    size: int = 32,
    seed: int = 0,
    folder: str | Path = "",
) -> Path:
    """Simulate pictures with a finding in each lung, and a phrase with a box for each, in the layout of MS-CXR.

    Parameters
    ----------
    n_train, n_test, n_validation : int
        Pictures of the splits, each of another patient; half of the patients are women.
    same : float
        Share of the pictures that have one finding on both sides, so that only the word of the side distinguishes the
        phrases; the others have two different findings.
    contrast, anatomy : float
        In women: factor of the brightness of all signs, and shadow of the breasts, each 0 to 1.
    places : {"any", "one"}
        Whether a sign is anywhere in its lung, or always in one place.
    size : int
        Side of the pictures in pixels, 32 to 512.
    seed : int
    folder : str or Path
        Folder that holds simulated data sets. If empty, it is the project's ``data/simulated``.

    Returns
    -------
    Path
        Root of the data set: the table, ``files`` with grey JPEG, ``patients.csv`` (sex), ``simulated_cases.csv`` (side
        and finding of each phrase) and ``truth.json``.

    Raises
    ------
    InputError
        An argument is out of range, or the folder cannot be written.
    """
    check_choice("places", places, PLACES)
    if contrast == 0:
        raise InputError("contrast", "at 0 a sign cannot be seen", "Give a number above 0, such as 0.4")
    arguments = {
        "n_train": check_count(n_train, "n_train"),
        "n_test": check_count(n_test, "n_test"),
        "n_validation": 0 if n_validation == 0 else check_count(n_validation, "n_validation"),
        "same": check_number("same", same, 1),
        "contrast": check_number("contrast", contrast, 1),
        "anatomy": check_number("anatomy", anatomy, 1),
        "places": places,
        "size": check_size(size, least=32),
        "seed": check_seed(seed),
        "generator": fingerprint.made_by(__name__),
    }
    return made_once("ms-cxr", arguments, lambda root: _write(root, arguments), folder)


def _write(root: Path, arguments: dict) -> None:
    splits = [name for name, part in SPLITS.items() for _ in range(arguments[part])]
    n = len(splits)
    rng = np.random.default_rng((arguments["seed"], 0))
    female, equal = rng.random(n) < 0.5, rng.random(n) < arguments["same"]
    kinds = np.array([rng.permutation(len(WORDS))[:2] for _ in range(n)])
    kinds[equal, 1] = kinds[equal, 0]
    order = rng.random(n) < 0.5  # which side the caption names first
    rows = []
    for k in range(n):
        findings = dict(zip(("left", "right"), (list(WORDS)[kind] for kind in kinds[k]), strict=True))
        rows += _write_case(root, k, findings, bool(female[k]), bool(order[k]), splits[k], arguments)
    table = pd.DataFrame(rows)
    table[[*layout.COLUMNS, layout.SPLIT]].to_csv(root / layout.TABLES[0], index=False)
    people = pd.DataFrame({layout.PATIENT: _FIRST + np.arange(n), layout.SEX: np.where(female, "F", "M")})
    people.to_csv(root / layout.PATIENTS[0], index=False)
    table[[layout.PICTURE, "side", layout.CATEGORY]].to_csv(root / CASES, index=False)
    truth = {"patients": "All patients are simulated.", "signs": rendering.SIGNS, "arguments": arguments}
    (root / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")


def _write_case(
    root: Path, k: int, findings: dict[str, str], female: bool, left_first: bool, split: str, arguments: dict
) -> list[dict]:
    """Write the picture of a patient, and return the rows of its boxes."""
    from PIL import Image

    rng = np.random.default_rng((arguments["seed"], 1, k))
    looks = {"contrast": arguments["contrast"], "anatomy": arguments["anatomy"]} if female else {}
    size = arguments["size"]
    picture, boxes = rendering.draw(rng, size, findings, places=arguments["places"], **looks)
    patient, name = _FIRST + k, f"{k:08x}"
    path = f"files/p{str(patient)[:2]}/p{patient}/s{50_000_000 + k}/{name}.jpg"
    (root / path).parent.mkdir(parents=True)
    Image.fromarray((255 * picture.clip(0, 1)).round().astype(np.uint8)).save(root / path, "JPEG", quality=95)
    return [
        {
            layout.PICTURE: name,
            layout.CATEGORY: findings[side],
            layout.TEXT: f"{side} {WORDS[findings[side]]}",
            layout.PATH: path,
            **dict(zip((*layout.BOX, *layout.SIZE), (*boxes[side], size, size), strict=True)),
            layout.SPLIT: split,
            "side": side,
        }
        for side in (("left", "right") if left_first else ("right", "left"))
    ]
