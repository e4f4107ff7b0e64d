"""Reader of 2-D masks, each checked against its picture and resized with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from helpers.datasets.shared import formats, loading, nifti, squares
from helpers.datasets.shared.pictures import read_header, read_picture
from helpers.errors import InputError, check_choice


def read_mask(
    file: str | Path,
    *,
    inside: Sequence[float] | None = None,
    slice: int | None = None,
    picture: str | Path | None = None,
) -> np.ndarray:
    """Read a mask in two dimensions.

    Parameters
    ----------
    file : str or Path
        PNG, TIFF or another format without loss, NIfTI or DICOM, as in `read_picture`. A palette is read as its
        numbers.
    inside : sequence of number, optional
        Values that are inside the mask; by default every value above 0.
    slice : int, optional
        Slice, page or frame, from 0. A mask of one page next to a picture of several belongs to this slice.
    picture : str or Path, optional
        The picture that the mask belongs to, which must have the same width and height.

    Returns
    -------
    ndarray of bool, shape (height, width)

    Raises
    ------
    InputError
        The file cannot be read, is a JPEG or in colour, or differs from its picture in size, in its number of slices
        or, in NIfTI, in the directions of its axes.
    """
    header = None if picture is None else read_header(picture)
    if header is not None and header.frames > 1:
        _check_frames(file, picture, header.frames)
    one_page = slice is not None and header is not None and read_header(file).frames == 1
    values = read_picture(file, slice=None if one_page else slice, raw=True).values
    if values.ndim == 3:
        if (values != values[..., :1]).any():
            raise InputError(file, "is in colour, expected one value a pixel", "Save the mask as grey values")
        values = values[..., 0]
    if header is not None and values.shape != (header.height, header.width):
        seen = f"{values.shape[1]} x {values.shape[0]}"
        problem = f"is {seen} pixels, and its picture {picture} is {header.width} x {header.height}"
        raise InputError(file, problem, "Give the mask drawn on this picture")
    values = nifti.round_labels(values)
    return values > 0 if inside is None else np.isin(values, list(inside))


def _check_frames(file: str | Path, picture: str | Path, frames: int) -> None:
    """Refuse a mask of several slices that are not those of its picture."""
    own = read_header(file).frames
    if own not in (1, frames):
        problem = f"has {own} slices, and its picture {picture} has {frames}"
        raise InputError(file, problem, "Give the mask drawn on this picture")
    if own > 1 and formats.kind(Path(file)) == formats.kind(Path(picture)) == "nifti":
        mask_axes, picture_axes = nifti.axes(file), nifti.axes(picture)
        if mask_axes != picture_axes:
            problem = f"has the axes {mask_axes}, and its picture {picture} has {picture_axes}"
            raise InputError(file, problem, "Save the mask in the orientation of its picture")


def load_masks(
    files: Sequence[str | Path],
    size: int,
    *,
    pictures: Sequence[str | Path] | None = None,
    inside: Sequence[float] | None = None,
    fit: str = "crop",
    resize: str = "bilinear",
    slices: Sequence[object] | None = None,
    workers: int | None = None,
    progress: bool = True,
    folder: str | Path | None = None,
) -> np.ndarray:
    """Load masks as squares of one size, kept on disk; the geometry is that of `load_pictures` with the same `fit`.

    Parameters
    ----------
    files : sequence of path
        Masks, as in `read_mask`.
    size : int
        Side in pixels.
    pictures : sequence of path, optional
        The picture of each mask, which must have the same width and height.
    inside : sequence of number, optional
        Values that are inside; by default every value above 0.
    fit : {"crop", "squeeze"}
        Resize the shorter side and crop the centre, or scale both sides to the square.
    resize : {"bilinear", "nearest"}
        A pixel is 1 if the antialiased mask is at least 0.5 there, or if the nearest pixel is inside.
    slices, workers, progress, folder
        As in `load_pictures`.

    Returns
    -------
    ndarray of uint8, shape (n, 1, size, size)
        Values 0 or 1.

    Raises
    ------
    InputError
        An argument is unusable, or masks cannot be read or differ in size from their pictures (raised after all other
        files were tried).
    """
    check_choice("fit", fit, squares.FITS)
    check_choice("resize", resize, squares.RESIZES)
    size, files = formats.check_size(size), formats.as_paths(files)
    numbers = formats.as_numbers(slices, len(files))
    beside = formats.as_paths(pictures) if pictures is not None else []
    if beside and len(beside) != len(files):
        raise InputError("pictures", f"{len(beside)} are given for {len(files)} masks", "Give one for each mask")
    values = None if inside is None else [float(value) for value in inside]
    facts = [size, fit, resize, values, numbers, len(beside)]

    def job(file: Path, number: int | None, picture: Path | None) -> np.ndarray:
        mask = read_mask(file, inside=values, slice=number, picture=picture)
        return squares.square_mask(mask, size, fit=fit, resize=resize)

    place = loading.kept_file("masks", [*files, *beside], facts, by=__name__, folder=folder)
    todo = zip(files, numbers, beside or [None] * len(files), strict=True)
    shape = (len(files), 1, size, size)
    return loading.keep_once(place, job, todo, shape, np.dtype(np.uint8), workers=workers, progress=progress)
