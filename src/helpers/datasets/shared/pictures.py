"""One reader for every picture file: PNG, JPEG, TIFF, BMP, WebP, NIfTI and DICOM."""

from __future__ import annotations

from pathlib import Path

from helpers.datasets.shared import formats, raster
from helpers.datasets.shared.formats import Header, Picture


def read_picture(file: str | Path, *, slice: int | None = None, side: int = 0, raw: bool = False) -> Picture:
    """Read one picture of a file.

    Parameters
    ----------
    file : str or Path
        PNG, JPEG, TIFF, BMP, WebP, GIF, JPEG 2000 or PNM, known by content; DICOM, known by content or by ``.dcm``;
        NIfTI, known by ``.nii`` or ``.nii.gz``.
    slice : int, optional
        Slice of a volume along the last axis, page of a TIFF, or frame, from 0. A volume in NIfTI gives the middle
        slice by default; other files with several pages or frames are refused without a number.
    side : int
        Side in pixels to which the picture is resized afterwards: a JPEG at least four times as large is decoded at
        1/2, 1/4 or 1/8 of its size, which is faster. 0 decodes every picture in full.
    raw : bool
        Keep the stored numbers of palettes, of pictures of one bit and of MONOCHROME1, as a mask needs.

    Returns
    -------
    Picture
        ``values``, an ndarray of shape (height, width) for grey and (height, width, 3) for RGB, with ``bits`` a
        channel, ``colour`` and ``spacing`` in mm. EXIF orientation is applied, transparency is dropped. DICOM is
        rescaled by slope and intercept, and MONOCHROME1 is inverted. A slice of NIfTI is transposed, so that rows run
        along the volume's second axis. Nothing about a person is read.

    Raises
    ------
    InputError
        The file cannot be read, has no such slice, needs a plugin that is not installed, or holds values that are not
        finite.
    """
    path = Path(file)
    kind = formats.kind(path)
    if kind == "nifti":
        from helpers.datasets.shared import nifti_slices

        return nifti_slices.read(path, slice)
    if kind == "dicom":
        from helpers.datasets.shared import dicom

        return dicom.read(path, slice, raw=raw)
    return raster.read(path, slice, side=side, raw=raw)


def read_header(file: str | Path) -> Header:
    """Read width, height, bits, colour, number of frames and spacing of a picture file, without decoding pixels.

    Raises
    ------
    InputError
        As in `read_picture`, where the header shows it.
    """
    path = Path(file)
    kind = formats.kind(path)
    if kind == "nifti":
        from helpers.datasets.shared import nifti_slices

        return nifti_slices.header(path)
    if kind == "dicom":
        from helpers.datasets.shared import dicom

        return dicom.header(path)
    return raster.header(path)


def check_slice(file: object, header: Header, number: int | None) -> None:
    """Refuse a slice that a file has not, and a file of several pages or frames without a slice.

    A file with a height of several slices is a volume if it is NIfTI, which has a middle slice by default.
    """
    volume = str(file).lower().endswith((".nii", ".nii.gz"))
    if not (volume and number is None):
        formats.check_frame(file, number, header.frames, word="slice" if volume else "frame")
