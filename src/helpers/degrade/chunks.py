"""Arrays that take long to make, kept on disk chunk by chunk, so that interrupted work resumes where it stopped."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from helpers.degrade.arrays import check_whole
from helpers.errors import InputError
from helpers.keep import fingerprint, store

UNUSABLE = "cannot be used"


def stored(
    make: Callable[[slice], np.ndarray],
    n: int,
    *,
    folder: str | Path,
    key: Mapping[str, object],
    chunk: int = 64,
    progress: bool = False,
) -> np.ndarray:
    """Compute rows 0 to n with `make`, or read them from disk if they were computed before.

    Parameters
    ----------
    make : callable
        ``make(rows)`` returns the array of a slice of rows, with a first axis as long as the slice. A row must not
        depend on the slice that contains it.
    n : int
        Number of rows.
    folder : path
        Folder for all results. Each result has a subfolder, named by a hash of the key, of the code that `make`
        computes with and of the versions of the libraries in that code.
    key : mapping
        Everything that determines the rows, as plain values: names, numbers, text, lists of these. For data and trained
        networks, give a hash. For a `make` from outside this package, give something that changes with its code.
    chunk : int
        Number of rows made, and kept, at a time. Each chunk is one file, named by its rows and its checksum, and
        written whole or not at all. A file that does not match its checksum is made again.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    ndarray
        (n, ...)

    Raises
    ------
    InputError
        The folder cannot be used, the key is not plain, or `make` returned anything but one array per chunk, with the
        same dtype and row shape in every chunk.
    """
    from tqdm.auto import tqdm

    check_whole("n", n, least=1)
    check_whole("chunk", chunk, least=1)
    place = Path(folder) / _name(key, make)
    with store.refused(place, problem=UNUSABLE):
        place.mkdir(parents=True, exist_ok=True)
    found = None
    for start in tqdm(range(0, n, chunk), unit="chunk", disable=not progress):
        rows = slice(start, min(start + chunk, n))
        stem = f"{rows.start:07d}-{rows.stop:07d}"
        with store.refused(place, problem=UNUSABLE):
            kept = _read(place, stem)
        part = make(rows) if kept is None else kept
        _check(part, rows, found)
        if kept is None:
            _write(place, stem, part)
        if found is None:
            found = np.empty((n, *part.shape[1:]), part.dtype)
        found[rows] = part
    return found


def _name(key: Mapping[str, object], make: Callable) -> str:
    try:
        text = json.dumps([dict(key), fingerprint.made_by(make)], sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            "key", f"it holds a value that is not a number, text or list ({error})", "Give numbers, text and lists"
        ) from error
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _read(place: Path, stem: str) -> np.ndarray | None:
    """Read the chunk from a file if its content matches the checksum in its name; remove files that do not match."""
    for file in sorted(place.glob(f"{stem}.*.npy")):
        content = file.read_bytes()
        if file.name == f"{stem}.{hashlib.sha256(content).hexdigest()}.npy":
            return np.load(io.BytesIO(content))
        file.unlink()
    return None


def _write(place: Path, stem: str, array: np.ndarray) -> None:
    stream = io.BytesIO()
    np.save(stream, array)
    content = stream.getvalue()
    chunk = place / f"{stem}.{hashlib.sha256(content).hexdigest()}.npy"
    with store.file(chunk, problem=UNUSABLE) as part:
        part.write_bytes(content)


def _check(part: object, rows: slice, found: np.ndarray | None) -> None:
    where, count = f"make, rows {rows.start} to {rows.stop}", rows.stop - rows.start
    if not isinstance(part, np.ndarray) or part.dtype.hasobject or not part.ndim or len(part) != count:
        what = f"{part.dtype} {part.shape}" if isinstance(part, np.ndarray) else type(part).__name__
        raise InputError(where, f"expected an array of {count} rows, found {what}", "Return one NumPy array of numbers")
    if found is not None and (part.dtype, part.shape[1:]) != (found.dtype, found.shape[1:]):
        problem = f"{part.dtype} {part.shape[1:]} a row, after {found.dtype} {found.shape[1:]}"
        raise InputError(where, problem, "Return rows of one dtype and shape")
