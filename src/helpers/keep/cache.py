"""Finished parts of long work, kept on disk, so that work that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from helpers import paths
from helpers.keep import fingerprint, processor, store

Maker = Callable | ModuleType
# Parameters that reach no trained network, and the device, which is keyed by what it is.
NOT_TRAINED_BY = {"RUN_DIR", "DATA_ROOT", "DEVICE", "WORKERS", "N_BOOTSTRAP", "N_PERMUTATIONS"}


def folder(
    parameters: Mapping[str, object],
    *places: Path,
    by: Maker | Sequence[Maker],
    device: processor.Device = "auto",
    precision: processor.Precision = "auto",
) -> Path:
    """Name the folder for the finished parts of one plan, ``data/networks/<hash>``; it is not made.

    Parameters
    ----------
    parameters : mapping
        All that decides what the parts are; those of a study that reach no network are left out.
    *places : Path
        Folders and files of the data. Their names, sizes and tables are hashed.
    by : callable, module, or sequence of them
        The functions that make the parts, also those that read and choose what they are made from. The code that they
        compute with is hashed, and the versions of the libraries in it, so that another change of the package discards
        nothing.
    device, precision : str
        As `helpers.learn.fit` takes them. What "auto" stands for on this machine is hashed: a network that a GPU
        trained in bfloat16 is not taken by a CPU.
    """
    trained_by = {k: v for k, v in parameters.items() if k not in NOT_TRAINED_BY}
    makers = by if isinstance(by, Sequence) else [by]
    known = [trained_by, fingerprint.made_by(*makers), processor.describe(device, precision), fingerprint.data(*places)]
    text = json.dumps(known, sort_keys=True, default=str)
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
    with store.refused(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)  # before the work, which would be lost
    made = make()
    with store.file(file) as part:
        part.write_text(json.dumps(made), encoding="utf-8")
    return made
