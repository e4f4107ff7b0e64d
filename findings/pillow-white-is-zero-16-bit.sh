#!/usr/bin/env bash
# Pillow inverts a TIFF whose photometric interpretation is WhiteIsZero at 8 bits, and leaves it as it is at 16.
#
# One would expect: the tag has one meaning, that 0 is white, so both files open with black as 0.
# What happens: at 8 bits 0 opens as 255. At 16 bits the stored numbers come out unchanged, so the picture is a
# negative, without a warning. tifffile leaves both as they are stored, which its user can know from the tag.
# Why it matters here: scanners of films and exports from DICOM (MONOCHROME1) write such files. In a folder of both
# depths, or of one site with each, a classifier learns the depth, and a gap between sites is one of inversion.
# `helpers.datasets.read_picture` inverts the 16-bit file too.
# Source: PIL/TiffImagePlugin.py (OPEN_INFO: (II, 0, (1,), 1, (8,), ()) is "L;I", and (II, 0, (1,), 1, (16,), ()) is
# "I;16"), as pinned; TIFF 6.0, PhotometricInterpretation.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0 tifffile==2026.3.3 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W error - <<'PY'
from importlib import metadata

import numpy as np
import tifffile
from PIL import Image

print({name: metadata.version(name) for name in ("pillow", "tifffile", "numpy")})
found = {}
for bits in (8, 16):
    stored = np.array([[0, 2**bits - 1]], f"uint{bits}")
    tifffile.imwrite(f"{bits}.tif", stored, photometric="miniswhite")
    with Image.open(f"{bits}.tif") as image:
        found[bits] = np.asarray(image).ravel().tolist()
        print(f"{bits} bits, photometric {image.tag_v2[262]}: stored {stored.ravel().tolist()}, opened {found[bits]}")
assert found[8] == [255, 0], "the behaviour has changed: 8 bits"
assert found[16] == [0, 65535], "the behaviour has changed: 16 bits"
PY
