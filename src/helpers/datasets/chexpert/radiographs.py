"""Grey image files as one array of squares, kept on disk so that they are decoded only once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from helpers.datasets.shared.loading import load_pictures


def load_radiographs(
    files: Sequence[str | Path],
    size: int,
    *,
    workers: int = 1,
    progress: bool = True,
    folder: str | Path | None = None,
) -> np.ndarray:
    """Load radiographs as squares of one size, each stretched to the range from 0 to 1.

    The result is kept on disk, so a second call with the same files reads a single file.

    Parameters
    ----------
    files : sequence of path
        Files as in `read_picture`.
    size : int
        Side in pixels. The whole picture is resized to the square, so its sides may be scaled by different factors.
    workers : int
        Number of threads that decode.
    progress : bool
        Show a progress bar.
    folder : str or Path, optional
        Folder of the kept result; by default ``data/prepared`` of the project, as in `load_pictures`.

    Returns
    -------
    ndarray of float32, shape (n, 1, size, size)
        Brightness in the order of `files`, as from `load_pictures`. For each picture, 0 and 1 are its smallest and
        largest value before it is resized. Pictures in colour are converted to grey.

    Raises
    ------
    InputError
        `files` is empty, `size` is not a whole number above 0, a file is missing (raised at once), a file cannot be
        read or all its pixels are equal (raised after all other files were tried), or the result cannot be written.
    """
    options = {"channels": 1, "fit": "squeeze", "scale": "minmax"}
    return load_pictures(files, size, **options, workers=workers, progress=progress, folder=folder)
