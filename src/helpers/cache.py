"""Finished parts of long work, kept on disk, so that work that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers import fingerprint, paths
from helpers.errors import InputError

# Parameters that reach no trained network.
NOT_TRAINED_BY = {"RUN_DIR", "DATA_ROOT", "DEVICE", "WORKERS", "N_BOOTSTRAP", "N_PERMUTATIONS"}


def folder(parameters: Mapping[str, object], *places: Path) -> Path:
    """Folder for the finished parts of one plan, ``data/networks/<hash>``; it is not made.

    Parameters
    ----------
    parameters : mapping
        All that decides what the parts are; those of a study that reach no network are left out.
    *places : Path
        Folders and files of the data. Their names, sizes and tables are hashed, with the parameters and the code of the
        package.
    """
    own = {k: v for k, v in parameters.items() if k not in NOT_TRAINED_BY}
    code = fingerprint.package(Path(__file__).parent)
    text = json.dumps([own, code, fingerprint.data(*places)], sort_keys=True, default=str)
    return paths.data() / "networks" / hashlib.sha256(text.encode()).hexdigest()[:12]


def once(file: Path | None, make: Callable[[], Any]) -> Any:
    """What `make` gives, or what it gave before.

    Parameters
    ----------
    file : Path, optional
        Where the result is kept, written whole or not at all; None to keep nothing.
    make : callable
        ``make()`` gives plain numbers, text, lists and dicts.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    if file is None:
        return make()
    if file.is_file():
        return json.loads(file.read_text(encoding="utf-8"))
    with _told(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)  # before the work, which would be lost
    made = make()
    with _told(file.parent):
        part = file.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(made), encoding="utf-8")
        part.replace(file)
    return made


@contextmanager
def _told(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        problem = f"cannot be written ({error.strerror or error})"
        raise InputError(place, problem, "Free some space, or give a folder that you may write to") from error
