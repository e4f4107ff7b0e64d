"""Reader of MetaImage and NRRD files, by SimpleITK where it is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from helpers.datasets.shared.files import one_line
from helpers.datasets.shared.nifti import as_volume, check_affine, no_numbers
from helpers.errors import InputError
from helpers.scores.segments import read_fields, read_segments
from helpers.scores.volumes import FLIP, NO_SIZE, Volume

NO_PLACE = "the header has no position in the patient: voxels were matched by their order"
# Spaces of NRRD that ITK converts to LPS.
SPACES = {"ras", "las", "lps", "right-anterior-superior", "left-anterior-superior", "left-posterior-superior"}
# Units that the two headers may name, in mm; ITK reads past them.
MM = {"m": 1000.0, "cm": 10.0, "mm": 1.0, "um": 0.001, "µm": 0.001, "μm": 0.001, "micron": 0.001, "nm": 1e-6}


def read(path: Path) -> Volume:
    """Read the labels of a MetaImage (``.mha``, ``.mhd``) or NRRD file (``.nrrd``, ``.nhdr``, ``.seg.nrrd``).

    Raises
    ------
    InputError
        SimpleITK is not installed, or the file cannot be read, holds colours, or has an unknown unit of length.
    """
    kind = "MetaImage" if path.suffix.lower() in {".mha", ".mhd"} else "NRRD"
    try:
        import SimpleITK as sitk  # noqa: N813
    except ImportError:
        problem = f"is a file in {kind} format, which SimpleITK reads, and SimpleITK is not installed"
        raise InputError(path, problem, 'Install it (pip install "simpleitk>=2.5,<3"), or convert to NIfTI') from None
    try:
        fields = read_fields(path)
        image = sitk.ReadImage(str(path))
        values = sitk.GetArrayFromImage(image).T  # the first axis runs along x; or along the layers, if there are any
    except (OSError, RuntimeError) as error:
        reason = one_line(str(error).rstrip().rpartition("\n")[2].rpartition("): ")[2])
        problem = f"is truncated or not a {kind} file ({reason})"
        raise InputError(path, problem, "Copy or download the file again, or leave the case out") from None
    components = image.GetNumberOfComponentsPerPixel()
    layers = list(values) if components > 1 else [values]
    segments = read_segments(fields, len(layers), path)
    if values.dtype.kind not in "biuf" or (components > 1 and not segments):
        raise no_numbers(path, "complex numbers" if values.dtype.kind == "c" else f"{components} numbers a voxel")
    shaped = [as_volume(layer, path) for layer in layers]
    notes = shaped[0][1]
    sized, placed = _known(fields)
    if not sized:
        notes = (*notes, NO_SIZE)
    elif not placed:
        notes = (*notes, NO_PLACE)
    affine = check_affine(_affine(image, _factor(fields, path)), path)
    return Volume(tuple(v for v, _ in shaped), affine, notes, segments, sized, placed, cropped=bool(segments))


def _affine(image: object, factor: float) -> np.ndarray:
    """Return the affine in mm (RAS) of an image of two or more axes."""
    ndim, n = image.GetDimension(), min(image.GetDimension(), 3)
    steps = np.array(image.GetDirection()).reshape(ndim, ndim) * image.GetSpacing()
    affine = np.eye(4)
    affine[:n, :n], affine[:n, 3] = factor * steps[:n, :n], factor * np.array(image.GetOrigin()[:n])
    return FLIP @ affine


def _known(fields: dict[str, str]) -> tuple[bool, bool]:
    """Return whether a header has the size of a voxel, and the position of the volume in the patient."""
    sizes = (fields.get(name, "nan") for name in ("space directions", "spacings", "elementspacing", "elementsize"))
    sized = any("nan" not in size.lower() for size in sizes)
    if "sizes" in fields:  # NRRD
        # No space has two axes: ITK writes a plane without one, in its axes.
        known = fields.get("space", "").lower() in SPACES or fields.get("space dimension") == "2"
        return sized, known and "space origin" in fields
    return sized, not {"offset", "position", "origin"}.isdisjoint(fields)


def _factor(fields: dict[str, str], path: Path) -> float:
    named = fields.get("space units") or fields.get("units") or fields.get("distanceunits") or ""
    units = {unit.strip('"').strip().lower() for unit in named.split()} - {"", "?", "none", "unknown", "???"}
    if len(units) > 1 or not units <= MM.keys():
        raise InputError(path, f"its lengths are in {' and '.join(sorted(units))}", "Save it in mm")
    return MM[units.pop()] if units else 1.0
