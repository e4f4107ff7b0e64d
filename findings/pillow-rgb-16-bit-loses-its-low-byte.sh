#!/usr/bin/env bash
# Pillow opens a TIFF in colour with 16 bits a channel as 8-bit RGB, without a warning.
#
# One would expect: 16 bits are kept, as in a grey TIFF; or the file is refused; or at least a warning.
# What happens: only the high byte of each value is read. The file opens in the mode "RGB" like any other, and different
# values become equal. Nothing but the tag BitsPerSample shows it.
# Why it matters here: slide scanners and dermatoscopes write such files, and many cameras use 10 to 14 of the 16 bits
# from the bottom: a picture with values up to 255 opens as all black, one up to 4,095 with 16 levels.
# `helpers.datasets.check_pictures` shows the bits of the file.
# Source: PIL/TiffImagePlugin.py (OPEN_INFO: 16 bits of RGB are read as "RGB;16L" or "RGB;16B"), libImaging/Unpack.c
# (unpackRGB16L), as pinned.
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
grey = np.array([[0, 255, 256, 511, 4095, 65535]], np.uint16)
tifffile.imwrite("grey.tif", grey, photometric="minisblack")
tifffile.imwrite("colour.tif", np.stack([grey] * 3, axis=2), photometric="rgb")
assert (tifffile.imread("colour.tif")[..., 0] == grey).all(), "the file holds 16 bits"
found = {}
for name in ("grey", "colour"):
    with Image.open(f"{name}.tif") as image:
        values = np.asarray(image)
        found[name] = values.reshape(1, grey.size, -1)[..., 0].tolist()[0]
        print(f"{name}: bits {image.tag_v2[258]}, mode {image.mode}, {values.dtype}, {grey[0].tolist()} -> {found[name]}")
assert found["grey"] == grey[0].tolist(), "the behaviour has changed: grey"
assert found["colour"] == [0, 0, 1, 1, 15, 255], "the behaviour has changed: colour"
PY
