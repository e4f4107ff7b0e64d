"""Picture files that tests of the reader make: DICOM by pydicom, with a name that must never be shown."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from helpers import datasets

NAME = "Doe^Jane"
# As studies load photographs, and radiographs.
load_colour = partial(datasets.load_pictures, channels=3, fit="crop", scale="bytes")
load_grey = partial(datasets.load_pictures, channels=1, fit="squeeze", scale="minmax")


def dicom(path: Path, values: np.ndarray, syntax: str = ExplicitVRLittleEndian, data: bytes = b"", **elements) -> Path:
    """Write one frame (height, width), colour (height, width, 3), or frames with NumberOfFrames among the elements."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax
    made.SOPClassUID, made.SOPInstanceUID, made.PatientName = CTImageStorage, generate_uid(), NAME
    frames = int("NumberOfFrames" in elements)
    made.Rows, made.Columns = values.shape[frames : frames + 2]
    colour = values.ndim - frames == 3
    made.SamplesPerPixel, made.PhotometricInterpretation = (3, "RGB") if colour else (1, "MONOCHROME2")
    if colour:
        made.PlanarConfiguration = 0
    made.BitsAllocated = made.BitsStored = values.dtype.itemsize * 8
    made.PixelRepresentation = int(values.dtype.kind == "i")
    made.PixelData = encapsulate([data]) if data else values.tobytes()
    for name, value in elements.items():
        setattr(made, name, value)
    made.HighBit = made.BitsStored - 1
    made.save_as(path, enforce_file_format=True)
    return path
