#!/usr/bin/env bash
# nibabel gives the affine of a NIfTI file in whatever unit the header names; SimpleITK gives millimetres.
#
# One would expect: the header's unit of length (xyzt_units: metre, millimetre, micron) is applied by every reader, or by
# none, so that a voxel of 700 microns is 0.7 mm in both.
# What happens: `nibabel.load(...).affine` and `header.get_zooms()` have the numbers as stored, 700, and nothing warns.
# SimpleITK divides by 1000. A header without a unit, which nibabel writes by default, is taken as millimetres by both.
# Why it matters here: volumes and distances of one file differ by factors of 1000 to 1e9 between two readers. Of a
# collection in which one site writes microns, the gap between sites is one of units. `helpers.scores` applies the unit,
# and notes a header that names none.
# Source: nibabel/nifti1.py (get_best_affine does not read xyzt_units); ITK, itkNiftiImageIO.cxx
# (ReadImageInformation: spacing is scaled by the unit); the NIfTI-1 header, field xyzt_units.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet nibabel==5.4.2 simpleitk==2.5.7 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
from importlib import metadata

import nibabel as nib
import numpy as np
import SimpleITK as sitk

print({name: metadata.version(name) for name in ("nibabel", "simpleitk", "numpy")})
found = {}
for unit, size in (("mm", 0.7), ("micron", 700.0), ("meter", 0.0007)):
    image = nib.Nifti1Image(np.ones((4, 4, 4), np.uint8), np.diag([size, size, size, 1]))
    image.header.set_xyzt_units(unit)
    nib.save(image, f"{unit}.nii")
    first = float(nib.load(f"{unit}.nii").affine[0, 0])
    second = sitk.ReadImage(f"{unit}.nii").GetSpacing()[0]
    found[unit] = first, second
    print(f"a voxel of 0.7 mm, in {unit}: nibabel {first:g}, SimpleITK {second:g}")
for unit, (first, second) in found.items():
    assert abs(second - 0.7) < 1e-4, f"the behaviour of SimpleITK has changed: {unit}"
assert abs(found["micron"][0] - 700) < 0.1 and abs(found["meter"][0] - 0.0007) < 1e-6, "nibabel's behaviour has changed"
PY
