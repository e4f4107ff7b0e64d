"""Images and masks of one patient of a MAMA-MIA download, ready for a network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from helpers.datasets.shared.files import find
from helpers.datasets.shared.nifti import check_same_grid, read_nifti
from helpers.errors import InputError


class Volume(NamedTuple):
    """One patient on one grid.

    image : float32, (2, x, y, z): first post-contrast phase and its difference to the pre-contrast one, z-scored
    expert, automatic : bool, (x, y, z); automatic is None in a data set without such masks
    spacing : voxel size in mm along x, y, z
    """

    image: np.ndarray
    expert: np.ndarray
    automatic: np.ndarray | None
    spacing: tuple[float, float, float]


def has_images(root: str | Path) -> bool:
    """Whether a folder holds images, and not only tables of scores."""
    folder = find(root, "images")
    return folder is not None and folder.is_dir()


def load_volume(root: str | Path, patient_id: str) -> Volume:
    """Images and masks of a patient on their own grid.

    Parameters
    ----------
    root : str or Path
        Folder of the download: ``images``, ``segmentations/expert`` and, unless there is no such folder,
        ``segmentations/automatic``.
    patient_id : str
        In any case.

    Raises
    ------
    InputError
        A file is missing or unreadable, the grids differ, a mask is not binary, or the image is constant.
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
        if not np.isin(mask[0], (0, 1)).all():
            raise InputError(path, "holds values other than 0 and 1", "Save a binary mask")
        masks[i] = mask[0] > 0
    for k, phase in zip(sorted(files), phases, strict=True):
        check_same_grid(phases[0], phase, where=f"{files[0]} and {files[k]}", fix="Register the phases to one grid")
    spacing = tuple(float(v) for v in np.sqrt((phases[0][1][:3, :3] ** 2).sum(axis=0)))
    intensities = np.stack([voxels for voxels, _ in phases]).astype(np.float32)
    try:
        image = enhancement(intensities)
    except InputError as error:
        raise InputError(folder, error.problem, error.fix) from None
    return Volume(image, *masks, spacing)


def enhancement(phases: np.ndarray) -> np.ndarray:
    """First post-contrast phase and its difference to the pre-contrast one, float32 (2, ...), from phases (k, ...).

    Both are z-scored with the mean and SD over all phases, so that enhancement is kept.

    Raises
    ------
    InputError
        The phases are constant, or hold values that are no finite numbers.
    """
    mean, sd = float(phases.mean(dtype=np.float64)), float(phases.std(dtype=np.float64))
    if not np.isfinite(sd) or sd == 0:
        raise InputError("image", "it is constant or holds values that are no numbers", "Download it again")
    return np.stack([(phases[1] - mean) / sd, (phases[1] - phases[0]) / sd]).astype(np.float32)


def mask_file(root: str | Path, kind: str, patient_id: str) -> Path:
    """File of a patient's ``expert`` or ``automatic`` mask, whatever the case of its name."""
    for ending in (".nii.gz", ".nii"):
        path = find(root, "segmentations", kind, f"{patient_id}{ending}")
        if path is not None:
            return path
    raise InputError(f"{root}, segmentations/{kind}", f"no mask of {patient_id}", "Download both folders of masks")


def resample(volume: Volume, spacing: float) -> Volume:
    """The volume on a grid of cubic voxels: images by cubic splines, masks by linear interpolation cut at one half.

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
    """Voxels resampled to `shape` over the same extent: edges of the volume stay where they are."""
    factors = [new / old for new, old in zip(shape, voxels.shape, strict=True)]
    return ndimage.zoom(voxels, factors, order=order, mode="nearest", grid_mode=True)


def largest_slice(volume: Volume, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The axial slice with the largest expert area, as a square.

    The slice is chosen by the expert mask, which a network in use does not have: scores on such slices compare labels
    and groups, they are no performance in the clinic.

    Parameters
    ----------
    size : int
        Side in voxels; the slice is cropped about its tumour, or padded by its edge values.

    Returns
    -------
    image : float32, (2, size, size)
    expert, automatic : bool, (size, size)
    """
    k = int(volume.expert.sum(axis=(0, 1)).argmax())
    if volume.automatic is None:
        raise InputError("automatic mask", "there is none", "Download segmentations/automatic")
    inside = np.argwhere(volume.expert[..., k])
    middle = inside.mean(axis=0).round().astype(int) if len(inside) else np.array(volume.expert.shape[:2]) // 2
    image = crop(volume.image[..., k], middle, (size, size), pad="edge")
    masks = crop(np.stack([volume.expert[..., k], volume.automatic[..., k]]), middle, (size, size))
    return image.astype(np.float32), masks[0], masks[1]


def crop(array: np.ndarray, centre: Sequence[int], shape: Sequence[int], *, pad: str = "constant") -> np.ndarray:
    """A patch of (channels, ...) as near to `centre` as the array allows, padded where the array is smaller.

    Parameters
    ----------
    centre, shape : sequence of int
        Voxel in the middle, and voxels along each axis but the first.
    pad : str
        Mode of `numpy.pad`: zeros by default, "edge" for the outermost values.
    """
    spans, pads = [slice(None)], [(0, 0)]
    for length, at, size in zip(array.shape[1:], centre, shape, strict=True):
        start = int(np.clip(at - size // 2, 0, max(length - size, 0)))
        spans.append(slice(start, min(start + size, length)))
        missing = max(size - length, 0)
        pads.append((missing // 2, missing - missing // 2))
    return np.pad(array[tuple(spans)], pads, mode=pad)


def folds(strata: np.ndarray, *, n: int, seed: int) -> np.ndarray:
    """Fold of each patient, 0 to n - 1, each stratum spread evenly over the folds.

    Parameters
    ----------
    strata : ndarray of shape (patients,)
        For example the age group.
    n : int
        Folds, 2 or more.
    seed : int
        Seed of the shuffle.

    Raises
    ------
    InputError
        A stratum has fewer patients than there are folds.
    """
    from sklearn.model_selection import StratifiedKFold

    if n < 2:
        raise InputError("folds", f"{n} given", "Take 2 or more")
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
