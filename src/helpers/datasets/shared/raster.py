"""Reader of PNG, JPEG, TIFF, BMP, WebP and other pictures that Pillow decodes, at 8 or 16 bits or as floats."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.datasets.shared import formats
from helpers.datasets.shared.formats import AGAIN, DAMAGED, EMPTY, NO_IMAGE, Header, Picture
from helpers.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

# A list is safer than all of Pillow's formats, some of which start other programs. "JPEG" includes MPO, a photograph
# with previews.
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "JPEG2000", "PPM")
COLOURS = {"RGB", "RGBA", "RGBX", "RGBa", "P", "PA", "CMYK", "YCbCr", "HSV"}
GREY = {"1", "L", "LA", "La"}
ORIENTATION, BITS_PER_SAMPLE, PHOTOMETRIC = 274, 258, 262  # tags of TIFF and EXIF
LOSSY = {"JPEG", "MPO"}
HUGE = "has more pixels than Pillow takes for safe"


def read(path: Path, number: int | None = None, *, side: int = 0, raw: bool = False) -> Picture:
    """Read a file; arguments and errors as in `decode`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise formats.unreadable(path, error) from None
    return decode(content, path, number, side=side, raw=raw)


def decode(content: bytes, where: object, number: int | None = None, *, side: int = 0, raw: bool = False) -> Picture:
    """Decode the bytes of a picture file, turned upright as its EXIF orientation asks; transparency is dropped.

    Parameters
    ----------
    content : bytes
    where : object
        Name of the file, for errors.
    number : int, optional
        Page or frame, from 0. A photograph with previews (MPO) counts as one picture.
    side : int
        Side in pixels to which the picture is resized afterwards. A JPEG with a shorter side of at least four times as
        many pixels is decoded at 1/2, 1/4 or 1/8 of its size, at least twice as large as asked.
    raw : bool
        Keep the numbers of a palette, and 0 and 1 of a picture of one bit: the values of a mask.

    Returns
    -------
    Picture
        Grey pictures keep 8, 16 or 32 bits. Pillow reduces 16 bits a channel to 8 in colour or with transparency.

    Raises
    ------
    InputError
        The file is empty, is no image (for example a web page with the name of an image), is cut off or damaged, has
        too many pixels, has several pages and none is named, has an unknown kind of colour, or is a JPEG with `raw`.
    """
    from PIL import Image, UnidentifiedImageError

    if not content:
        raise InputError(where, EMPTY, AGAIN)
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
        image.seek(formats.check_frame(where, number, _frames(image), word=_word(image)))
        if raw and image.format in LOSSY:
            raise InputError(where, "is a JPEG, which changes the values of a mask", "Save masks as PNG, TIFF or NIfTI")
        facts = _bits(image, content), _colour(image, content, where)
        if side and min(image.size) >= 4 * side:
            image.draft(None, (2 * side, 2 * side))
        image.load()
        return formats.check_finite(Picture(_values(_upright(image), facts[1], raw), *facts), where)
    except UnidentifiedImageError:
        raise InputError(where, NO_IMAGE, AGAIN) from None
    except Image.DecompressionBombError:
        raise InputError(where, HUGE, "Save it smaller, or leave the case out") from None
    except (InputError, MemoryError):
        raise
    except Exception:
        # Pillow has no common error class: the error that a broken file raises depends on its format.
        raise InputError(where, DAMAGED, AGAIN) from None


def header(path: Path) -> Header:
    """Read size, bits, colour and number of frames of a picture file, without decoding it.

    Raises
    ------
    InputError
        As in `decode`, where the header shows it.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with path.open("rb") as stream:
            head = stream.read(26)
            image = Image.open(stream, formats=FORMATS)
            width, height = image.size
            if image.format != "TIFF" and _orientation(image) >= 5:  # Pillow turns the size of a TIFF
                width, height = height, width
            frames = _frames(image)
            return Header(width, height, _bits(image, head), _colour(image, head, path), frames)
    except UnidentifiedImageError:
        raise InputError(path, NO_IMAGE if path.stat().st_size else EMPTY, AGAIN) from None
    except Image.DecompressionBombError:
        raise InputError(path, HUGE, "Save it smaller, or leave the case out") from None
    except (InputError, MemoryError):
        raise
    except Exception:
        raise InputError(path, DAMAGED, AGAIN) from None


def _frames(image: Image.Image) -> int:
    return 1 if image.format == "MPO" else getattr(image, "n_frames", 1)


def _word(image: Image.Image) -> str:
    return "page" if image.format == "TIFF" else "frame"


def _bits(image: Image.Image, content: bytes) -> int:
    if image.format == "PNG":
        return content[24]
    if image.format == "TIFF":
        return max(image.tag_v2.get(BITS_PER_SAMPLE, (1,)))
    return {"1": 1, "I": 32, "F": 32}.get(image.mode, 16 if image.mode.startswith("I;16") else 8)


def _colour(image: Image.Image, content: bytes, where: object) -> str:
    without = (
        image.format == "PNG" and content[25] == 4
    )  # grey with transparency, which Pillow opens as RGBA at 16 bits
    if without or image.mode in GREY or image.mode[0] in "IF":
        return "grey"
    if image.mode not in COLOURS:
        raise InputError(where, f"has colours of the kind {image.mode}", "Save it as RGB or grey")
    return "RGB"


def _orientation(image: Image.Image) -> int:
    try:
        found = image.getexif().get(ORIENTATION, 1)
        return found if isinstance(found, int) else 1
    except Exception:
        # Damaged EXIF says nothing about the pixels, which may be intact.
        return 1


def _upright(image: Image.Image) -> Image.Image:
    from PIL import ImageOps

    return ImageOps.exif_transpose(image) if image.format != "TIFF" and _orientation(image) != 1 else image


def _values(image: Image.Image, colour: str, raw: bool) -> np.ndarray:
    if raw and image.mode in {"P", "1"}:
        return np.asarray(image).astype(np.uint8)
    if colour == "RGB":
        return np.asarray(image.convert("RGB"))
    if image.mode[0] not in "IF":
        return np.asarray(image.convert("L"))
    values = np.asarray(image)
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    white_is_zero = getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == 0
    # Pillow inverts such a TIFF at 8 bits, and leaves it as it is at 16.
    return np.iinfo(values.dtype).max - values if white_is_zero and values.dtype == np.uint16 else values
