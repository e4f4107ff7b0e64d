"""Reader of DICOM pictures by pydicom: only elements that describe pixels are read, none about a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from helpers.datasets.shared import formats
from helpers.datasets.shared.formats import AGAIN, DAMAGED, Header, Picture, Spacing
from helpers.errors import InputError

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.uid import UID

GREY, RGB = ("MONOCHROME1", "MONOCHROME2"), ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
PALETTE = "PALETTE COLOR"
# The only elements that are read. The file's others, such as names and dates, are passed over.
TAGS = [
    "Rows",
    "Columns",
    "NumberOfFrames",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "RescaleSlope",
    "RescaleIntercept",
    "ModalityLUTSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]
TAGS += [
    f"{kind}{colour}PaletteColorLookupTable{part}"
    for colour in ("Red", "Green", "Blue")
    for kind, part in (("", "Descriptor"), ("", "Data"), ("Segmented", "Data"))
]


def read(path: Path, number: int | None = None, *, raw: bool = False) -> Picture:
    """Read one frame of a DICOM file.

    Parameters
    ----------
    path : Path
    number : int, optional
        Frame, from 0. A file of several frames is refused without it.
    raw : bool
        Leave MONOCHROME1 and the numbers of a palette as they are stored: the values of a mask.

    Returns
    -------
    Picture
        Grey after the modality transform (its table, or rescale slope and intercept), and with MONOCHROME1 inverted, so
        that larger is brighter; no window is applied. YBR and palettes are converted to RGB of 8 bits. ``spacing`` is
        the pixel spacing, or else that at the detector.

    Raises
    ------
    InputError
        The file is cut off or no DICOM picture, is compressed in a way that needs a plugin which is not installed, has
        an unknown kind of colour, has several frames and none is named, or holds values that are not finite.
    """
    from pydicom.pixels import pixel_array

    try:
        with path.open("rb") as stream:
            dataset, syntax = _dataset(stream, path)
            frame = formats.check_frame(path, number, _frames(dataset), word="frame")
            source, more = _source(stream, dataset, syntax)
            stored = pixel_array(source, index=frame, **more)
            values = _values(stored, dataset, frame, raw)
            facts = _bits(dataset), _colour(dataset), _spacing(dataset, frame)
            return formats.check_finite(Picture(np.ascontiguousarray(values), *facts), path)
    except OSError as error:
        raise formats.unreadable(path, error) from None
    except (InputError, MemoryError):
        raise
    except Exception:
        # pydicom has no common error class, and its messages may show the content of the file.
        raise InputError(path, DAMAGED, AGAIN) from None


def header(path: Path) -> Header:
    """Read size, bits, colour and number of frames; errors as in `read`, where the header shows them."""
    try:
        with path.open("rb") as stream:
            dataset, _ = _dataset(stream, path)
            size = int(dataset.Columns), int(dataset.Rows)
            return Header(*size, _bits(dataset), _colour(dataset), _frames(dataset), _spacing(dataset, 0))
    except OSError as error:
        raise formats.unreadable(path, error) from None
    except (InputError, MemoryError):
        raise
    except Exception:
        raise InputError(path, DAMAGED, AGAIN) from None


def _dataset(stream: BinaryIO, path: Path) -> tuple[Dataset, UID]:
    """Read the elements `TAGS` and the transfer syntax, and check that the pixels can be decoded."""
    from pydicom import dcmread
    from pydicom.pixels import get_decoder
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    dataset = dcmread(stream, force=True, stop_before_pixels=True, specific_tags=TAGS)
    if not dataset.get("Rows") or not dataset.get("Columns") or not dataset.get("BitsAllocated"):
        raise InputError(path, "is no DICOM picture", "Give a file of an image, such as one of modality CT, MR or DX")
    implicit, little = dataset.original_encoding
    plain = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    syntax = dataset.file_meta.get("TransferSyntaxUID") or plain
    kind = dataset.get("PhotometricInterpretation", "")
    if kind not in (*GREY, *RGB, PALETTE):
        raise InputError(
            path, f"has the photometric interpretation {str(kind)[:32]!r}", "Export it as MONOCHROME2 or RGB"
        )
    try:
        known = get_decoder(syntax).is_available
    except NotImplementedError:
        known = False
    if not known:
        problem = f"is compressed as {str(syntax.name)[:64]!r}, and no plugin that decodes it is installed"
        raise InputError(path, problem, 'Install one (pip install "pylibjpeg[all]"), or export it uncompressed')
    return dataset, syntax


def _source(stream: BinaryIO, dataset: Dataset, syntax: UID) -> tuple[BinaryIO | Dataset, dict]:
    """Return the argument of pydicom's `pixel_array`: the file, of which it reads one frame, or all if deflated."""
    from pydicom import dcmread

    stream.seek(0)
    if syntax.is_deflated:
        return dcmread(stream, specific_tags=[*TAGS, "PixelData"]), {}
    return stream, {} if dataset.file_meta.get("TransferSyntaxUID") else {"transfer_syntax_uid": syntax}


def _frames(dataset: Dataset) -> int:
    return int(dataset.get("NumberOfFrames") or 1)


def _bits(dataset: Dataset) -> int:
    return int(dataset.get("BitsStored") or dataset.BitsAllocated)


def _colour(dataset: Dataset) -> str:
    return "grey" if dataset.PhotometricInterpretation in GREY else "RGB"


def _of_frame(dataset: Dataset, frame: int, sequence: str, name: str) -> object:
    """Return an element from the functional groups of an enhanced multi-frame file, else from the file's top level."""
    for groups, item in (("PerFrameFunctionalGroupsSequence", frame), ("SharedFunctionalGroupsSequence", 0)):
        items = dataset.get(groups) or ()
        inner = items[item].get(sequence) if item < len(items) else None
        if inner and inner[0].get(name) is not None:
            return inner[0].get(name)
    return dataset.get(name)


def _spacing(dataset: Dataset, frame: int) -> Spacing:
    found = _of_frame(dataset, frame, "PixelMeasuresSequence", "PixelSpacing") or dataset.get("ImagerPixelSpacing")
    try:
        down, across = (float(v) for v in found)
    except (TypeError, ValueError):
        return None
    return (down, across) if np.isfinite([down, across]).all() and min(down, across) > 0 else None


def _values(stored: np.ndarray, dataset: Dataset, frame: int, raw: bool) -> np.ndarray:
    from pydicom.pixels import apply_color_lut, apply_modality_lut

    kind, bits = dataset.PhotometricInterpretation, _bits(dataset)
    if kind in RGB:
        return _bytes(stored, bits)
    if kind == PALETTE:
        return stored if raw else _palette(apply_color_lut(stored, dataset))
    if kind == "MONOCHROME1" and not raw:
        stored = _inverted(stored, bits)
    if dataset.get("ModalityLUTSequence"):
        return apply_modality_lut(stored, dataset)
    where = "PixelValueTransformationSequence"
    slope, intercept = (_of_frame(dataset, frame, where, name) for name in ("RescaleSlope", "RescaleIntercept"))
    slope, intercept = 1.0 if slope is None else float(slope), float(intercept or 0)
    if (slope, intercept) != (1, 0) or stored.dtype.kind == "f":
        return (stored * slope + intercept).astype(np.float32)
    return stored.astype(np.uint8) if bits <= 8 and stored.dtype.kind == "u" else stored


def _inverted(stored: np.ndarray, bits: int) -> np.ndarray:
    """Invert values within the range that so many bits hold (DICOM PS3.3, C.7.6.3.1.2), and floats within theirs."""
    if stored.dtype.kind == "f":
        return stored.min() + stored.max() - stored
    ends = -1 if stored.dtype.kind == "i" else 2**bits - 1  # smallest plus largest
    return (ends - stored.astype(np.int64)).astype(stored.dtype)


def _bytes(values: np.ndarray, bits: int) -> np.ndarray:
    return (values >> max(bits - 8, 0)).astype(np.uint8)


def _palette(values: np.ndarray) -> np.ndarray:
    return _bytes(values[..., :3], values.dtype.itemsize * 8)
