"""Kinds of picture files, a picture and its header, and refusals that all readers of pictures share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from helpers.errors import InputError

EMPTY, NO_IMAGE, DAMAGED, DEEP = "is empty", "is no image", "is cut off or damaged", "has more than 8 bits a channel"
AGAIN = "Download it again, or leave the case out"
Spacing = tuple[float, float] | None


class Picture(NamedTuple):
    """One picture.

    values : ndarray, (height, width) for grey and (height, width, 3) for RGB; integers as stored, or float32
    bits : bits a channel in the file
    colour : "grey" or "RGB"
    spacing : distance of the pixels' centres in mm, down and across, where the header has it
    """

    values: np.ndarray
    bits: int
    colour: str
    spacing: Spacing = None


class Header(NamedTuple):
    """Facts about a picture file that are known without its pixels; frames are slices, pages or frames."""

    width: int
    height: int
    bits: int
    colour: str
    frames: int
    spacing: Spacing = None


def kind(path: Path) -> str:
    """Find the kind of a file: "nifti" by its name, "dicom" by its name or its first 132 bytes, else "raster".

    Raises
    ------
    InputError
        The file cannot be opened or is empty.
    """
    name = path.name.lower()
    try:
        with path.open("rb") as stream:
            head = stream.read(132)
    except OSError as error:
        raise unreadable(path, error) from None
    if not head:
        raise InputError(path, EMPTY, AGAIN)
    if name.endswith((".nii", ".nii.gz")):
        return "nifti"
    return "dicom" if head[128:] == b"DICM" or name.endswith((".dcm", ".dicom")) else "raster"


def unreadable(file: object, error: OSError) -> InputError:
    """Make the error for a file that the system cannot open."""
    return InputError(file, f"cannot be read ({error.strerror or error})", "Download it, or leave the case out")


def check_frame(where: object, number: int | None, frames: int, *, word: str) -> int:
    """Return the number of the frame to read, from 0.

    Raises
    ------
    InputError
        The file has several frames (a page, frame or slice is the `word`) and none is named, or not so many.
    """
    if number is None and frames > 1:
        raise InputError(where, f"has {frames} {word}s, and no slice is named", f"Name one, from 0 to {frames - 1}")
    if number is not None and not 0 <= number < frames:
        number_of = f"{frames} {word}" + "s" * (frames != 1)
        raise InputError(where, f"has {number_of}, so none is number {number}", "Slices are counted from 0")
    return number or 0


def check_bytes(picture: Picture, where: object) -> None:
    """Refuse a picture that is not made of 8-bit values."""
    if picture.values.dtype != np.uint8:
        raise InputError(where, DEEP, "Convert it to 8 bits")


def check_finite(picture: Picture, where: object) -> Picture:
    """Return the picture; refuse one that holds NaN or infinite values."""
    if picture.values.dtype.kind == "f" and not np.isfinite(picture.values).all():
        raise InputError(where, "holds values that are not finite", "Export the image again, or leave the case out")
    return picture


def check_size(size: int) -> int:
    """Return the side of a square in pixels as an int; refuse any but a whole number above 0."""
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise InputError("size", f"{size!r} is not a whole number above 0", "Give the side in pixels, such as 64")
    return int(size)


def as_paths(files: Iterable[object]) -> list[Path]:
    """Convert file names to paths; refuse an empty list and an empty name."""
    paths = []
    for row, file in enumerate(files):
        if not isinstance(file, str | Path) or not str(file).strip():
            raise InputError(f"files, number {row}", f"{file!r} is not the name of a file", "Fill in the path")
        paths.append(Path(file))
    if not paths:
        raise InputError("files", "no file is given", "Give the paths of the images")
    return paths


def as_numbers(slices: Iterable[object] | None, n: int) -> list[int | None]:
    """Convert numbers of slices to int; an empty one, or all without a list, is None.

    Raises
    ------
    InputError
        There are not `n` of them, or one is not a whole number of at least 0.
    """
    if slices is None:
        return [None] * n
    found = [_number(row, value) for row, value in enumerate(slices)]
    if len(found) != n:
        raise InputError("slices", f"{len(found)} are given for {n} files", "Give one for each file, or leave it empty")
    return found


def _number(row: int, value: object) -> int | None:
    text = "" if value is None else str(value).strip()
    if text.lower() in {"", "nan", "<na>", "none"}:
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if number < 0 or not number.is_integer():
        raise InputError(f"slices, number {row}", f"{text!r} is not a whole number of at least 0", "Correct the number")
    return int(number)
