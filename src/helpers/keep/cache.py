"""Finished parts of long work, kept on disk, so that interrupted work resumes where it stopped."""

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
# Parameters that affect no trained network, and DEVICE: the hash takes the device actually used instead.
NOT_TRAINED_BY = {"RUN_DIR", "DATA_ROOT", "DEVICE", "WORKERS", "N_BOOTSTRAP", "N_PERMUTATIONS"}


def folder(
    parameters: Mapping[str, object],
    *places: str | Path,
    by: Maker | Sequence[Maker],
    device: processor.Device = "auto",
    precision: processor.Precision = "auto",
) -> Path:
    """Name the folder for the finished parts of one plan, ``data/networks/<hash>``; it is not created.

    Parameters
    ----------
    parameters : mapping
        All parameters that determine the parts; those of a study that affect no network are left out of the hash.
    *places : str or Path
        Folders and files of the data. Their names, sizes and tables are hashed.
    by : callable, module, or sequence of them
        The functions that make the parts, including those that read and select the inputs. The hash covers the code
        that they compute with and the versions of the libraries in it, so a change elsewhere in the package discards
        nothing.
    device, precision : str
        As in `helpers.learn.fit`. The hash covers the device and precision that "auto" selects on this machine: a
        network that a GPU trained in bfloat16 is not reused on a CPU.
    """
    trained_by = {k: v for k, v in parameters.items() if k not in NOT_TRAINED_BY}
    makers = by if isinstance(by, Sequence) else [by]
    known = [trained_by, fingerprint.made_by(*makers), processor.describe(device, precision), fingerprint.data(*places)]
    text = json.dumps(known, sort_keys=True, default=str)
    return paths.data() / "networks" / hashlib.sha256(text.encode()).hexdigest()[:12]


def once(file: Path | None, make: Callable[[], Any]) -> Any:
    """Compute a result with `make`, or read it from the file if it was computed before.

    Parameters
    ----------
    file : Path, optional
        File of the result, written whole or not at all; None to keep nothing.
    make : callable
        ``make()`` returns plain numbers, text, lists and dicts.

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
        file.parent.mkdir(parents=True, exist_ok=True)  # before the work, which an error here would lose
    made = make()
    with store.file(file) as part:
        part.write_text(json.dumps(made), encoding="utf-8")
    return made
