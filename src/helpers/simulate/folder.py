"""Write a simulated download in the real layout: once, whole or not at all, and its cases one by one."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import paths
from helpers.errors import InputError
from helpers.simulate import layout, records


def check_shape(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """`shape` as three ints of at least 16, 16, 8."""
    whole = isinstance(shape, list | tuple) and len(shape) == 3
    whole = whole and all(isinstance(v, int | np.integer) for v in shape)
    if not whole or any(v < least for v, least in zip(shape, (16, 16, 8), strict=True)):
        raise InputError("shape", f"{shape!r} is not three whole numbers of at least 16, 16, 8", "Try (64, 64, 24)")
    return tuple(int(v) for v in shape)


def made_once(stem: str, arguments: dict, write: Callable[[Path], None], folder: str | Path = "") -> Path:
    """Folder ``<stem>-<hash of arguments>``, written by `write` unless it is there.

    It is written beside its place and renamed when complete, so a stopped run leaves nothing under the final name.

    Parameters
    ----------
    stem : str
        First part of the folder's name.
    arguments : dict
        Everything that decides the content, as plain values.
    write : callable
        Called with an empty folder to fill.
    folder : str or Path
        Folder that holds simulated data sets; the project's own, ``data/simulated``, where empty.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    key = hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()[:10]
    parent = Path(folder) if folder else paths.data() / "simulated"
    final = parent / f"{stem}-{key}"
    if final.is_dir():
        return final
    making = parent / f".{final.name}-{uuid.uuid4().hex[:8]}"
    try:
        making.mkdir(parents=True)
        write(making)
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


def write_tables(
    root: Path, drawn: dict[str, np.ndarray], *, seed: int, shape: tuple[int, int, int], density: bool
) -> list[dict[str, object]]:
    """Make the folders and write the spreadsheet and the split; return the spreadsheet's rows."""
    for name in ("segmentations/expert", "patient_info_files"):
        (root / name).mkdir(parents=True)
    sheet, legend = records.spreadsheet(drawn, seed=seed, shape=shape, density=density)
    with pd.ExcelWriter(root / layout.SPREADSHEET, engine="openpyxl") as book:
        sheet.to_excel(book, sheet_name=layout.SHEET, index=False)
        legend.to_excel(book, sheet_name="legend", index=False)
    records.splits(drawn).to_csv(root / layout.SPLITS, index=False)
    return sheet.astype(object).to_dict("records")


def write_case(
    root: Path,
    row: dict[str, object],
    *,
    density: int,
    spacing: tuple[float, float, float],
    expert: np.ndarray,
    phases: Sequence[np.ndarray] = (),
) -> None:
    """Write one patient's expert mask, JSON record and images (none where `phases` is empty)."""
    # Releases differ in the case of file names; here the automatic masks have upper case, the rest lower.
    name = str(row["patient_id"])
    save(expert.astype(np.uint8), spacing, root / "segmentations" / "expert" / f"{name.lower()}.nii.gz")
    corners = np.argwhere(expert)
    box = tuple(slice(*ends) for ends in zip(corners.min(axis=0), corners.max(axis=0) + 1, strict=True))
    record = records.patient_json(row, density, box)
    (root / "patient_info_files" / f"{name.lower()}.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
    if len(phases):
        (root / "images" / name).mkdir(parents=True)
    for k, image in enumerate(phases):
        save(image, spacing, root / "images" / name / f"{name.lower()}_{k:04d}.nii.gz")


def write_automatic(root: Path, row: dict[str, object], mask: np.ndarray, spacing: tuple[float, float, float]) -> None:
    """Write one patient's automatic mask."""
    folder = root / "segmentations" / "automatic"
    folder.mkdir(exist_ok=True)
    save(mask.astype(np.uint8), spacing, folder / f"{row['patient_id']}.nii.gz")


def save(array: np.ndarray, spacing: tuple[float, float, float], path: Path) -> None:
    """Write an array as NIfTI with this voxel size in mm."""
    import nibabel as nib

    image = nib.Nifti1Image(array, np.diag([*spacing, 1.0]))
    image.header.set_xyzt_units("mm")
    nib.save(image, path)


def each_case(function: Callable, cases: Sequence[tuple], workers: int) -> Iterator:
    """Results of `function` of each case, in their order, as they come."""
    if workers == 1:
        return (function(*case) for case in cases)
    from joblib import Parallel, delayed

    return Parallel(n_jobs=workers, return_as="generator")(delayed(function)(*case) for case in cases)
