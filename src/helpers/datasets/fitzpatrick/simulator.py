"""Simulator of a small Fitzpatrick17k with known, planted effects, as a folder in the real layout."""

from __future__ import annotations

import hashlib
import io
import json
import re
from pathlib import Path

import numpy as np

from helpers.datasets.fitzpatrick import layout, population, rendering
from helpers.datasets.shared.checks import check_count, check_number, check_seed, check_size
from helpers.datasets.shared.folder import CASES, each_case, made_once
from helpers.errors import InputError, check_choice
from helpers.keep import fingerprint

# World -> the arguments of `simulate_dermatology` that plant one cause of a gap between light and dark skin, or none.
_NOTHING = {"colour": 0.0, "contrast": "equal", "tone_grain": 0.0, "condition_grain": 0.0, "entanglement": 0.0}
SKIN_WORLDS: dict[str, dict[str, float | str]] = {
    "none": _NOTHING,
    "representation": _NOTHING | {"colour": 1.0},
    "tone": _NOTHING | {"tone_grain": 0.06},
    "condition": _NOTHING | {"condition_grain": 0.08, "entanglement": 0.6},
}


def simulate_dermatology(
    n: int = 600,
    *,
    seed: int = 0,
    size: int = 64,
    colour: float = 1.0,
    contrast: str = "physical",
    tone_grain: float = 0.0,
    condition_grain: float = 0.0,
    entanglement: float = 0.0,
    shares: tuple[float, ...] | None = None,
    centaur_agreement: tuple[float, float] = population.AGREEMENT,
    workers: int = 1,
    folder: str | Path = "",
) -> Path:
    """Simulate pictures of skin as a folder in the layout of Fitzpatrick17k.

    A later call with the same arguments reuses the folder.

    ``simulate_dermatology(**SKIN_WORLDS["tone"])`` plants one cause of a gap between light and dark skin in the error
    of a reconstruction. Contrast is equal in all of these worlds:

    ==============  ===============================================================================================
    none            no cause; all skin types look alike
    representation  skin types differ in colour; only their shares in the training set matter
    tone            pictures of dark skin are harder, whatever the condition and the training set
    condition       hard conditions are more common in dark skin (case mix); within a condition there is no gap
    ==============  ===============================================================================================

    Parameters
    ----------
    n : int
        Number of images.
    seed : int
        Seed of all random draws. Data sets of one seed have the same skin types and bodies; they differ only by the
        planted effects. The result does not depend on `workers`.
    size : int
        Side of an image in pixels, 16 to 512.
    colour : float
        Difference in colour between skin types, 0 to 1. At 0 all types have the colour of type 4; at 1 each type has a
        different colour.
    contrast : {"physical", "equal"}
        With "physical", lesion and mottling act on the pigments, so dark skin has less contrast in sRGB. With "equal",
        they change sRGB by the same amount at every tone. See `helpers.datasets.fitzpatrick.rendering.render`.
    tone_grain : float
        Standard deviation, in sRGB from 0 to 1, of independent noise in each pixel (equal in its three channels) for
        types 5 and 6. Types 3 and 4 have half of it, types 1 and 2 none. At most 0.1.
    condition_grain : float
        Standard deviation of such noise for hard conditions, whatever the skin type. The two variances add. At most
        0.1.
    entanglement : float
        Share of hard conditions in types 5 and 6 minus that in types 1 and 2, 0 to 1. In types 3 and 4 one half is
        hard. Only the finest labels depend on it: the nine and the three classes have the same shares in all skin
        types.
    shares : tuple of float, optional
        Shares of images without a skin type, then of types 1 to 6. They add to 1; by default those of the real table.
    centaur_agreement : (float, float)
        Share of images with a second label of the skin type equal to the first, and share within one step of it.
    workers : int
        Number of processes that render and write images.
    folder : str or Path
        Folder that holds simulated data sets. If empty, it is the project's ``data/simulated``.

    Returns
    -------
    Path
        Root of the data set: ``fitzpatrick17k.csv`` with the nine real columns, ``images/<md5hash>.jpg`` (the MD5 of
        the file), ``simulated_cases.csv`` (``md5hash, skin_type, melanin, haemoglobin, family, hard, grain``; the skin
        type is given for all images) and ``truth.json`` (the planted effects, and the exact prevalences and variances
        of the grain that follow from them).

    Raises
    ------
    InputError
        An argument is out of range, or the folder cannot be written.

    Notes
    -----
    For limits, see `helpers.datasets.fitzpatrick.rendering`. The first label of the skin type is the type that was
    drawn, and only the second label has errors. This is not a claim about the two companies that gave the real labels.
    Conditions have names and classes of the real table, but their pictures are only caricatures. Every image is a
    separate case: there are no duplicates. Grain is noise that no model can learn, so it raises the error of any
    reconstruction by its variance; real pictures are hard for other reasons. Load images at their original size, since
    a smaller size averages the grain away. JPEG adds about 4% to the variance of the grain. With physical contrast,
    dark skin is easier to reconstruct than light skin. Another version of Pillow may write other bytes, and so other
    file names.
    """
    arguments = {
        "n": check_count(n),
        "seed": check_seed(seed),
        "size": check_size(size, least=16),
        "planted": {
            "colour": check_number("colour", colour, 1),
            "contrast": _check_contrast(contrast),
            "tone_grain": check_number("tone_grain", tone_grain, 0.1),
            "condition_grain": check_number("condition_grain", condition_grain, 0.1),
            "entanglement": check_number("entanglement", entanglement, 1),
        },
        "shares": _check_shares(population.SHARES if shares is None else shares),
        "centaur_agreement": _check_agreement(centaur_agreement),
        "generator": fingerprint.made_by(__name__),
    }
    workers = check_count(workers, "workers")
    return made_once("fitzpatrick17k", arguments, lambda root: _write(root, arguments, workers), folder)


def _check_contrast(contrast: str) -> str:
    check_choice("contrast", contrast, ("physical", "equal"))
    return contrast


def _check_shares(shares: tuple[float, ...]) -> list[float]:
    fix = "Give seven shares that add to 1: without a skin type, then types 1 to 6"
    try:
        values = np.asarray(shares, float)
    except (TypeError, ValueError):
        raise InputError("shares", f"{shares!r} are not numbers", fix) from None
    if values.shape != (7,) or not (values >= 0).all() or abs(values.sum() - 1) > 1e-6 or values[0] > 0.99:
        raise InputError("shares", f"{shares!r} are not seven shares", fix)
    return values.tolist()


def _check_agreement(agreement: tuple[float, float]) -> list[float]:
    try:
        exact, within = (float(v) for v in agreement)
    except (TypeError, ValueError):
        exact, within = np.nan, np.nan
    if not 0 <= exact <= within <= 1:
        problem = f"{agreement!r} are not two shares, the second as large as the first or larger"
        raise InputError("centaur_agreement", problem, "Give two shares such as (0.48, 0.91)")
    return [exact, within]


def _write(root: Path, arguments: dict, workers: int) -> None:
    cases = population.draw(arguments)
    (root / layout.IMAGES).mkdir()
    equal = arguments["planted"]["contrast"] == "equal"
    columns = ["family", "melanin", "haemoglobin", "grain"]
    todo = [
        (root / layout.IMAGES, i, case, arguments["seed"], arguments["size"], equal)
        for i, case in enumerate(cases[columns].to_dict("records"))
    ]
    names, clipped = zip(*each_case(_write_image, todo, workers), strict=True)
    cases["md5hash"] = names
    urls = [f"https://example.org/simulated/{i}.jpg" for i in range(len(cases))]
    flat = [re.sub(r"[^A-Za-z0-9]", "", url) + ".jpg" for url in urls]
    labels = ["md5hash", "scale", "centaur", "label", "nine", "three", "qc"]
    table = cases[labels].assign(url=urls, url_alphanum=flat).set_axis(list(layout.COLUMNS), axis=1)
    table.to_csv(root / layout.TABLE, index=False)
    drawn = ["md5hash", "skin_type", "melanin", "haemoglobin", "family", "hard", "grain"]
    cases[drawn].to_csv(root / CASES, index=False)
    truth = population.truth(arguments["planted"], arguments["shares"])
    truth |= {"clipped_share": float(np.mean(clipped)), "arguments": arguments}
    (root / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")


def _write_image(folder: Path, index: int, case: dict, seed: int, size: int, equal: bool) -> tuple[str, float]:
    """Write one image; return the MD5 of its file and the share of its values that were out of range and clipped."""
    from PIL import Image

    # Separate random streams, so that the body is the same whatever is planted.
    streams = [np.random.default_rng((seed, 2, index, k)) for k in range(2)]
    fields = rendering.draw(streams[0], case["family"], size)
    picture = rendering.render(fields, melanin=case["melanin"], haemoglobin=case["haemoglobin"], equal=equal)
    # The same in all three channels: JPEG keeps brightness better than colour.
    picture = picture + case["grain"] * streams[1].standard_normal((size, size, 1))
    stream = io.BytesIO()
    values = (255 * picture.clip(0, 1)).round().astype(np.uint8)
    Image.fromarray(values).save(stream, "JPEG", quality=95, subsampling=0)
    content = stream.getvalue()
    name = hashlib.md5(content, usedforsecurity=False).hexdigest()
    (folder / f"{name}.jpg").write_bytes(content)
    return name, float(((picture < 0) | (picture > 1)).mean())
