"""Reader of a mask file in any format of the field, by its ending."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from helpers.datasets.shared import formats
from helpers.datasets.shared.files import MASK_ENDINGS
from helpers.datasets.shared.nifti import as_volume, no_numbers, read_stored, round_labels
from helpers.errors import InputError

NIBABEL = (".nii", ".nii.gz", ".hdr", ".mgz", ".mgh")
PICTURES = (".png", ".tif", ".tiff", ".bmp")
FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])  # ITK's and DICOM's axes (to the left, to the back) to those of NIfTI
NO_SIZE = "the file has no voxel size: distances are in voxels, volumes in 1000 voxels, unless the other mask has one"
NEARLY_WHOLE = "labels within 0.001 of whole numbers were rounded"
SERIES = "a folder of pictures was read as one volume, in the order of the numbers in their names"


class Segment(NamedTuple):
    """A named structure of a file: its name, its label, and the layer that has it."""

    name: str
    label: int
    layer: int = 0


class Volume(NamedTuple):
    """A mask as read from a file of any format.

    layers : tuple of ndarray, (x, y, z) each; several only where structures overlap; no plane in an empty mask without
        a grid
    affine : ndarray, (4, 4), from indices to positions in mm (RAS)
    notes : facts that readers take in different ways, each with what was taken
    segments : named structures, if the format has them
    sized, placed : whether the file has the size of a voxel, and the position of the volume
    cropped : True if the format keeps only the part with foreground
    """

    layers: tuple[np.ndarray, ...]
    affine: np.ndarray
    notes: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()
    sized: bool = True
    placed: bool = True
    cropped: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the number of voxels along each axis."""
        return self.layers[0].shape


def read_volume(path: str | Path) -> Volume:
    """Read the mask of a file, or of a folder with one such file or with a series of pictures.

    Parameters
    ----------
    path : path
        NIfTI, FreeSurfer (``.mgz``), MetaImage, NRRD, DICOM segmentation, PNG, TIFF, BMP or NumPy (``.npy``).

    Raises
    ------
    InputError
        The file cannot be read, is of another format, or holds no volume of labels.
    """
    path = Path(path)
    volume = _folder(path) if path.is_dir() else _reader(path)
    if 0 in volume.shape and not volume.cropped:
        raise InputError(path, f"holds no voxel, its shape is {volume.shape}", "Save the mask again")
    return volume


def rounded(volume: Volume) -> Volume:
    """Round labels that are nearly whole, see `nifti.round_labels`, with a note if there were any."""
    layers = tuple(round_labels(layer) for layer in volume.layers)
    changed = any(new is not old for new, old in zip(layers, volume.layers, strict=True))
    return volume._replace(layers=layers, notes=volume.notes + (NEARLY_WHOLE,) * changed)


def mask_files(folder: Path) -> list[Path]:
    """List the visible files of a folder with the ending of a mask, in the order of the numbers in their names."""

    def order(path: Path) -> list[tuple[int, str]]:
        parts = re.split(r"([0-9]+)", path.name.lower())
        return [(int(part), "") if k % 2 else (0, part) for k, part in enumerate(parts)]

    names = [p for p in folder.iterdir() if not p.name.startswith(".") and p.name.lower().endswith(MASK_ENDINGS)]
    return sorted(names, key=order)


def not_read(path: Path) -> InputError:
    """Make the error for a file of another format."""
    return InputError(path, f"is no mask format that is read: {', '.join(MASK_ENDINGS)}", "Convert it to one of these")


def _reader(path: Path) -> Volume:
    name = path.name.lower()
    if name.endswith(MASK_ENDINGS) and not name.endswith(NIBABEL):
        formats.kind(path)  # refuses a file that is empty or cannot be opened
    if name.endswith((".mha", ".mhd", ".nrrd", ".nhdr")):
        from helpers.scores import itk_volumes

        return itk_volumes.read(path)
    if _is_dicom(path):
        from helpers.scores import dicom_segments

        return dicom_segments.read(path)
    if name.endswith(".npy"):
        return _array(path)
    if name.endswith(PICTURES):
        return _pictures([path], path)
    if name.endswith(NIBABEL):
        values, affine, notes, placed = read_stored(path)
        return Volume((values,), affine, notes, placed=placed)
    raise not_read(path)


def _is_dicom(path: Path) -> bool:
    return path.name.lower().endswith((".dcm", ".dicom"))


def _folder(path: Path) -> Volume:
    files = mask_files(path)
    if len(files) > 1 and all(file.name.lower().endswith(PICTURES) for file in files):
        volume = _pictures(files, path)
        return volume._replace(notes=(SERIES, *volume.notes))
    if len(files) != 1:
        problem = f"the folder of this case holds {len(files)} files of masks"
        joined = (
            "a file with all its segments" if files and all(map(_is_dicom, files)) else "one picture for each slice"
        )
        raise InputError(path, problem, f"Keep one file in it, or {joined}")
    return _reader(files[0])


def _array(path: Path) -> Volume:
    try:
        values = np.asarray(np.load(path, allow_pickle=False))
    except Exception as error:
        # NumPy has no common error class: a spoilt header ends in that of a parser.
        raise InputError(path, f"cannot be read as an array ({type(error).__name__})", "Save the array again") from None
    if values.dtype.kind not in "biuf":
        raise no_numbers(path, str(values.dtype))
    values, notes = as_volume(values, path)
    return _without_size(values, notes)


def _pictures(files: Sequence[Path], where: Path) -> Volume:
    """Join pictures, and the pages of each, along the third axis; the first axis runs along their rows."""
    planes = [plane for file in files for plane in _pages(file)]
    shapes = sorted({plane.shape for plane in planes})
    if len(shapes) > 1:
        raise InputError(where, f"its pictures differ in size: {shapes[0]} and {shapes[-1]}", "Export them alike")
    values, notes = as_volume(planes[0] if len(planes) == 1 else np.stack(planes, axis=-1), where)
    return _without_size(values, notes)


def _pages(file: Path) -> list[np.ndarray]:
    from helpers.datasets.shared import raster

    pages = [raster.read(file, k, raw=True).values for k in range(raster.header(file).frames)]
    if any((page != page[..., :1]).any() for page in pages if page.ndim == 3):
        raise no_numbers(file, "colours")
    return [(page[..., 0] if page.ndim == 3 else page).T for page in pages]


def _without_size(values: np.ndarray, notes: tuple[str, ...]) -> Volume:
    return Volume((values,), np.eye(4), (*notes, NO_SIZE), sized=False, placed=False)
