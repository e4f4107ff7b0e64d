"""Pictures and masks resized to squares, in 8 bits or stretched to the range from 0 to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from helpers.datasets.shared import formats
from helpers.datasets.shared.formats import Picture
from helpers.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

FITS = ("crop", "squeeze", "pad")
SCALES = {"minmax": np.dtype(np.float32), "bytes": np.dtype(np.uint8)}
RESIZES = ("bilinear", "nearest")


def square(
    picture: Picture, size: int, *, channels: int, fit: str, scale: str, where: object, blank: bool = False
) -> np.ndarray:
    """Convert a picture to a square.

    Parameters
    ----------
    picture : Picture
    size : int
        Side in pixels.
    channels : {1, 3}
        Grey or RGB; a picture of the other kind is converted.
    fit : {"crop", "squeeze", "pad"}
        Resize the shorter side and crop the centre, scale both sides to the square, or resize the longer side and fill
        the rest with 0.
    scale : {"minmax", "bytes"}
        float32, with 0 and 1 for the picture's smallest and largest value before it is resized; or uint8 unchanged.
    where : object
        Name of the file, for errors.
    blank : bool
        With "minmax", give zeros for a constant picture, which cannot be stretched, instead of refusing it.

    Returns
    -------
    ndarray of float32 or uint8, shape (channels, size, size)

    Raises
    ------
    InputError
        The picture has more than 8 bits a channel with "bytes", or is constant with "minmax" and without `blank`.
    """
    from PIL import Image

    if scale == "bytes":
        formats.check_bytes(picture, where)
        image = Image.fromarray(picture.values).convert("L" if channels == 1 else "RGB")
        fitted = np.asarray(resized(image, size, fit, "bilinear"))
        return fitted[None] if channels == 1 else fitted.transpose(2, 0, 1)
    planes = _planes(picture.values, channels)
    least, most = planes.min(), planes.max()
    if least == most and blank:
        return np.zeros((channels, size, size), np.float32)
    if least == most:
        raise InputError(where, "all its pixels are equal", formats.AGAIN)
    stretched = [Image.fromarray((plane - least) / (most - least)) for plane in planes]
    fitted = np.stack([np.asarray(resized(plane, size, fit, "bilinear")) for plane in stretched]).clip(0, 1)
    return np.broadcast_to(fitted, (channels, size, size))


def square_mask(mask: np.ndarray, size: int, *, fit: str, resize: str) -> np.ndarray:
    """Convert a mask, bool (height, width), to a square of 0 and 1, uint8 (1, size, size).

    With "nearest", each pixel is the nearest one of the mask. With "bilinear", it is 1 if the antialiased mask is at
    least 0.5 there.
    """
    from PIL import Image

    values = mask.astype(np.float32 if resize == "bilinear" else np.uint8)
    fitted = np.asarray(resized(Image.fromarray(values), size, fit, resize))
    return (fitted >= 0.5).astype(np.uint8)[None]


def resized(image: Image.Image, size: int, fit: str, resize: str) -> Image.Image:
    """Resize an image to a square; Pillow's bilinear filter averages over the area that a pixel covers."""
    from PIL import Image, ImageOps

    way = Image.Resampling.BILINEAR if resize == "bilinear" else Image.Resampling.NEAREST
    if fit == "crop":
        return ImageOps.fit(image, (size, size), method=way)
    if fit == "pad":
        return ImageOps.pad(image, (size, size), method=way)
    return image.resize((size, size), way)


def _planes(values: np.ndarray, channels: int) -> np.ndarray:
    """Return float32 planes: one of a grey picture or if one is asked, else three."""
    from PIL import Image

    if values.ndim == 2:
        return values.astype(np.float32)[None]
    if channels == 3:
        return values.transpose(2, 0, 1).astype(np.float32)
    return np.asarray(Image.fromarray(values).convert("L"), np.float32)[None]
