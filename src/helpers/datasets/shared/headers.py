"""Quick check of many picture files before a study starts: all exist, and headers of a sample can be read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.datasets.shared import formats
from helpers.datasets.shared.pictures import check_slice, read_header
from helpers.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["row", "width", "height", "bits", "colour", "frames"]


def check_pictures(
    files: Sequence[str | Path],
    *,
    rows: Sequence[object] | None = None,
    slices: Sequence[object] | None = None,
    sample: int | None = 200,
) -> pd.DataFrame:
    """Check that all picture files exist, and read the headers of a sample, without decoding pixels.

    Parameters
    ----------
    files : sequence of path
        Files as in `read_picture`.
    rows : sequence, optional
        Name of each file's row for errors, such as its number in the spreadsheet; by default counted from 0.
    slices : sequence of int, optional
        For each file, the slice, page or frame, from 0; an empty one is None or NaN.
    sample : int, optional
        Number of headers to read, evenly spaced over the list, and the first file of each suffix with them; None reads
        all.

    Returns
    -------
    DataFrame
        One row for each header read: ``row``, ``width`` and ``height`` in pixels (turned upright), ``bits`` a channel,
        ``colour`` ("grey" or "RGB") and ``frames`` (slices, pages or frames).

    Raises
    ------
    InputError
        Files are missing (the first is named with its row, all are counted), a header cannot be read, a slice does not
        exist, or a file has several pages or frames and no slice is named.
    """
    import pandas as pd

    if sample is not None and (isinstance(sample, bool) or sample < 1):
        raise InputError("sample", f"{sample!r} is not a whole number above 0", "Give a number such as 200, or None")
    paths = formats.as_paths(files)
    numbers = formats.as_numbers(slices, len(paths))
    names = list(range(len(paths))) if rows is None else list(rows)
    if len(names) != len(paths):
        raise InputError("rows", f"{len(names)} are given for {len(paths)} files", "Give one for each file")
    _check_exist(paths, names)
    found = []
    for k in _chosen(paths, sample):
        try:
            header = read_header(paths[k])
            check_slice(paths[k], header, numbers[k])
        except InputError as error:
            raise InputError(f"row {names[k]}, {error.where}", error.problem, error.fix) from None
        found.append((names[k], *header[:5]))
    return pd.DataFrame(found, columns=COLUMNS)


def check_masks(
    masks: Sequence[str | Path],
    pictures: Sequence[str | Path],
    *,
    rows: Sequence[object],
    sample: int = 200,
) -> None:
    """Check that all mask files exist, and that those of a sample have the width and height of their pictures.

    Parameters
    ----------
    masks, pictures : sequence of path
    rows : sequence
        Name of each mask's row for errors.
    sample : int
        Number of headers to read, as in `check_pictures`.

    Raises
    ------
    InputError
        Files are missing, a header cannot be read, or a size differs; the message names the row and the mask.
    """
    paths, others = formats.as_paths(masks), formats.as_paths(pictures)
    _check_exist(paths, list(rows))
    for k in _chosen(paths, sample):
        try:
            own, header = read_header(paths[k]), read_header(others[k])
        except InputError as error:
            raise InputError(f"row {rows[k]}, {error.where}", error.problem, error.fix) from None
        if own[:2] != header[:2]:
            problem = f"is {own.width} x {own.height} pixels, and its picture {header.width} x {header.height}"
            raise InputError(f"row {rows[k]}, {paths[k]}", problem, "Give the mask drawn on this picture")


def _check_exist(paths: list[Path], names: list[object]) -> None:
    missing = [k for k, path in enumerate(paths) if not path.is_file()]
    if missing:
        first, more = missing[0], f" (and {len(missing) - 1} more files are missing)" * (len(missing) > 1)
        problem = ("is a folder" if paths[first].is_dir() else "there is no such file") + more
        fix = "Correct the path, which is looked for from the folder that holds the table, or leave the row out"
        raise InputError(f"row {names[first]}, {paths[first]}", problem, fix)


def _chosen(paths: list[Path], sample: int | None) -> list[int]:
    """Pick positions that are evenly spaced, and the first of each suffix."""
    n = len(paths)
    if sample is None or sample >= n:
        return list(range(n))
    first: dict[str, int] = {}
    for k, path in enumerate(paths):
        first.setdefault(path.suffix.lower(), k)
    return sorted({k * n // sample for k in range(sample)} | set(first.values()))
