"""Many picture files as one array on disk, decoded by threads and written piece by piece."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import numpy as np

from helpers import paths
from helpers.datasets.shared import formats, squares
from helpers.datasets.shared.pictures import read_picture
from helpers.errors import InputError, check_choice
from helpers.keep import fingerprint, store

BUFFER = 64 * 2**20  # bytes of resized pictures that are gathered before they are written
AHEAD = 2  # files for each thread that are being read or wait to be written


def load_pictures(
    files: Sequence[str | Path],
    size: int,
    *,
    channels: int = 1,
    fit: str = "crop",
    scale: str = "minmax",
    slices: Sequence[object] | None = None,
    blank: bool = False,
    workers: int | None = None,
    progress: bool = True,
    folder: str | Path | None = None,
) -> np.ndarray:
    """Load picture files as squares of one size, kept on disk so that they are decoded only once.

    Memory holds `BUFFER` bytes of resized pictures and, for each worker, one picture in full size and `AHEAD` resized
    ones, however many files there are.

    Parameters
    ----------
    files : sequence of path
        Files as in `read_picture`.
    size : int
        Side in pixels.
    channels : {1, 3}
        Grey or RGB; a picture of the other kind is converted.
    fit : {"crop", "squeeze", "pad"}
        Resize the shorter side and crop the centre, scale both sides to the square, or resize the longer side and fill
        the rest with 0.
    scale : {"minmax", "bytes"}
        float32 with 0 and 1 for each picture's smallest and largest value before it is resized, or uint8 unchanged.
    slices : sequence of int, optional
        For each file, the slice, page or frame, from 0; an empty one is None or NaN.
    blank : bool
        With "minmax", give zeros for a constant picture instead of refusing it.
    workers : int, optional
        Number of threads that decode; by default the cores that this process may use.
    progress : bool
        Show a progress bar.
    folder : str or Path, optional
        Folder of the kept result; by default ``data/prepared`` of the project. The name of the kept file holds a hash
        of the files' paths, sizes and times of change, of the arguments, of this code and of library versions.

    Returns
    -------
    ndarray of float32 or uint8, shape (n, channels, size, size)
        In the order of `files`. Pixels are read from disk when they are used; changes to the array do not change the
        file, and an array larger than memory and swap together is read-only. Pictures are resized by Pillow's bilinear
        filter, which averages over the area that a pixel covers. A JPEG at least four times as large as asked is first
        decoded at 1/2, 1/4 or 1/8 of its size.

    Raises
    ------
    InputError
        An argument is unusable, a file is missing (raised at once), or files cannot be read, are constant with
        "minmax", or are deeper than 8 bits with "bytes" (raised after all other files were tried).
    """
    check_choice("channels", channels, (1, 3))
    check_choice("fit", fit, squares.FITS)
    check_choice("scale", scale, squares.SCALES)
    size, files = formats.check_size(size), formats.as_paths(files)
    numbers = formats.as_numbers(slices, len(files))
    facts = [size, channels, fit, scale, numbers, blank]
    shape = (len(files), channels, size, size)

    def job(file: Path, number: int | None) -> np.ndarray:
        picture = read_picture(file, slice=number, side=size)
        return squares.square(picture, size, channels=channels, fit=fit, scale=scale, where=file, blank=blank)

    place = kept_file("pictures", files, facts, by=__name__, folder=folder)
    todo = zip(files, numbers, strict=True)
    return keep_once(place, job, todo, shape, squares.SCALES[scale], workers=workers, progress=progress)


def kept_file(stem: str, files: Sequence[Path], facts: object, *, by: str, folder: str | Path | None) -> Path:
    """Name the file that keeps a result: by a hash of files, arguments (`facts`, as JSON), and code of module `by`.

    Raises
    ------
    InputError
        Files are missing; the first is named and all are counted.
    """
    known, missing = [], []
    for file in files:
        try:
            stat = file.stat()
            known.append((str(file.absolute()), stat.st_size, stat.st_mtime_ns))
        except OSError as error:
            missing.append(formats.unreadable(file, error))
    _refuse(missing[:1], len(missing))
    digest = hashlib.sha256(json.dumps([known, facts, fingerprint.made_by(by)]).encode()).hexdigest()[:16]
    return (Path(folder) if folder else paths.data() / "prepared") / f"{stem}-{digest}.npy"


def keep_once(
    place: Path,
    job: Callable[..., np.ndarray],
    todo: Iterable[tuple],
    shape: tuple[int, ...],
    dtype: np.dtype,
    *,
    workers: int | None,
    progress: bool,
) -> np.ndarray:
    """Return the array kept at `place`, after the results of ``job(*case)`` were written there if it was missing.

    Raises
    ------
    InputError
        Jobs raised InputError: the first is raised after all cases were tried, and nothing is kept. Or the disk is
        full or refuses.
    """
    from joblib import cpu_count
    from tqdm.auto import tqdm

    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise InputError("workers", f"{workers!r} is not a whole number above 0", "Give a number of threads, such as 2")
    if not place.is_file():
        with store.file(place) as part:
            _check_space(part.parent, int(np.prod(shape)) * dtype.itemsize)
            results = _in_order(job, todo, workers or cpu_count())
            bar = tqdm(results, desc="images", unit="image", total=shape[0], disable=not progress)
            with part.open("wb") as stream:
                _write(bar, shape, dtype, stream)
    return mapped(place)


def mapped(place: Path) -> np.ndarray:
    """Open a kept array without reading it; it cannot be changed if it is larger than memory and swap together."""
    try:
        return np.asarray(np.load(place, mmap_mode="c"))
    except OSError:
        # Linux grants no private copy of that size, even though nothing is copied until it is changed.
        return np.asarray(np.load(place, mmap_mode="r"))


def _in_order(job: Callable, todo: Iterable[tuple], workers: int) -> Iterator[np.ndarray | InputError]:
    """Yield the results in the order of the cases, with a bounded number of them in flight."""

    def tried(*case: object) -> np.ndarray | InputError:
        try:
            return job(*case)
        except InputError as error:
            return error

    if workers == 1:
        yield from (tried(*case) for case in todo)
        return
    waiting: deque = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for case in todo:
                waiting.append(pool.submit(tried, *case))
                if len(waiting) >= AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _write(results: Iterable, shape: tuple[int, ...], dtype: np.dtype, stream: BinaryIO) -> None:
    """Write results as a .npy file through a buffer; write no more after the first that is an error."""
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    one = int(np.prod(shape[1:])) * dtype.itemsize
    piece = np.empty((min(max(1, BUFFER // one), shape[0]), *shape[1:]), dtype)
    filled, bad, first = 0, 0, None
    for result in results:
        if isinstance(result, InputError):
            first, bad = first or result, bad + 1
        elif not bad:
            piece[filled] = result
            filled += 1
        if filled == len(piece):
            stream.write(piece.data)
            filled = 0
    _refuse([first], bad)
    stream.write(piece[:filled].data)


def _refuse(first: list[InputError], n: int) -> None:
    """Raise the first of `n` errors, with the number of the others."""
    if n:
        more = f" (and {n - 1} more)" * (n > 1)
        raise InputError(first[0].where, f"{first[0].problem}{more}", first[0].fix)


def _check_space(place: Path, needed: int) -> None:
    free = shutil.disk_usage(place).free
    if needed > free:
        problem = f"has {free / 1e9:.3g} GB free, and the pictures take {needed / 1e9:.3g} GB"
        raise InputError(place, problem, "Free some space, give another folder, or ask for a smaller size")
