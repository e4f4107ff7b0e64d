"""Write a simulated download in the real layout: once, whole or not at all, and its cases one by one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from helpers import paths
from helpers.keep import store

CASES = "simulated_cases.csv"  # no file of the real layout: what was drawn for each case


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
    with store.folder(final, replace=False) as part:  # where another run was first, its folder has the same content
        write(part)
    return final


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
