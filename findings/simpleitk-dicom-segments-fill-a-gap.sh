#!/usr/bin/env bash
# SimpleITK: a DICOM segmentation with empty slices between its frames is read as two thick slices.
#
# One would expect: a segmentation object holds only the frames that have something in them, each with its position, so
# a reader puts each frame at its place, or refuses an object whose positions are not consecutive.
# What happens: of ten slices of 2 mm, the third and the eighth are outlined. ReadImage gives two slices of 10 mm that
# touch each other, without a warning: the volume is five times the right one, and the six slices between are gone.
# Why it matters here: lesions of one patient often have gaps between them, and writers leave empty frames out. Volume,
# surface distance and every comparison with a mask of the full grid are wrong. `helpers.scores` places each frame by
# the position that the object itself gives it, and fills the slices between with background.
# Source: DICOM PS3.3, C.8.20.2 and C.7.6.16 (frames have positions; none need be stored for an empty plane).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet simpleitk==2.5.7 highdicom==0.28.2 pydicom==3.0.2 numpy==2.4.0
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
from importlib import metadata

import highdicom
import numpy as np
import SimpleITK
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

print({name: metadata.version(name) for name in ("simpleitk", "highdicom", "pydicom")})
study, series, frame = generate_uid(), generate_uid(), generate_uid()


def slice_of(number):
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID, image.SOPInstanceUID = MRImageStorage, generate_uid()
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = study, series, frame
    image.PatientID, image.PatientName, image.Modality = "phantom", "Phantom^", "MR"
    for empty in ("PatientBirthDate", "PatientSex", "StudyID", "StudyDate", "StudyTime", "AccessionNumber"):
        setattr(image, empty, "")
    image.ReferringPhysicianName, image.PositionReferenceIndicator = "", ""
    image.SeriesNumber, image.InstanceNumber = 1, number + 1
    image.Rows = image.Columns = 16
    image.PixelSpacing, image.SliceThickness, image.SpacingBetweenSlices = [1, 1], 2, 2
    image.ImageOrientationPatient, image.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 2.0 * number]
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit, image.PixelRepresentation, image.SamplesPerPixel = 15, 0, 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.PixelData = np.zeros((16, 16), np.uint16).tobytes()
    return image


mask = np.zeros((10, 16, 16), bool)
mask[[2, 7], 4:8, 4:8] = True
kind = highdicom.sr.CodedConcept("49755003", "SCT", "Morphologically abnormal structure")
segment = highdicom.seg.SegmentDescription(1, "lesion", kind, kind, "MANUAL")
highdicom.seg.Segmentation(
    [slice_of(number) for number in range(10)], mask, "BINARY", [segment], generate_uid(), 1, generate_uid(), 1,
    "maker", "model", "1", "1",
).save_as("segments.dcm")
image = SimpleITK.ReadImage("segments.dcm")
volume = SimpleITK.GetArrayFromImage(image).astype(bool).sum() * np.prod(image.GetSpacing())
print("slices:", image.GetSize()[2], "of", image.GetSpacing()[2], "mm; volume", volume, "mm3; right:", mask.sum() * 2)
assert image.GetSize()[2] == 2 and volume == 5 * mask.sum() * 2, "the behaviour has changed"
PY
