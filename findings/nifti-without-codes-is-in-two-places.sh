#!/usr/bin/env bash
# A NIfTI file with neither sform nor qform is at one place in nibabel and at another in SimpleITK, mirrored.
#
# One would expect: a file that has voxel sizes and no position (both codes 0) has one default position, or is refused.
# What happens: nibabel flips the first axis and puts the origin into the middle of the volume, as Analyze files had it.
# SimpleITK takes the identity with the origin at the first voxel, in its axes to the left and to the back. The first
# voxel of a volume of 40 voxels of 1 mm is 34 mm apart, and front and back are exchanged.
# Why it matters here: two masks of one patient, one saved with a position by each tool, then seem to be far apart and
# mirrored. `helpers.scores` matches the voxels of a file without a position by their order, and notes it.
# Source: nibabel/nifti1.py (get_base_affine, default_x_flip); ITK, itkNiftiImageIO.cxx (SetImageIOOrientationFromNIfTI);
# the NIfTI-1 header, "method 1".
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
image = nib.Nifti1Image(np.ones((40, 40, 40), np.uint8), np.eye(4))
image.set_qform(np.eye(4), 0)
image.set_sform(np.eye(4), 0)
nib.save(image, "c.nii")
affine = nib.load("c.nii").affine
read = sitk.ReadImage("c.nii")
first = affine[:3, 3]
second = np.array(read.GetOrigin()) * [-1, -1, 1]  # to the right and to the front, as nibabel counts
print("first voxel in mm (right, front, up): nibabel", first.tolist(), "SimpleITK", second.tolist())
step = read.GetDirection()[4] * -1  # along the second axis, to the front
print("step along the second axis, to the front: nibabel", affine[1, 1], "SimpleITK", step)
apart = float(np.linalg.norm(first - second))
print(f"the first voxel is {apart:.1f} mm apart")
assert affine[1, 1] == 1 and (affine[:3, 3] != 0).all(), "the behaviour of nibabel has changed"
assert step == -1 and not second.any(), "the behaviour of SimpleITK has changed"
assert apart > 20, "the behaviour has changed"
PY
