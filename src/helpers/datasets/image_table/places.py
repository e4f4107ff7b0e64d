"""Files that a table of images names: each found below the table's folder, or refused by row."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from helpers.datasets.shared.files import at
from helpers.errors import InputError

# Tried where a table names a file without its ending.
ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".dcm", ".nii.gz", ".nii")


def found_files(names: pd.Series, table: Path, kind: str) -> pd.Series:
    """Find the file of each row.

    A name is a path from the table's folder, or an absolute one. A name without a folder is looked up, with or without
    its ending, among all files below the folder. A path with a folder, such as one of another computer, is looked up by
    its last folder and name.

    Parameters
    ----------
    names : Series of str
        As typed; missing where a row names none.
    table : Path
        The table, whose folder holds the files.
    kind : str
        "image" or "mask", for messages.

    Returns
    -------
    Series of str
        Absolute paths; missing where `names` is.

    Raises
    ------
    InputError
        There is no such file, or several have the name; the message names the first row and counts the others.
    """
    folder = table.parent.resolve()
    known = names.dropna().str.replace("\\", "/", regex=False)
    paths = known.map(lambda name: str(folder / Path(name).expanduser()))
    absent = ~paths.map(os.path.isfile).astype(bool)
    if absent.any():
        paths[absent] = _looked_up(known[absent], folder, table, kind)
    return paths.reindex(names.index).astype("str")


def unfound(names: pd.Series, table: Path) -> pd.Series:
    """Mark the rows whose file `found_files` would refuse: it is absent, or several files have the name."""
    folder = table.parent.resolve()
    known = names.dropna().str.replace("\\", "/", regex=False)
    absent = ~known.map(lambda name: (folder / Path(name).expanduser()).is_file()).astype(bool)
    if absent.any():
        by_name = _by_name(folder)
        absent &= known.map(lambda name: len(_candidates(name, by_name)) != 1).astype(bool)
    return absent.reindex(names.index, fill_value=False).astype(bool)


def _by_name(folder: Path) -> dict[str, list[str]]:
    by_name: dict[str, list[str]] = {}
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for file in sorted(files):
            by_name.setdefault(file.casefold(), []).append(str(Path(place, file)))
    return by_name


def _looked_up(names: pd.Series, folder: Path, table: Path, kind: str) -> pd.Series:
    by_name = _by_name(folder)
    found = names.map(lambda name: _candidates(name, by_name))
    missing = found.map(len) == 0
    if missing.any():
        row, n = names.index[missing][0], int(missing.sum())
        more = f" ({n} rows name files that are not there)" if n > 1 else ""
        problem = f"there is no {kind} file {names[row]}{more}"
        fix = f"Put the files below {folder.name}, the folder of the table, and write their paths from there"
        raise InputError(at(table, row, str(names.name)), problem, fix)
    twice = found.map(len) > 1
    if twice.any():
        row = names.index[twice][0]
        places = " and ".join(os.path.relpath(path, folder) for path in found[row][:2])
        raise InputError(
            at(table, row, str(names.name)), f"two files have this name: {places}", "Write the path of the file"
        )
    return found.map(lambda paths: paths[0])


def _candidates(name: str, by_name: dict[str, list[str]]) -> list[str]:
    folder, _, last = name.casefold().rpartition("/")
    named = by_name.get(last) or [path for ending in ENDINGS for path in by_name.get(last + ending, [])]
    parent = folder.rpartition("/")[2]
    return [path for path in named if not parent or Path(path).parent.name.casefold() == parent]
