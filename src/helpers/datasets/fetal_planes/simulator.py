"""Simulator of a small FETAL_PLANES_DB, and of the African planes, with known factors, in the real layouts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.fetal_planes import layout, population, rendering
from helpers.datasets.shared.checks import check_count, check_number, check_seed, check_size
from helpers.datasets.shared.folder import CASES, made_once
from helpers.keep import fingerprint

# World -> the arguments of `simulate_fetal_planes` that plant it.
FETAL_WORLDS: dict[str, dict[str, float]] = {
    "independent": {},
    "nothing shifted": {"shift": 0.0},
    "tied": {"tie": 1.0},
    "attenuation": {"high_in_training": 0.05, "high": 0.5},
}


def simulate_fetal_planes(
    n: int = 900,
    *,
    n_test: int = 400,
    seed: int = 0,
    size: int = 32,
    shift: float = 1.0,
    tie: float = 0.0,
    high: float = 0.3,
    high_in_training: float = 0.3,
    machine: float = 1.0,
    operator: float = 1.0,
    habitus: float = 1.0,
    folder: str | Path = "",
) -> Path:
    """Simulate ultrasound images of fetuses as a folder in the layout of FETAL_PLANES_DB.

    A later call with the same arguments reuses the folder. Plane, machine, operator and habitus of an image are drawn
    apart, unless `tie` is above 0. ``simulate_fetal_planes(**FETAL_WORLDS["tied"])`` plants one world:

    ===============  ==============================================================================================
    independent      factors are independent; strangers differ from the training images
    nothing shifted  images that the table calls strangers are drawn like the others
    tied             the machine decides which planes an image can show
    attenuation      high habitus is rare in training (5%), and common in the test part (50%)
    ===============  ==============================================================================================

    Parameters
    ----------
    n : int
        Number of images for training. They show five planes and come from two machines.
    n_test : int
        Number of test images in each of four sets: drawn as in training; with a shape that is in no training image
        (plane ``Other``); by a machine between the two known ones (``Voluson S10``); by one beyond them (``Other``).
    seed : int
        Seed of all random draws.
    size : int
        Side of an image in pixels, 16 to 512.
    shift : float
        0 to 1: share of strange shapes that are drawn strange, and distance of a strange machine from a known one.
    tie : float
        Share of images, 0 to 1, whose machine decides between two planes and the three others.
    high, high_in_training : float
        Shares of patients with high habitus in the test part and in training, 0 to 1.
    machine, operator, habitus : float
        Sizes of the effects on pixels, 0 to 1, of the machine (gain, gamma, speckle, blur), the operator (depth,
        rotation) and the habitus (attenuation with depth, and noise).
    folder : str or Path
        Folder that holds simulated data sets. If empty, it is the project's ``data/simulated``.

    Returns
    -------
    Path
        Root of the data set: ``FETAL_PLANES_DB_data.csv`` with the seven real columns and semicolons,
        ``Images/Patient<5 digits>_Plane<class>_<i>_of_<k>.png``, ``simulated_cases.csv`` (``Image_name``, ``set``,
        ``habitus`` and ``place``, that of the machine on a line from the first known one, 0, to the second, 1) and
        ``truth.json`` (planted effects, and which values are strangers).

    Raises
    ------
    InputError
        An argument is out of range, or the folder cannot be written.

    Notes
    -----
    A patient has one machine, operator and habitus, five images on average, and images that are alike in size and
    gain. The brain plane is drawn by the shares of the real table and is not visible. For limits, see
    `helpers.datasets.fetal_planes.rendering`.
    """
    effects = {"shift": shift, "tie": tie, "high": high, "high_in_training": high_in_training}
    effects |= {"machine": machine, "operator": operator, "habitus": habitus}
    arguments = {
        "n": check_count(n),
        "n_test": check_count(n_test, "n_test"),
        "seed": check_seed(seed),
        "size": check_size(size, least=16),
        "planted": {name: check_number(name, value, 1) for name, value in effects.items()},
        "generator": fingerprint.made_by(__name__),
    }
    return made_once("fetal-planes", arguments, lambda root: _write(root, arguments), folder)


def _write(root: Path, arguments: dict) -> None:
    cases, scene = population.draw(arguments)
    pictures = rendering.render(scene, arguments["size"], np.random.default_rng((arguments["seed"], 2)))
    of = cases.groupby("patient")["plane"]
    number, count = of.cumcount() + 1, of.transform("size")
    cases["image"] = [
        f"Patient{p:05d}_Plane{layout.DIGITS[plane]}_{i}_of_{k}"
        for p, plane, i, k in zip(cases["patient"], cases["plane"], number, count, strict=True)
    ]
    (root / layout.IMAGES).mkdir()
    _save(pictures, [root / layout.IMAGES / f"{name}.png" for name in cases["image"]])
    table = {"Image_name": cases["image"], "Patient_num": cases["patient"]}
    table |= {layout.HEADERS[factor]: _written(cases[factor], values) for factor, values in layout.FACTORS.items()}
    table |= {layout.COLUMNS[-1]: (cases["part"] == "train").astype(int)}
    # Rows in random order, so that none of the sets is a block of the table.
    order = np.random.default_rng((arguments["seed"], 3)).permutation(len(cases))
    pd.DataFrame(table).iloc[order].to_csv(root / layout.TABLE, sep=";", index=False)
    drawn = cases[["image", "set", "habitus", "place"]].rename(columns={"image": "Image_name"})
    drawn.iloc[order].to_csv(root / CASES, index=False)
    truth = population.truth(arguments["planted"]) | {"arguments": arguments}
    (root / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")


def simulate_african_planes(n: int = 100, *, seed: int = 0, size: int = 32, folder: str | Path = "") -> Path:
    """Simulate images of four planes from five countries, as a folder in the layout of the African planes.

    Parameters
    ----------
    n : int
        Number of images of each country.
    seed : int
    size : int
        Side of an image in pixels, 16 to 512.
    folder : str or Path
        Folder that holds simulated data sets. If empty, it is the project's ``data/simulated``.

    Returns
    -------
    Path
        Root of the data set: ``African_planes_database.csv``, ``<country>/<file>.png``, and ``truth.json`` with the
        place of each country's machine. Numbers of patients start again in every country.

    Raises
    ------
    InputError
        An argument is out of range, or the folder cannot be written.
    """
    arguments = {
        "n": check_count(n),
        "seed": check_seed(seed),
        "size": check_size(size, least=16),
        "generator": fingerprint.made_by(__name__),
    }
    return made_once("african-planes", arguments, lambda root: _write_african(root, arguments), folder)


def _write_african(root: Path, arguments: dict) -> None:
    tables = []
    places = dict(zip(layout.COUNTRIES, (-0.4, 0.2, 0.5, 1.3, 1.8), strict=True))
    for number, (country, place) in enumerate(places.items()):
        seed = (arguments["seed"], 4, number)
        cases, scene = population.draw_country(np.random.default_rng(seed), arguments["n"], place)
        pictures = rendering.render(scene, arguments["size"], np.random.default_rng((*seed, 1)))
        of = cases.groupby(["patient", "plane"]).cumcount() + 1
        names = [
            f"Patient{p:02d}_{plane}_{i}" for p, plane, i in zip(cases["patient"], cases["plane"], of, strict=True)
        ]
        (root / country).mkdir()
        _save(pictures, [root / country / f"{name}.png" for name in names])
        table = {"Patient_num": cases["patient"], "Plane": "Fetal " + cases["plane"]}
        table |= {"Train": (cases["part"] == "train").astype(int), "Center": country, "Filename": names}
        tables.append(pd.DataFrame(table))
    pd.concat(tables).to_csv(root / layout.AFRICAN_TABLE, index=False)
    truth = {"places": places, "arguments": arguments}
    (root / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")


def _written(names: pd.Series, values: dict[str, str | None]) -> pd.Series:
    """Recode names back to the values of the real table."""
    back = {name: value for value, name in values.items() if name is not None}
    missing = next((value for value, name in values.items() if name is None), None)
    return names.map(back).fillna(missing) if missing else names.map(back)


def _save(pictures: np.ndarray, files: list[Path]) -> None:
    from PIL import Image

    for picture, file in zip(pictures, files, strict=True):
        Image.fromarray(picture).save(file, compress_level=1)
