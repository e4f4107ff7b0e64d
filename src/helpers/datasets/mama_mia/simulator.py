"""Simulator of a small MAMA-MIA with known, planted effects: as a folder in the real layout, or only as a table."""

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
    """Simulate a cohort with scores of the automatic masks, only as a table, in milliseconds.

    Parameters
    ----------
    n : int
        Number of patients.
    seed : int
        Seed of all random draws.
    age_slope, source_effect, source_age_shift, ethnic_effect, size_slope, accepted_share, accepted_older_excess, \
missed_share : float
        Planted effects; `simulate_breast_mri` documents them.

    Returns
    -------
    frame : pandas.DataFrame
        Cohort columns of `helpers.datasets.load_mama_mia`, and ``dice``, ``expert_cc`` and ``automatic_cc`` (cm^3); one
        row for each patient.
    truth : dict
        Exact expected contrasts of the population; see `helpers.datasets.breast_truth`.

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
    """Simulate a MAMA-MIA download as a folder in the real layout; a later call with the same arguments reuses it.

    The folder's name holds a hash of the arguments and of the simulator's code. It is written under a temporary name
    next to its place and renamed when complete. So an interrupted run leaves nothing under the final name.

    Parameters
    ----------
    n : int
        Number of patients.
    seed : int
        Seed of all random draws. The result does not depend on `workers`.
    shape : tuple of int
        Number of voxels along x, y, z; at least 16, 16, 8. A voxel is about 1.5 to 2 mm in plane and 3.6 to 5 mm thick.
    images : bool
        Write the two image phases. Masks are always written.
    density_column : bool
        Write the 50 columns of the later release, with ``breast_density``. With 49 columns, the density is only in the
        JSON files.
    age_slope : float
        Change of mean Dice per year of age, within every source and ethnic group. It applies to masks that are neither
        accepted nor missed.
    source_effect : float
        Mean Dice at the best source (DUKE) minus that at the worst (ISPY1), also on masks neither accepted nor missed.
    source_age_shift : float
        Mean age in years at the best source minus that at the worst. Together with `source_effect`, it makes source a
        confounder of the effect of age.
    ethnic_effect : float
        Mean Dice of African American minus Caucasian patients at ISPY2. It is 0 at the other sources.
    size_slope : float
        Change of log tumour volume (cm^3) per year of age.
    accepted_share, accepted_older_excess : float
        Share of Young patients with an expert mask that is the accepted automatic mask (Dice exactly 1), and the
        difference of that share between Older and Young. Middle is half-way between them.
    missed_share : float
        Share of patients with an empty automatic mask (Dice 0).
    workers : int
        Number of processes that write cases.
    folder : str or Path
        Folder that holds simulated data sets. If empty, it is the project's ``data/simulated``.

    Returns
    -------
    Path
        Root of the data set. In addition to the real files it holds ``truth.json``: the planted effects, the exact
        expected contrasts as in `simulate_breast_mri_table`, and ``max_dice_deviation``, the largest difference
        between the drawn Dice and the Dice of the masks (masks consist of whole voxels).

    Raises
    ------
    InputError
        An argument is out of range, or the folder cannot be written.

    Notes
    -----
    An effect of zero is switched off. The patients are those of `simulate_breast_mri_table` with the same `n`, `seed`
    and effects. Ids have more digits than real ids. Out-of-fold scores in the weights archive are simulated as well.
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
    """Write the masks, JSON and images of one patient; return the Dice of the written masks."""
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
