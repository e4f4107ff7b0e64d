"""Image files as arrays of one size, kept on disk so that they are decoded only once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from helpers.datasets.shared.loading import load_pictures


def load_images(
    files: Sequence[str | Path], size: int, *, workers: int = 1, progress: bool = True, folder: Path | None = None
) -> np.ndarray:
    """Load images as squares of one size: the shorter side is resized to `size`, then the centre is cropped.

    The result is kept on disk, so a second call with the same files reads a single file.

    Parameters
    ----------
    files : sequence of path
        Files as in `read_picture`, with 8 bits a channel.
    size : int
        Side in pixels.
    workers : int
        Number of threads that decode.
    progress : bool
        Show a progress bar.
    folder : Path, optional
        Folder of the kept result; by default ``data/prepared`` of the project, as in `load_pictures`.

    Returns
    -------
    ndarray of uint8, shape (n, 3, size, size)
        RGB in the order of `files`, as from `load_pictures`.

    Raises
    ------
    InputError
        `files` is empty, `size` is not a whole number above 0, a file is missing (raised at once), a file is damaged,
        no image or deeper than 8 bits (raised after all other files were tried), or the result cannot be written.
    """
    options = {"channels": 3, "fit": "crop", "scale": "bytes"}
    return load_pictures(files, size, **options, workers=workers, progress=progress, folder=folder)
