"""Images and masks of one patient of a MAMA-MIA download, as input for a network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from helpers.datasets.shared.files import find
from helpers.datasets.shared.nifti import check_same_grid, read_nifti, round_labels, steps
from helpers.errors import InputError


class Volume(NamedTuple):
    """Image and masks of one patient on one grid.

    image : float32, (2, x, y, z): first post-contrast phase and its difference from the pre-contrast phase, z-scored
    expert, automatic : bool, (x, y, z); `automatic` is None in a data set without such masks
    spacing : voxel size in mm along the three axes of the arrays, which are at right angles
    """

    image: np.ndarray
    expert: np.ndarray
    automatic: np.ndarray | None
    spacing: tuple[float, float, float]


def has_images(root: str | Path) -> bool:
    """Return True if a folder holds images, and not only tables of scores."""
    folder = find(root, "images")
    return folder is not None and folder.is_dir()


def load_volume(root: str | Path, patient_id: str) -> Volume:
    """Load the image and masks of a patient on their original grid, which may be turned but not sheared.

    Parameters
    ----------
    root : str or Path
        Folder of the download: ``images``, ``segmentations/expert`` and, unless there is no such folder,
        ``segmentations/automatic``.
    patient_id : str
        Id in upper or lower case.

    Raises
    ------
    InputError
        A file is missing or unreadable, the grids differ or are sheared, a mask is not binary, or the image is
        constant.
    """
    folder = find(root, "images", patient_id)
    if folder is None:
        raise InputError(f"{root}, images", f"no folder for {patient_id}", "Download the images of every patient")
    numbered = ((re.search(r"_(\d{4})\.nii(\.gz)?$", p.name), p) for p in folder.iterdir())
    files = {int(match[1]): p for match, p in numbered if match}
    if not {0, 1} <= set(files):
        raise InputError(folder, f"holds phases {sorted(files)}, expected 0 and 1 at least", "Download both phases")
    phases = [read_nifti(files[k]) for k in sorted(files)]
    masks: list[np.ndarray | None] = [None, None]
    kinds = [k for k in ("expert", "automatic") if k == "expert" or find(root, "segmentations", k) is not None]
    for i, kind in enumerate(kinds):
        path = mask_file(root, kind, patient_id)
        mask = read_nifti(path)
        check_same_grid(phases[1], mask, where=f"{files[1]} and {path}", fix="Use the mask drawn on this image")
        values = round_labels(mask[0])
        if not np.isin(values, (0, 1)).all():
            raise InputError(path, "holds values other than 0 and 1", "Save a binary mask")
        masks[i] = values > 0
    for k, phase in zip(sorted(files), phases, strict=True):
        check_same_grid(phases[0], phase, where=f"{files[0]} and {files[k]}", fix="Register the phases to one grid")
    spacing = steps(phases[0][1])
    if not isinstance(spacing, tuple):
        fix = "Resample images and masks to a grid at right angles"
        raise InputError(files[0], "the axes of its grid are not at right angles, so voxels are no boxes", fix)
    intensities = np.stack([voxels for voxels, _ in phases]).astype(np.float32)
    try:
        image = enhancement(intensities)
    except InputError as error:
        raise InputError(folder, error.problem, error.fix) from None
    return Volume(image, *masks, spacing)


def enhancement(phases: np.ndarray) -> np.ndarray:
    """Compute the first post-contrast phase and its difference from the pre-contrast phase from phases (k, ...).

    The result is float32, (2, ...). Both are scaled with the mean and SD over all phases (the difference by the SD
    alone), so that enhancement is preserved.

    Raises
    ------
    InputError
        The phases are constant or hold values that are not finite.
    """
    mean, sd = float(phases.mean(dtype=np.float64)), float(phases.std(dtype=np.float64))
    if not np.isfinite(sd) or sd == 0:
        raise InputError("image", "it is constant or holds values that are not numbers", "Download it again")
    return np.stack([(phases[1] - mean) / sd, (phases[1] - phases[0]) / sd]).astype(np.float32)


def mask_file(root: str | Path, kind: str, patient_id: str) -> Path:
    """Find the file of a patient's ``expert`` or ``automatic`` mask; its name may be in upper or lower case."""
    for ending in (".nii.gz", ".nii"):
        path = find(root, "segmentations", kind, f"{patient_id}{ending}")
        if path is not None:
            return path
    raise InputError(f"{root}, segmentations/{kind}", f"no mask of {patient_id}", "Download both folders of masks")


def resample(volume: Volume, spacing: float) -> Volume:
    """Resample a volume to cubic voxels: the image by cubic splines, masks by linear interpolation and a cut at 0.5.

    Parameters
    ----------
    spacing : float
        Voxel size in mm.
    """
    shape = tuple(max(1, round(n * s / spacing)) for n, s in zip(volume.expert.shape, volume.spacing, strict=True))
    image = np.stack([to_grid(channel, shape, order=3) for channel in volume.image])
    masks = (m if m is None else to_grid(m.astype(np.float32), shape) >= 0.5 for m in (volume.expert, volume.automatic))
    return Volume(image, *masks, (float(spacing),) * 3)


def to_grid(voxels: np.ndarray, shape: tuple[int, ...], *, order: int = 1) -> np.ndarray:
    """Resample voxels to `shape` over the same extent: the edges of the volume do not move."""
    factors = [new / old for new, old in zip(shape, voxels.shape, strict=True)]
    return ndimage.zoom(voxels, factors, order=order, mode="nearest", grid_mode=True)


def largest_slice(volume: Volume, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Extract the axial slice with the largest area of the expert mask, as a square.

    The slice is chosen by the expert mask, which a network in use does not have. So scores on such slices compare
    labels and groups; they do not measure clinical performance.

    Parameters
    ----------
    size : int
        Side in voxels. The slice is cropped around its tumour; a smaller slice is padded, the image by its edge values.

    Returns
    -------
    image : float32, (2, size, size)
    expert, automatic : bool, (size, size)
    """
    k = int(volume.expert.sum(axis=(0, 1)).argmax())
    if volume.automatic is None:
        raise InputError("automatic mask", "there is no mask", "Download segmentations/automatic")
    inside = np.argwhere(volume.expert[..., k])
    middle = inside.mean(axis=0).round().astype(int) if len(inside) else np.array(volume.expert.shape[:2]) // 2
    image = crop(volume.image[..., k], middle, (size, size), pad="edge")
    masks = crop(np.stack([volume.expert[..., k], volume.automatic[..., k]]), middle, (size, size))
    return image.astype(np.float32), masks[0], masks[1]


def crop(array: np.ndarray, centre: Sequence[int], shape: Sequence[int], *, pad: str = "constant") -> np.ndarray:
    """Crop a patch of (channels, ...) as near to `centre` as the array allows; pad it if the array is smaller.

    Parameters
    ----------
    centre, shape : sequence of int
        Voxel at the centre of the patch, and its number of voxels; both along each axis but the first.
    pad : str
        Mode of `numpy.pad`: "constant" pads with zeros, "edge" with the outermost values.
    """
    spans, pads = [slice(None)], [(0, 0)]
    for length, at, size in zip(array.shape[1:], centre, shape, strict=True):
        start = int(np.clip(at - size // 2, 0, max(length - size, 0)))
        spans.append(slice(start, min(start + size, length)))
        missing = max(size - length, 0)
        pads.append((missing // 2, missing - missing // 2))
    return np.pad(array[tuple(spans)], pads, mode=pad)


def folds(strata: np.ndarray, *, n: int, seed: int) -> np.ndarray:
    """Assign a fold of cross-validation, 0 to n - 1, to each patient; each stratum is spread evenly over the folds.

    Parameters
    ----------
    strata : ndarray of shape (patients,)
        Stratum of each patient, for example the age group.
    n : int
        Number of folds, 2 or more.
    seed : int
        Seed of the shuffle.

    Raises
    ------
    InputError
        There are fewer than 2 folds, or a stratum has fewer patients than there are folds.
    """
    from sklearn.model_selection import StratifiedKFold

    if n < 2:
        raise InputError("folds", f"must be 2 or more, got {n}", "Take 5")
    names, sizes = np.unique(np.asarray(strata).astype(str), return_counts=True)
    if sizes.min() < n:
        few = f"{names[sizes.argmin()]} has {sizes.min()} patient(s), for {n} folds"
        raise InputError("folds", few, "Take fewer folds, or leave that group out")
    fold = np.empty(len(strata), int)
    split = StratifiedKFold(n, shuffle=True, random_state=seed).split(
        np.zeros(len(strata)), np.asarray(strata).astype(str)
    )
    for k, (_, held_out) in enumerate(split):
        fold[held_out] = k
    return fold
