"""Slices of FLAIR images with their tumour masks, as input for a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from helpers.datasets.shared.folder import each_case
from helpers.datasets.shared.nifti import check_same_grid, read_nifti, round_labels
from helpers.datasets.ucsf_pdgm import layout
from helpers.errors import InputError, check_choice

# Target -> labels of the segmentation that are 1 in its mask.
TARGETS = {
    "core_and_edema": (layout.NECROSIS, layout.EDEMA),
    "whole": (layout.NECROSIS, layout.EDEMA, layout.ENHANCING),
    "enhancing": (layout.ENHANCING,),
}


def load_flair_slices(
    cases: pd.DataFrame,
    size: int,
    *,
    first: int = 60,
    last: int = 130,
    depth: int = 155,
    target: str = "core_and_edema",
    workers: int = 1,
    progress: bool = True,
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Load axial slices of exams and their masks.

    Each slice is scaled by its minimum and maximum to [0, 1] and then resized.

    Parameters
    ----------
    cases : pandas.DataFrame
        Result of `load_ucsf_pdgm`, or some of its rows.
    size : int
        Side of a slice in pixels. The published study uses 256, from 240. A slice that is not square is stretched.
    first, last, depth : int
        First and last slice to take, counted from 0, in a volume of `depth` slices. In a volume with another number of
        slices, the slices are taken that have their centre in the same part of the height.
    target : {"core_and_edema", "whole", "enhancing"}
        Labels that are 1 in a mask: labels 1 and 2 (the published choice, which leaves the enhancing tumour out),
        labels 1, 2 and 4, or label 4.
    workers : int
        Number of processes that read files.
    progress : bool
        Show a progress bar.

    Returns
    -------
    slices : pandas.DataFrame
        One row for each slice, ordered by exam and from bottom to top: ``exam``, ``patient_id``, ``slice`` (its number
        in the volume, from 0) and the other columns of `cases` except the paths.
    images : ndarray of float32, shape (n, 1, size, size)
        Values from 0 to 1. Rows run along the volume's second axis, columns along its first.
    masks : ndarray of uint8, shape (n, 1, size, size)
        Values 0 or 1.

    Raises
    ------
    InputError
        An argument is out of range; a file is missing or cut off; an image and its segmentation differ in shape or
        position; a segmentation holds a value other than 0, 1, 2 and 4; an image holds NaN; or a slice is constant and
        so cannot be scaled.

    Notes
    -----
    Images and masks are resized by Pillow's bilinear filter, which averages over the area that a pixel covers
    (antialiasing). The published code left the resized mask soft. Here a mask is 1 if the resized value is at least
    0.5.
    """
    from tqdm.auto import tqdm

    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise InputError("size", f"{size!r} is not a whole number above 0", "Give the side in pixels, such as 64")
    check_choice("target", target, TARGETS)
    if not 0 <= first <= last < depth:
        problem = f"{first}, {last}, {depth} are not two slices in order and a depth above them"
        raise InputError("first, last, depth", problem, "The published study has 60, 130, 155")
    if cases.empty:
        raise InputError("cases", "there is no case", "Give rows of load_ucsf_pdgm")
    part = (first / depth, (last + 1) / depth)
    todo = [
        (f, s, int(size), part, TARGETS[target]) for f, s in zip(cases["flair"], cases["segmentation"], strict=True)
    ]
    read = each_case(_exam, todo, workers)
    exams = list(tqdm(read, desc="slices", unit="exam", total=len(todo), disable=not progress))
    numbers = [exam[0] for exam in exams]
    n = sum(map(len, numbers))
    images, masks = np.empty((n, 1, size, size), np.float32), np.empty((n, 1, size, size), np.uint8)
    # Copy from the end and release each exam after copying, so that not all of them are in memory twice.
    end = n
    while exams:
        taken, image, mask = exams.pop()
        images[end - len(taken) : end, 0], masks[end - len(taken) : end, 0] = image, mask
        end -= len(taken)
    attributes = cases.drop(columns=["flair", "segmentation"])
    slices = attributes.loc[attributes.index.repeat([len(k) for k in numbers])].reset_index(drop=True)
    slices.insert(2, "slice", np.concatenate(numbers))
    return slices, images, masks


def _exam(
    flair: str, segmentation: str, size: int, part: tuple[float, float], labels: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Load the slices of one exam: their numbers, images and masks."""
    image, mask = read_nifti(flair), read_nifti(segmentation)
    where = f"{flair} and {Path(segmentation).name}"
    check_same_grid(image, mask, where=where, fix="Use the segmentation drawn on this image")
    segments = round_labels(mask[0])
    odd = np.setdiff1d(segments, (0, layout.NECROSIS, layout.EDEMA, layout.ENHANCING))
    if len(odd):
        fix = "Give a segmentation with the labels of BraTS before 2023"
        raise InputError(segmentation, f"holds the value {odd[0]:g}, expected 0, 1, 2 and 4", fix)
    middles = (np.arange(image[0].shape[2]) + 0.5) / image[0].shape[2]
    numbers = np.flatnonzero((middles >= part[0]) & (middles < part[1]))
    if not len(numbers):
        problem = f"no slice of {len(middles)} is between first and last"
        raise InputError(flair, problem, "Take more slices")
    # Transposed, so that the first axis of a slice runs from top to bottom of the picture.
    values = image[0][:, :, numbers].transpose(2, 1, 0).astype(np.float32)
    low, high = values.min(axis=(1, 2)), values.max(axis=(1, 2))
    for number, least, most in zip(numbers, low, high, strict=True):
        if not np.isfinite([least, most]).all():
            raise InputError(f"{flair}, slice {number}", "holds values that are not finite", "Export the image again")
        if least == most:
            fix = "Leave the exam out, or take fewer slices"
            raise InputError(
                f"{flair}, slice {number}", f"has the value {least:g} everywhere and cannot be scaled", fix
            )
    scaled = (values - low[:, None, None]) / (high - low)[:, None, None]
    chosen = np.isin(segments[:, :, numbers], labels).transpose(2, 1, 0).astype(np.float32)
    return numbers, _resize(scaled, size), (_resize(chosen, size) >= 0.5).astype(np.uint8)


def _resize(images: np.ndarray, size: int) -> np.ndarray:
    from PIL import Image

    if images.shape[1:] == (size, size):
        return images
    way = Image.Resampling.BILINEAR
    return np.stack([np.asarray(Image.fromarray(image).resize((size, size), way)) for image in images])
