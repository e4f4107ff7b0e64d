"""A miniature MAMA-MIA with planted, known effects: as a folder in the real layout, or as a table alone."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import fingerprint, paths
from helpers.errors import InputError
from helpers.simulate import layout, masks, patients, population, records

_D = {name: default for name, (default, _, _) in population.EFFECTS.items()}


def breast_mri_table(
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
        Planted effects, as `breast_mri` documents them.

    Returns
    -------
    frame : pandas.DataFrame
        Cohort columns of `helpers.data.load_mama_mia` with ``dice``, ``expert_cc`` and ``automatic_cc`` (cm^3), one
        row each patient.
    truth : dict
        Exact expected contrasts of the population: see `helpers.simulate.truth`.

    Raises
    ------
    InputError
        `n`, `seed` or an effect is out of range.
    """
    n, seed = patients.check_count(n), patients.check_seed(seed)
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


def breast_mri(
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
        as in `breast_mri_table`, and ``max_dice_deviation``, by which masks miss their drawn Dice for whole voxels).

    Raises
    ------
    InputError
        An argument is out of range, or the folder cannot be written.

    Notes
    -----
    Zero switches an effect off. Patients are those of `breast_mri_table` with the same `n`, `seed` and effects.
    Ids have more digits than any real one. Out-of-fold scores in the weights archive are simulated as well.
    """
    n, seed, shape = patients.check_count(n), patients.check_seed(seed), _check_shape(shape)
    workers = patients.check_count(workers, "workers")
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
        "generator": fingerprint.package(Path(__file__).parent),
    }
    key = hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()[:10]
    parent = Path(folder) if folder else paths.data() / "simulated"
    final = parent / f"mama-mia-{key}"
    if final.is_dir():
        return final
    making = parent / f".{final.name}-{uuid.uuid4().hex[:8]}"
    try:
        making.mkdir(parents=True)
        _write(making, arguments, planted, workers)
        _settle(making, final)
    except OSError as error:
        problem = f"cannot be written ({error.strerror or error})"
        raise InputError(parent, problem, "Give a folder that you may write to, with space left") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return final


def _settle(making: Path, final: Path) -> None:
    try:
        making.rename(final)
    except OSError:
        # Another run was first; its folder has the same content.
        if not final.is_dir():
            raise


def _check_shape(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    whole = isinstance(shape, list | tuple) and len(shape) == 3
    whole = whole and all(isinstance(v, int | np.integer) for v in shape)
    if not whole or any(v < least for v, least in zip(shape, (16, 16, 8), strict=True)):
        raise InputError("shape", f"{shape!r} is not three whole numbers of at least 16, 16, 8", "Try (64, 64, 24)")
    return tuple(int(v) for v in shape)


def _write(root: Path, arguments: dict, planted: population.Effects, workers: int) -> None:
    shape, seed, images = tuple(arguments["shape"]), arguments["seed"], arguments["images"]
    drawn = patients.draw(arguments["n"], seed=seed, planted=planted)
    sheet, legend = records.spreadsheet(drawn, seed=seed, shape=shape, density=arguments["density_column"])
    for name in ("segmentations/expert", "segmentations/automatic", "patient_info_files", layout.WEIGHTS):
        (root / name).mkdir(parents=True)

    with pd.ExcelWriter(root / layout.SPREADSHEET, engine="openpyxl") as book:
        sheet.to_excel(book, sheet_name=layout.SHEET, index=False)
        legend.to_excel(book, sheet_name="legend", index=False)
    records.splits(drawn).to_csv(root / layout.SPLITS, index=False)
    with zipfile.ZipFile(root / layout.WEIGHTS / layout.WEIGHTS_ARCHIVE, "w", zipfile.ZIP_DEFLATED) as archive:
        for k, part in enumerate(records.out_of_fold(drawn, seed=seed)):
            archive.writestr(f"fold_{k}/nnunet_metrics_fold_{k}.csv", part.to_csv(index=False))

    columns = ("expert_cc", "automatic_cc", "dice", "in_plane_mm", "thickness_mm", "density")
    rows = sheet.astype(object).to_dict("records")
    cases = [
        (root, i, row, {name: float(drawn[name][i]) for name in columns}, seed, shape, images)
        for i, row in enumerate(rows)
    ]
    if workers == 1:
        realised = [_write_case(*case) for case in cases]
    else:
        from joblib import Parallel, delayed

        realised = Parallel(n_jobs=workers)(delayed(_write_case)(*case) for case in cases)

    records.quality(drawn, np.array(realised)).to_csv(root / layout.QUALITY, index=False)
    truth = population.truth(**dict(planted)) | {
        "arguments": arguments,
        "max_dice_deviation": float(np.abs(np.array(realised) - drawn["dice"]).max()),
    }
    (root / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")


def _write_case(
    root: Path, index: int, row: dict, case: dict, seed: int, shape: tuple[int, int, int], images: bool
) -> float:
    """Write one patient's masks, JSON and images; return the Dice that the masks have."""
    import nibabel as nib

    rng = np.random.default_rng((seed, 3, index))
    spacing = (case["in_plane_mm"], case["in_plane_mm"], case["thickness_mm"])
    affine = np.diag([*spacing, 1.0])
    expert, automatic = masks.pair(
        rng,
        shape=shape,
        spacing=spacing,
        expert_cc=case["expert_cc"],
        automatic_cc=case["automatic_cc"],
        dice=case["dice"],
    )

    def save(array: np.ndarray, path: Path) -> None:
        image = nib.Nifti1Image(array, affine)
        image.header.set_xyzt_units("mm")
        nib.save(image, path)

    # Releases differ in the case of file names; here one folder has lower case, one upper.
    name = str(row["patient_id"])
    save(expert.astype(np.uint8), root / "segmentations" / "expert" / f"{name.lower()}.nii.gz")
    save(automatic.astype(np.uint8), root / "segmentations" / "automatic" / f"{name}.nii.gz")
    corners = np.argwhere(expert)
    box = tuple(slice(*ends) for ends in zip(corners.min(axis=0), corners.max(axis=0) + 1, strict=True))
    record = records.patient_json(row, int(case["density"]), box)
    (root / "patient_info_files" / f"{name.lower()}.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
    if images:
        (root / "images" / name).mkdir(parents=True)
        for k, image in enumerate(masks.phases(rng, expert, spacing=spacing)):
            save(image, root / "images" / name / f"{name.lower()}_{k:04d}.nii.gz")
    overlap = np.count_nonzero(expert & automatic)
    return 2 * overlap / (np.count_nonzero(expert) + np.count_nonzero(automatic))
