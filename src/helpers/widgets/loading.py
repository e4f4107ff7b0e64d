"""Pictures of one case for the explorers of cases: loaders for each study's data, slice by slice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from helpers import datasets
from helpers.errors import InputError

if TYPE_CHECKING:
    from torch import nn

    from helpers.learn import Outputs, Task

BREAST_MM = 90.0  # mm; side of the square that is shown of a slice
LARGEST = 0.5  # share of the grey range; an error of this size or more is drawn in the brightest colour
LOW, HIGH = 1, 99.5  # percentiles of a volume that are drawn black and white


class Pictures(NamedTuple):
    """Pictures of one case, all with k slices.

    images : name to uint8 (k, h, w) in grey, or (k, h, w, 3) in colour
    masks : name of an image to the bool mask (k, h, w) that is outlined on it
    """

    images: dict[str, np.ndarray]
    masks: dict[str, np.ndarray]

    def slices(self) -> int:
        """Return the number of slices."""
        return len(next(iter(self.images.values())))

    def first(self) -> int:
        """Choose the slice to show first: where the first non-empty mask has the largest area, else the middle one."""
        for mask in self.masks.values():
            if mask.any():
                return int(mask.sum(axis=(1, 2)).argmax())
        return self.slices() // 2


Load = Callable[[pd.Series], Pictures]


def breast_pictures(root: str | Path) -> Load:
    """Make a loader of breast images with their gold (expert) and silver (automatic) masks.

    Parameters
    ----------
    root : path
        Folder in the layout of MAMA-MIA, with images and masks.

    Returns
    -------
    callable
        Takes a row with ``patient_id`` and returns `Pictures` of the first phase after contrast, a square of 90 mm
        centred on the masks. Raises InputError if the folder has no images of this patient.
    """

    def load(row: pd.Series) -> Pictures:
        volume = datasets.load_volume(root, row["patient_id"])
        silver = volume.automatic if volume.automatic is not None else np.zeros_like(volume.expert)
        inside = np.argwhere((volume.expert | silver).any(axis=2))
        shape = np.array(volume.expert.shape[:2])
        middle = ((inside.min(0) + inside.max(0)) // 2) if len(inside) else shape // 2
        side = np.minimum(np.ceil(BREAST_MM / np.array(volume.spacing[:2])).astype(int), shape)
        low, high = np.percentile(volume.image[0], (LOW, HIGH))
        grey = np.clip(255 * (volume.image[0] - low) / max(high - low, 1e-6), 0, 255).round()
        # Slices first; rows run along the second axis, from top to bottom.
        grey, gold, silver = (
            datasets.crop(np.moveaxis(a, 2, 0).transpose(0, 2, 1), middle[::-1], side[::-1])
            for a in (grey.astype(np.uint8), volume.expert, silver)
        )
        return Pictures({"image": grey, "gold": grey, "silver": grey}, {"gold": gold, "silver": silver})

    return load


def skin_pictures(models: Mapping[tuple[int, str], nn.Module], images: np.ndarray, names: Sequence[object]) -> Load:
    """Make a loader of skin images with a network's reconstruction and its error map.

    Parameters
    ----------
    models : mapping of (run, training) to torch.nn.Module
        From `helpers.learn.load_vae`.
    images : uint8 ndarray of shape (n, 3, s, s)
    names : sequence of n
        Names of the images in the table.

    Returns
    -------
    callable
        Takes a row with ``run, training`` and ``image`` and returns `Pictures`.
    """
    places = {name: k for k, name in enumerate(names)}

    def load(row: pd.Series) -> Pictures:
        from helpers import learn

        key = row["run"], row["training"]
        if key not in models or row["image"] not in places:
            raise InputError(
                "models, images", "no model or image for this case", "Give the models and images of the table"
            )
        original = images[[places[row["image"]]]]
        made = learn.reconstruct(models[key], original)
        shown = {"original": original, "reconstruction": made}
        shown = {name: picture.transpose(0, 2, 3, 1) for name, picture in shown.items()}
        return Pictures({**shown, "error": error_map(*shown.values())}, {})

    return load


def scan_pictures(task: Task, outputs: Outputs) -> Load:
    """Make a loader of a scan's original slices with an arm's reconstruction and its error map.

    Parameters
    ----------
    task : helpers.learn.Task
    outputs : helpers.learn.Outputs
        Outputs for that task.

    Returns
    -------
    callable
        Takes a row with ``case`` and ``arm`` and returns `Pictures`. If the task has masks, the expert's mask is
        outlined on the original and the segmenter's on the reconstruction.
    """
    cases = task.rows["case"].to_numpy()[outputs.rows]

    def load(row: pd.Series) -> Pictures:
        of, arm = np.flatnonzero(cases == row["case"]), row["arm"]
        if not len(of) or arm not in outputs.images:
            raise InputError("outputs", "no output for this case", "Give the outputs of the table")
        shown = {"original": outputs.images["original"][of, 0], "reconstruction": outputs.images[arm][of, 0]}
        shown = {name: (255 * np.clip(image, 0, 1)).round().astype(np.uint8) for name, image in shown.items()}
        masks = {}
        if task.masks is not None:
            masks = {"original": task.masks[outputs.rows[of], 0] > 0, "reconstruction": outputs.masks[arm][of, 0] > 0}
        return Pictures({**shown, "error": error_map(*shown.values())}, masks)

    return load


def error_map(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Map the absolute difference of images to colours: black for 0, bright yellow for half of the range or more.

    Parameters
    ----------
    first, second : uint8 ndarray of shape (k, h, w) or (k, h, w, 3)
        For colour images the difference is averaged over the channels.

    Returns
    -------
    uint8 ndarray of shape (k, h, w, 3)
    """
    import matplotlib as mpl

    error = np.abs(first.astype(float) - second) / 255
    error = error.mean(axis=-1) if error.ndim == 4 else error
    return mpl.colormaps["inferno"](np.minimum(error / LARGEST, 1), bytes=True)[..., :3]
