"""A miniature MAMA-MIA with planted, known effects: as a folder in the real layout, or as a table alone."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.mama_mia import layout, patients, population, records
from helpers.datasets.mama_mia.writing import write_automatic, write_case, write_tables
from helpers.datasets.shared import checks, masks
from helpers.datasets.shared.checks import check_shape
from helpers.datasets.shared.folder import each_case, made_once
from helpers.keep import fingerprint

_D = {name: default for name, (default, _, _) in population.EFFECTS.items()}


def simulate_breast_mri_table(
    n: int = 1500,
    *,
    seed: int = 0,
    age_slope: float = _D["age_slope"],
    source_effect: float = _D["source_effect"],
    source_age_shift: float = _D["source_age_shift"],
    ethnic_effect: float = _D["ethnic_effect"],
    size_slope: float = _D["size_slope"],
    accepted_share: float = _D["accepted_share"],
    accepted_older_excess: float = _D["accepted_older_excess"],
    missed_share: float = _D["missed_share"],
) -> tuple[pd.DataFrame, dict[str, object]]:
    """Simulated cohort with scores of the automatic masks, as a table alone, in milliseconds.

    Parameters
    ----------
    n : int
        Patients.
    seed : int
        Seed of everything that is drawn.
    age_slope, source_effect, source_age_shift, ethnic_effect, size_slope, accepted_share, accepted_older_excess, \
missed_share : float
        Planted effects, as `simulate_breast_mri` documents them.

    Returns
    -------
    frame : pandas.DataFrame
        Cohort columns of `helpers.datasets.load_mama_mia` with ``dice``, ``expert_cc`` and ``automatic_cc`` (cm^3), one
        row each patient.
    truth : dict
        Exact expected contrasts of the population: see `helpers.datasets.breast_truth`.

    Raises
    ------
    InputError
        `n`, `seed` or an effect is out of range.
    """
    n, seed = checks.check_count(n), checks.check_seed(seed)
    planted = population.effects(
        age_slope=age_slope,
        source_effect=source_effect,
        source_age_shift=source_age_shift,
        ethnic_effect=ethnic_effect,
        size_slope=size_slope,
        accepted_share=accepted_share,
        accepted_older_excess=accepted_older_excess,
        missed_share=missed_share,
    )
    drawn = patients.draw(n, seed=seed, planted=planted)
    frame = patients.cohort_frame(drawn)
    automatic = np.where(drawn["dice"] == 1, drawn["expert_cc"], drawn["automatic_cc"])
    scores = {"dice": drawn["dice"], "expert_cc": drawn["expert_cc"], "automatic_cc": automatic}
    return frame.assign(**scores), population.truth(**dict(planted))


def simulate_breast_mri(
    n: int = 240,
    *,
    seed: int = 0,
    shape: tuple[int, int, int] = patients.SHAPE,
    images: bool = True,
    density_column: bool = False,
    age_slope: float = _D["age_slope"],
    source_effect: float = _D["source_effect"],
    source_age_shift: float = _D["source_age_shift"],
    ethnic_effect: float = _D["ethnic_effect"],
    size_slope: float = _D["size_slope"],
    accepted_share: float = _D["accepted_share"],
    accepted_older_excess: float = _D["accepted_older_excess"],
    missed_share: float = _D["missed_share"],
    workers: int = 1,
    folder: str | Path = "",
) -> Path:
    """Folder of a simulated MAMA-MIA download in the real layout; made once, then found again.

    The folder's name holds a hash of the arguments and of the generator's code. It is written beside its place and
    renamed when complete, so a stopped run leaves nothing under the final name.

    Parameters
    ----------
    n : int
        Patients.
    seed : int
        Seed of everything that is drawn; the result does not depend on `workers`.
    shape : tuple of int
        Voxels of each volume along x, y, z; at least 16, 16, 8. Voxels are about 1.5 to 2 by 3.6 to 5 mm.
    images : bool
        Write the two image phases. Masks are written in any case.
    density_column : bool
        Write the 50 columns of the later release, with ``breast_density``. With 49 it stands in the JSON files alone.
    age_slope : float
        Dice per year of age, within every source and ethnic group, on masks neither accepted nor missed.
    source_effect : float
        Mean Dice of the best source (DUKE) minus the worst (ISPY1), the same way.
    source_age_shift : float
        Mean age in years at the best source minus the worst. With `source_effect` it makes source a confounder of age.
    ethnic_effect : float
        Mean Dice of African American minus Caucasian patients at ISPY2; there is none elsewhere.
    size_slope : float
        Change of log tumour volume (cm^3) per year of age.
    accepted_share, accepted_older_excess : float
        Share of Young patients whose expert mask is the accepted automatic mask (Dice exactly 1), and by how much the
        share in Older is larger; Middle lies half-way.
    missed_share : float
        Share of patients whose automatic mask is empty (Dice 0).
    workers : int
        Processes that write cases.
    folder : str or Path
        Folder that holds simulated data sets; the project's own, ``data/simulated``, where empty.

    Returns
    -------
    Path
        Root of the data set. Beside the real files it holds ``truth.json`` (planted effects, exact expected contrasts
        as in `simulate_breast_mri_table`, and ``max_dice_deviation``, by which masks miss their drawn Dice for whole
        voxels).

    Raises
    ------
    InputError
        An argument is out of range, or the folder cannot be written.

    Notes
    -----
    Zero switches an effect off. Patients are those of `simulate_breast_mri_table` with the same `n`, `seed` and
    effects. Ids have more digits than any real one. Out-of-fold scores in the weights archive are simulated as well.
    """
    n, seed, shape = checks.check_count(n), checks.check_seed(seed), check_shape(shape)
    workers = checks.check_count(workers, "workers")
    planted = population.effects(
        age_slope=age_slope,
        source_effect=source_effect,
        source_age_shift=source_age_shift,
        ethnic_effect=ethnic_effect,
        size_slope=size_slope,
        accepted_share=accepted_share,
        accepted_older_excess=accepted_older_excess,
        missed_share=missed_share,
    )
    arguments = {
        "n": n,
        "seed": seed,
        "shape": list(shape),
        "images": bool(images),
        "density_column": bool(density_column),
        "effects": dict(planted),
        "generator": fingerprint.made_by(__name__),
    }
    return made_once("mama-mia", arguments, lambda root: _write(root, arguments, planted, workers), folder)


def _write(root: Path, arguments: dict, planted: population.Effects, workers: int) -> None:
    shape, seed, images = tuple(arguments["shape"]), arguments["seed"], arguments["images"]
    drawn = patients.draw(arguments["n"], seed=seed, planted=planted)
    rows = write_tables(root, drawn, seed=seed, shape=shape, density=arguments["density_column"])
    (root / layout.WEIGHTS).mkdir()
    with zipfile.ZipFile(root / layout.WEIGHTS / layout.WEIGHTS_ARCHIVE, "w", zipfile.ZIP_DEFLATED) as archive:
        for k, part in enumerate(records.out_of_fold(drawn, seed=seed)):
            archive.writestr(f"fold_{k}/nnunet_metrics_fold_{k}.csv", part.to_csv(index=False))

    columns = ("expert_cc", "automatic_cc", "dice", "in_plane_mm", "thickness_mm", "density")
    cases = [
        (root, i, row, {name: float(drawn[name][i]) for name in columns}, seed, shape, images)
        for i, row in enumerate(rows)
    ]
    realised = np.array(list(each_case(_write_case, cases, workers)))

    records.quality(drawn, realised).to_csv(root / layout.QUALITY, index=False)
    truth = population.truth(**dict(planted)) | {
        "arguments": arguments,
        "max_dice_deviation": float(np.abs(realised - drawn["dice"]).max()),
    }
    (root / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")


def _write_case(
    root: Path, index: int, row: dict, case: dict, seed: int, shape: tuple[int, int, int], images: bool
) -> float:
    """Write one patient's masks, JSON and images; return the Dice that the masks have."""
    rng = np.random.default_rng((seed, 3, index))
    spacing = (case["in_plane_mm"], case["in_plane_mm"], case["thickness_mm"])
    expert, automatic = masks.pair(
        rng,
        shape=shape,
        spacing=spacing,
        expert_cc=case["expert_cc"],
        automatic_cc=case["automatic_cc"],
        dice=case["dice"],
    )

    phases = masks.phases(rng, expert, spacing=spacing) if images else ()
    write_case(root, row, density=int(case["density"]), spacing=spacing, expert=expert, phases=phases)
    write_automatic(root, row, automatic, spacing)
    overlap = np.count_nonzero(expert & automatic)
    return 2 * overlap / (np.count_nonzero(expert) + np.count_nonzero(automatic))
