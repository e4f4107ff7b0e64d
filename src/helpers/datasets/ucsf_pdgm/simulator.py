"""Simulator of a small UCSF-PDGM with known, planted differences between groups, as a folder in the real layout."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from helpers.datasets.shared.checks import check_count, check_number, check_seed, check_shape
from helpers.datasets.shared.folder import CASES, each_case, made_once, save
from helpers.datasets.ucsf_pdgm import layout, population, rendering
from helpers.errors import InputError, check_choice
from helpers.keep import fingerprint

# World -> the arguments of `simulate_brain_tumours` that plant a cause of an unfair reconstruction, or none.
BRAIN_WORLDS: dict[str, dict[str, float]] = {
    "fair": {"anatomy": 0.0, "acquisition": 0.0, "prevalence": 0.0, "detail": 0.0},
    "unfair": {"anatomy": 0.0, "acquisition": 0.0, "prevalence": 0.0, "detail": 1.0},
}
_MOST = 4000  # patients, so that numbers of four digits suffice


def simulate_brain_tumours(
    n: int = 60,
    *,
    seed: int = 0,
    shape: tuple[int, int, int] = (64, 64, 16),
    follow_ups: int = 1,
    unknown_share: float = 0.02,
    shares: tuple[float, float, float] = population.SHARES,
    anatomy: float = 0.0,
    acquisition: float = 0.0,
    prevalence: float = 0.0,
    detail: float = 0.0,
    group: str = "sex",
    workers: int = 1,
    folder: str | Path = "",
) -> Path:
    """Simulate brains with a glioma as a folder in the layout of UCSF-PDGM.

    A later call with the same arguments reuses the folder.

    Images, table and patients are all simulated. Ids have the real format, with numbers that no real patient has.
    Differences are planted in one group: women, or patients older than 58 years. A value of 0 plants no difference.

    Parameters
    ----------
    n : int
        Number of patients, at most 4000.
    seed : int
        Seed of all random draws. Data sets of one seed have the same patients, brains, tumours and noise, whatever is
        planted, except that `prevalence` changes a patient's grade. The result does not depend on `workers`.
    shape : tuple of int
        Number of voxels along x, y, z, over 240 x 240 x 155 mm; at least 16, 16, 8. Real volumes have (240, 240, 155).
        Load slices at their original size: the texture planted by `detail` has the finest frequencies, which a smaller
        image cannot represent.
    follow_ups : int
        Number of patients with a second exam. It has a separate folder and a separate row.
    unknown_share : float
        Share of ages, grades, diagnoses and survival times that are unknown in the table, 0 to 0.5.
    shares : (float, float, float)
        Shares of grades 2, 3 and 4, each above 0, which add to 1; by default those of the real release.
    anatomy : float
        0 to 1: wider ventricles and sulci in the group.
    acquisition : float
        0 to 1: more noise in the group, up to four times the standard deviation in the others.
    prevalence : float
        0 to 5: log odds ratio of grade 4 between the group and the others.
    detail : float
        0 to 1: share of the energy of the tumour's contrast that is fine texture instead of brightness, in the group.
        It affects both the difference between tumour or edema and healthy tissue, and the difference between grades.
        See `helpers.datasets.ucsf_pdgm.rendering`.
    group : {"sex", "age"}
        Attribute that defines the group: women, or patients older than 58 years.
    workers : int
        Number of processes that render and write images.
    folder : str or Path
        Folder that holds simulated data sets. If empty, it is the project's ``data/simulated``.

    Returns
    -------
    Path
        Root of the data set: ``UCSF-PDGM-v5/<exam>_nifti/<exam>_{FLAIR,tumor_segmentation,brain_segmentation}.nii.gz``
        (tumour labels: 1 core, necrotic or not enhancing; 2 edema; 4 enhancing), ``UCSF-PDGM-metadata_v5.csv`` with
        the 16 real columns, ``simulated_cases.csv`` (``exam, patient, sex, age, in_group, grade, diagnosis``, without
        missing values) and ``truth.json`` (the planted effects and the group that has them).

    Raises
    ------
    InputError
        An argument is out of range, or the folder cannot be written.
    """
    n, follow_ups = check_count(n), _check_follow_ups(follow_ups, n)
    if n > _MOST:
        raise InputError("n", f"{n} is more than {_MOST}", "Ids have four digits; make two data sets")
    check_choice("group", group, population.GROUPS)
    arguments = {
        "n": n,
        "seed": check_seed(seed),
        "shape": list(check_shape(shape)),
        "follow_ups": follow_ups,
        "unknown_share": check_number("unknown_share", unknown_share, 0.5),
        "shares": _check_shares(shares),
        "planted": {
            "anatomy": check_number("anatomy", anatomy, 1),
            "acquisition": check_number("acquisition", acquisition, 1),
            "prevalence": check_number("prevalence", prevalence, 5),
            "detail": check_number("detail", detail, 1),
        },
        "group": group,
        "generator": fingerprint.made_by(__name__),
    }
    workers = check_count(workers, "workers")
    return made_once("ucsf-pdgm", arguments, lambda root: _write(root, arguments, workers), folder)


def _check_follow_ups(follow_ups: int, n: int) -> int:
    whole = isinstance(follow_ups, int | np.integer) and not isinstance(follow_ups, bool)
    if not whole or not 0 <= follow_ups <= n:
        problem = f"{follow_ups!r} is not a whole number from 0 to the {n} patients"
        raise InputError("follow_ups", problem, "Give 0 for no follow-up")
    return int(follow_ups)


def _check_shares(shares: tuple[float, float, float]) -> list[float]:
    try:
        values = np.asarray(shares, float)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (3,) or not (values > 0).all() or abs(values.sum() - 1) > 1e-6:
        problem = f"{shares!r} are not three shares above 0 that add to 1"
        raise InputError("shares", problem, "Give the shares of grades 2, 3 and 4, such as (0.3, 0.2, 0.5)")
    return values.tolist()


def _write(root: Path, arguments: dict, workers: int) -> None:
    cases = population.draw(arguments)
    (root / layout.IMAGES).mkdir()
    population.table(cases, arguments).to_csv(root / layout.TABLE, index=False)
    shown = ["exam", "patient", "sex", "age", "in_group", "grade", "diagnosis"]
    cases[shown].to_csv(root / CASES, index=False)
    (root / "truth.json").write_text(json.dumps(population.truth(arguments), indent=1), encoding="utf-8")
    todo = [(root / layout.IMAGES, case, arguments) for case in cases.to_dict("records")]
    for _ in each_case(_write_exam, todo, workers):
        pass


def _write_exam(folder: Path, case: dict, arguments: dict) -> None:
    """Write the image and the masks of one exam."""
    planted, shape, follow_up = arguments["planted"], tuple(arguments["shape"]), case["days"] > 0
    # Separate random streams, so that the brain is the same whatever is planted, and in both exams of a patient.
    key = (arguments["seed"], 13, case["patient"])
    streams = [np.random.default_rng((*key, k)) for k in (0, 1 + follow_up)]
    drawn = rendering.anatomy(
        streams[0],
        shape=shape,
        grade=case["grade"],
        glioblastoma=case["diagnosis"] == layout.GLIOBLASTOMA,
        atrophy=planted["anatomy"] * case["in_group"],
        grown=1.1 if follow_up else 1.0,
    )
    options = {name: planted[name] * case["in_group"] for name in ("acquisition", "detail")}
    place = folder / f"{case['exam']}_nifti"
    place.mkdir()
    for name, array in (
        (layout.FLAIR, rendering.render(streams[1], drawn, **options)),
        (layout.SEGMENTATION, drawn.labels),
        (layout.BRAIN, drawn.inside.astype(np.uint8)),
    ):
        save(array, rendering.spacing(shape), place / f"{case['exam']}_{name}.nii.gz")
