"""State of the user's files that a run reads, so that a changed file makes its results old."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from helpers import paths
from helpers.report import parameters
from helpers.report.private import FILES, HIDDEN, PLACES


def state(words: list[str]) -> str:
    """Hash path, size and time of change of each file that a run reads; empty if it reads none of the user's.

    Parameters
    ----------
    words : list of str
        Parameters of the run as ``NAME=value``. Of a table of images, the files that it names count too; of a folder,
        all files below it.

    Raises
    ------
    InputError
        As in `helpers.datasets.load_image_table`.
    """
    given = dict(word.partition("=")[::2] for word in words)
    named = [Path(given[name]).expanduser() for name in (*HIDDEN, *FILES, *PLACES[1:]) if given.get(name)]
    if given.get("SOURCE") == "real" and not any(
        given.get(name) for name in ("DATA_ROOT", parameters.IMAGES, "FACTORS")
    ):
        named.append(paths.data_root(""))
    if given.get(parameters.IMAGES):
        from helpers import datasets

        named += datasets.load_image_table(given[parameters.IMAGES], given).files
    digest = hashlib.sha256()
    found = list(_files(named))
    for file in found:
        known = file.stat()
        digest.update(f"{file}:{known.st_size}:{known.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16] if found else ""


def _files(places: Iterable[Path]) -> Iterable[Path]:
    for place in places:
        if place.is_file():
            yield place.resolve()
        elif place.is_dir():
            yield from sorted(file for file in place.resolve().rglob("*") if file.is_file())
