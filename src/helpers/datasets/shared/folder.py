"""Writer of a simulated download in the real layout: only once, complete or not at all, and case by case."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from helpers import paths
from helpers.keep import store

CASES = "simulated_cases.csv"  # not a file of the real layout: the values drawn for each case


def made_once(stem: str, arguments: dict, write: Callable[[Path], None], folder: str | Path = "") -> Path:
    """Return the folder ``<stem>-<hash of arguments>``, after `write` has filled it if it did not exist yet.

    It is written under a temporary name next to its place and renamed when complete. So an interrupted run leaves
    nothing under the final name.

    Parameters
    ----------
    stem : str
        First part of the folder's name.
    arguments : dict
        All values that determine the content, as types that JSON can write.
    write : callable
        Function that is called with an empty folder and fills it.
    folder : str or Path
        Folder that holds simulated data sets. If empty, it is the project's ``data/simulated``.

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
    with store.folder(final, replace=False) as part:  # if another run was first, its folder has the same content
        write(part)
    return final


def save(array: np.ndarray, spacing: tuple[float, float, float], path: Path) -> None:
    """Save an array as a NIfTI file with this voxel size in mm."""
    import nibabel as nib

    image = nib.Nifti1Image(array, np.diag([*spacing, 1.0]))
    image.header.set_xyzt_units("mm")
    nib.save(image, path)


def each_case(function: Callable, cases: Sequence[tuple], workers: int) -> Iterator:
    """Apply `function` to each case, in `workers` processes, and yield the results in the order of the cases."""
    if workers == 1:
        return (function(*case) for case in cases)
    from joblib import Parallel, delayed

    return Parallel(n_jobs=workers, return_as="generator")(delayed(function)(*case) for case in cases)
