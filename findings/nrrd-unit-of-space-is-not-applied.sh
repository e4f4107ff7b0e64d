#!/usr/bin/env bash
# SimpleITK reads the lengths of an NRRD or MetaImage file in microns as millimetres, and does convert those of NIfTI.
#
# One would expect: a header that names its unit ("space units" in NRRD, DistanceUnits in MetaImage) gives millimetres,
# as the same reader does for a NIfTI file in microns.
# What happens: a voxel of 700 um has a spacing of 700 in both, without a warning. The field of the NRRD file does not
# even become metadata of the image.
# Why it matters here: micro-CT and microscopy are stored so. A distance of masks is then wrong by 1000, and the same
# pair converted to NIfTI gives another. `helpers.scores` reads the field of the header itself.
# Source: ITK, itkNrrdImageIO.cxx and itkMetaImageIO.cxx (no use of the unit); NRRD format, field "space units";
# MetaImage, tag DistanceUnits.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet simpleitk==2.5.7 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
from importlib import metadata
from pathlib import Path

import numpy as np
import SimpleITK as sitk

print({name: metadata.version(name) for name in ("simpleitk", "numpy")})
voxels = np.ones(64, np.uint8).tobytes()
nrrd = "NRRD0004\ntype: unsigned char\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 4 4\n"
nrrd += 'space directions: (700,0,0) (0,700,0) (0,0,700)\nspace origin: (0,0,0)\nspace units: "um" "um" "um"\nencoding: raw\n\n'
Path("c.nrrd").write_bytes(nrrd.encode() + voxels)
meta = "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nDistanceUnits = um\n"
meta += "ElementSpacing = 700 700 700\nDimSize = 4 4 4\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
Path("c.mha").write_bytes(meta.encode() + voxels)
for name in ("c.nrrd", "c.mha"):
    spacing = sitk.ReadImage(name).GetSpacing()
    print(f"{name}: 700 um are read as a spacing of", spacing)
    assert spacing == (700, 700, 700), f"the behaviour has changed: {name}"
PY
