"""Simulated cohorts with a chosen cause of an age gap: the labels, the images, or the share of hard cases (case mix).

Every patient is one breast that is rendered twice. A labeller segments the first rendering, which gives the silver
mask. The second rendering is the study image on disk. So labels can be biased by age while images are not, and the
other way round. The notes of `simulate_breast_mri_world` explain this design and its limits.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import metrics
from helpers.datasets.mama_mia import layout, patients, population, records, rendering
from helpers.datasets.mama_mia.writing import write_automatic, write_case, write_tables
from helpers.datasets.shared import checks
from helpers.datasets.shared.checks import check_shape
from helpers.datasets.shared.folder import CASES, each_case, made_once
from helpers.errors import InputError, check_choice
from helpers.keep import fingerprint

Labeller = Callable[[np.ndarray, tuple[float, float, float]], np.ndarray]

WORLD_SHAPE = (48, 48, 12)

# World -> its planted effects, from Young to Older; Middle is half-way. `labeller` and `image`: the rendering of a
# Young patient is moved by this share of the way to difficulty 1. `hard`: share of hard cases in Young minus that in
# Older. `size`: log volume of tumours in Young minus that in Older.
WORLDS: dict[str, dict[str, float]] = {
    "none": {"labeller": 0.0, "image": 0.0, "hard": 0.0, "size": 0.0},
    "labels": {"labeller": 0.6, "image": 0.0, "hard": 0.0, "size": 0.0},
    "images": {"labeller": 0.0, "image": 0.6, "hard": 0.0, "size": 0.2},
    "share": {"labeller": 0.0, "image": 0.0, "hard": 0.5, "size": 0.0},
    "all": {"labeller": 0.6, "image": 0.6, "hard": 0.5, "size": 0.2},
}
# Worlds for silver masks as the reference standard. Images are harder for younger patients. If labels are worse for
# the young too, they inflate the gap. If labels are worse for the older (share below 0), they hide or reverse it.
RULERS: dict[str, dict[str, float]] = {
    "inflates": {"labeller": 0.8, "image": 0.5, "hard": 0.0, "size": 0.0},
    "hides": {"labeller": -0.4, "image": 0.5, "hard": 0.0, "size": 0.0},
    "reverses": {"labeller": -0.9, "image": 0.6, "hard": 0.0, "size": 0.0},
}
PLANTED = WORLDS | RULERS
HARD_SHARE = 0.4  # in Middle, and in all age groups if the world plants no difference
EASY, HARD = (0.0, 0.3), (0.6, 0.9)  # ranges of the difficulty before the planted effects

_NO_EFFECT = dict.fromkeys(population.EFFECTS, 0.0)
_LOG_CC, _LOG_CC_SD = 2.4, 0.5  # of tumour volumes in cm^3, chosen for small images and a small network
# A rater considers distance as well: each mm of HD95 above 10 mm counts as 0.005 less Dice, each mm below as more.
_RATED_PER_MM, _RATED_FROM_MM, _RATED_TO_MM = 0.005, 10.0, 30.0


def simulate_breast_mri_world(
    world: str,
    n: int = 300,
    *,
    seed: int = 0,
    labeller: Labeller | None = None,
    labeller_key: str = "",
    strength: float = 1.0,
    age_shares: tuple[float, float, float] | None = None,
    shape: tuple[int, int, int] = WORLD_SHAPE,
    workers: int = 1,
    folder: str | Path = "",
) -> Path:
    """Simulate a cohort with images and a chosen cause of an age gap, as a folder in the real layout; made only once.

    Parameters
    ----------
    world : str
        Cause of the gap, a key of `WORLDS`: ``labels`` (the labeller's rendering is harder for younger patients, the
        study image is not), ``images`` (the study image is harder for younger patients, the labeller's rendering is
        not; and younger patients have larger tumours), ``share`` (younger patients are more often hard cases; a hard
        case is equally hard at every age, in both renderings), ``all`` three, or ``none``. Or a key of `RULERS`, which
        names the effect on the gap when silver masks are the reference standard.
    n : int
        Number of patients.
    seed : int
        Seed of all random draws. Worlds of one seed have the same patients and noise, and the same breasts except for
        the size of a tumour; they differ only by the planted effects. The result does not depend on `workers`.
    labeller : callable, optional
        ``labeller(image, spacing) -> mask``: image float32 of shape (2, x, y, z), pre-contrast and first post-contrast;
        spacing in mm; mask bool of shape (x, y, z). It is called for one case after another, in the calling process.
        Without a labeller there are no automatic masks and no ratings, as in a cohort for training a labeller.
    labeller_key : str
        Short text that changes when the labeller does, such as a hash of its weights. The hash in the folder's name
        depends on it.
    strength : float
        Factor on all planted effects of the world, 0 to 1.5.
    age_shares : tuple of float, optional
        Shares of Young, Middle and Older, which add to 1; by default those of the population, about 0.22, 0.52, 0.25.
        ``(0.05, 0.25, 0.7)`` gives an older cohort, as the training cohort of a labeller may be.
    shape : tuple of int
        Number of voxels along x, y, z; at least 16, 16, 8.
    workers : int
        Number of processes that render and write cases.
    folder : str or Path
        Folder that holds simulated data sets. If empty, it is the project's ``data/simulated``.

    Returns
    -------
    Path
        Root of the data set. In addition to the real files it holds ``truth.json`` (see `world_truth`; and the
        arguments) and ``simulated_cases.csv`` with ``patient_id``, ``hard`` (0 or 1), ``labeller_difficulty`` and
        ``image_difficulty``.

    Raises
    ------
    InputError
        An argument is out of range, a labeller is given without a key (or a key without a labeller) or returns an
        invalid mask, or the folder cannot be written.

    Notes
    -----
    **How label bias and image difficulty are separated.** Every patient is one breast (`anatomy`), rendered twice
    (`render`) as if imaged twice, with independent noise. The labeller segments the first rendering, and the second is
    the study image. The gold mask is the true tumour of both. A case is drawn as easy or hard, and both renderings
    start from that difficulty. The world then moves one rendering, both or neither towards the hardest. It moves Young
    furthest or, in some worlds of `RULERS`, Older.

    **Limits of this design.** In a real cohort the labeller segments the study image itself, so hard images and bad
    labels occur together. Two renderings of one breast with different density and uptake are a device to separate them,
    not a claim about scanners. Both renderings show the same tumour in the same tissue. So errors of the labeller and
    of a network are more alike than errors on two patients, and less alike than errors on one image. One number, the
    difficulty, changes all parameters of `PHYSICS` together. The size of the gap in Dice depends on the labeller and on
    the network and its training, so the truth holds difficulties instead. The size of a tumour is a property of the
    breast and so affects both renderings. A larger tumour tends to have a higher Dice. If young patients have larger
    tumours, as in the published cohort, their images are no harder for it, and their silver labels slightly better.

    **No other effect of age.** Age acts only on difficulty and size, by age group. Source, ethnicity and all other
    attributes are drawn as in `simulate_breast_mri` and have no effect. No gold mask is an accepted silver mask. Tumour
    volumes have a median of about 11 cm^3 and a range of about 3 to 37 cm^3. Recorded breast density, if there is one,
    is that of the study image.

    Ratings depend on the silver mask's Dice and HD95 against the gold mask, with noise for each rater. A mask without
    overlap is rated Missed. There are no out-of-fold scores.
    """
    n, seed, shape = checks.check_count(n), checks.check_seed(seed), check_shape(shape)
    workers = checks.check_count(workers, "workers")
    truth = world_truth(world, strength=strength)
    if (labeller is None) != (not labeller_key) or not isinstance(labeller_key, str):
        raise InputError(
            "labeller_key",
            f"{labeller_key!r} with {'no' if labeller is None else 'a'} labeller",
            "Give a labeller together with a key that changes when the labeller does, such as a hash of its weights",
        )
    if age_shares is not None:
        age_shares = population.check_shares(age_shares)
    arguments = {
        "world": world,
        "n": n,
        "seed": seed,
        "labeller": labeller_key,
        "strength": float(strength),
        "age_shares": age_shares,
        "shape": list(shape),
        "generator": fingerprint.made_by(__name__),
    }

    def write(root: Path) -> None:
        _write(root, arguments, truth, labeller, workers)

    return made_once(f"mama-mia-{world}", arguments, write, folder)


def world_truth(world: str, *, strength: float = 1.0) -> dict[str, object]:
    """Compute the planted effects of a world and the exact expected difficulties that follow from them.

    Returns
    -------
    dict
        ``world``; ``strength``; ``planted`` (as in `WORLDS`, times `strength`); ``hard_share`` by age group; and
        ``difficulty``: for ``labeller`` and ``image``, the expected value of each age group, ``older_minus_young``, and
        ``older_minus_young_given_hard`` and ``_given_easy``. The last two separate harder renderings from a larger
        share of hard cases (case mix).

    Raises
    ------
    InputError
        `world` is neither in `WORLDS` nor in `RULERS`, or `strength` is out of range.
    """
    check_choice("world", world, PLANTED)
    if isinstance(strength, bool) or not isinstance(strength, int | float) or not 0 <= strength <= 1.5:
        raise InputError("strength", f"{strength!r} is not a number from 0 to 1.5", "Give 1 for the world as it is")
    planted = {name: strength * value for name, value in PLANTED[world].items()}
    hard_share = _hard_share(planted, np.arange(3))
    difficulty = {}
    for name in ("labeller", "image"):
        easy, hard = (_moved(np.mean(ends), planted[name], np.arange(3)) for ends in (EASY, HARD))
        mean = hard_share * hard + (1 - hard_share) * easy
        difficulty[name] = {
            "by_age_group": dict(zip(layout.AGE_GROUPS, mean.tolist(), strict=True)),
            "older_minus_young": _gap(mean),
            "older_minus_young_given_hard": _gap(hard),
            "older_minus_young_given_easy": _gap(easy),
        }
    return {
        "world": world,
        "strength": float(strength),
        "planted": planted,
        "hard_share": dict(zip(layout.AGE_GROUPS, hard_share.tolist(), strict=True)),
        "difficulty": difficulty,
    }


def _gap(by_age: np.ndarray) -> float:
    return round(float(by_age[2] - by_age[0]), 12) + 0.0


def _hard_share(planted: dict[str, float], age: np.ndarray) -> np.ndarray:
    """Compute the share of hard cases for each code of the age group."""
    return HARD_SHARE + planted["hard"] * (1 - age) / 2


def _moved(difficulty: np.ndarray, share: float, age: np.ndarray) -> np.ndarray:
    """Move the difficulty towards 1 by `share` of the way in Young (code 0), half of that in Middle, none in Older.

    If `share` is below 0, its size applies in Older instead, half of it in Middle, and none in Young.
    """
    return difficulty + (1 - difficulty) * abs(share) * (2 - age if share >= 0 else age) / 2


def _draw(arguments: dict, planted: dict[str, float]) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Draw patients, with the tumour volumes and the difficulties of their renderings."""
    drawn = patients.draw(
        arguments["n"],
        seed=arguments["seed"],
        planted=population.effects(**_NO_EFFECT),
        age_shares=arguments["age_shares"],
    )
    age = population.age_codes(drawn["age"])
    rng = np.random.default_rng((arguments["seed"], 4))
    hard = rng.random(len(age)) < _hard_share(planted, age)
    low, high = np.where(hard[:, None], HARD, EASY).T
    start = rng.uniform(low, high)
    cases = pd.DataFrame(
        {
            "patient_id": patients.ids(drawn["source"]),
            "hard": hard.astype(int),
            "labeller_difficulty": _moved(start, planted["labeller"], age),
            "image_difficulty": _moved(start, planted["image"], age),
        }
    )
    size = rng.standard_normal(len(age)).clip(-2.2, 2.2)
    drawn["expert_cc"] = np.exp(_LOG_CC + planted["size"] * (1 - age) / 2 + _LOG_CC_SD * size)
    return drawn, cases


def _write(root: Path, arguments: dict, truth: dict, labeller: Labeller | None, workers: int) -> None:
    seed, shape = arguments["seed"], tuple(arguments["shape"])
    drawn, cases = _draw(arguments, truth["planted"])
    density = rendering.density_codes(cases["image_difficulty"].to_numpy())
    drawn["density"] = np.where(drawn["density"] == layout.DENSITY.index("unknown"), drawn["density"], density)
    rows = write_tables(root, drawn, seed=seed, shape=shape, density=False)
    spacings = [
        (float(mm), float(mm), float(thick))
        for mm, thick in zip(drawn["in_plane_mm"], drawn["thickness_mm"], strict=True)
    ]
    todo = [
        (root, i, row, spacings[i], float(drawn["expert_cc"][i]), int(drawn["density"][i]), case, seed, shape)
        for i, (row, case) in enumerate(zip(rows, cases.to_dict("records"), strict=True))
    ]
    scores = []
    for i, (gold, image) in enumerate(each_case(_write_case, todo, workers)):
        if labeller is None:
            continue
        silver = _check_mask(labeller(image.astype(np.float32), spacings[i]), gold.shape)
        write_automatic(root, rows[i], silver, spacings[i])
        scores.append((metrics.dice(gold, silver), metrics.hd95(gold, silver, spacing=spacings[i])))

    if labeller is not None:
        dice, hd95 = np.array(scores).T
        seen = dice - _RATED_PER_MM * (np.minimum(hd95, _RATED_TO_MM) - _RATED_FROM_MM)
        # Kept above 0 unless the tumour is missed, since 0 is rated Missed.
        drawn["dice"] = np.where(dice > 0, np.maximum(seen, 1e-6), 0)
        records.quality(drawn, dice).to_csv(root / layout.QUALITY, index=False)
    cases.to_csv(root / CASES, index=False)
    (root / "truth.json").write_text(json.dumps(truth | {"arguments": arguments}, indent=1), encoding="utf-8")


def _write_case(
    root: Path, index: int, row: dict, spacing: tuple, cc: float, density: int, case: dict, seed: int, shape: tuple
) -> tuple[np.ndarray, np.ndarray]:
    """Write the gold mask, JSON and study image of one patient; return the gold mask and the labeller's rendering."""
    # Separate random streams, so that the breast is the same whatever is planted.
    streams = [np.random.default_rng((seed, 5, index, k)) for k in range(3)]
    breast = rendering.anatomy(streams[0], shape=shape, spacing=spacing, cc=cc)
    phases = rendering.render(streams[1], breast, difficulty=case["image_difficulty"])
    write_case(root, row, density=density, spacing=spacing, expert=breast.tumour, phases=phases)
    return breast.tumour, rendering.render(streams[2], breast, difficulty=case["labeller_difficulty"])


def _check_mask(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if not isinstance(mask, np.ndarray) or mask.shape != shape or mask.dtype != bool:
        found = f"{mask.dtype} of shape {mask.shape}" if isinstance(mask, np.ndarray) else type(mask).__name__
        raise InputError("labeller", f"returned {found}, not bool of shape {shape}", "Return one bool for each voxel")
    return mask
