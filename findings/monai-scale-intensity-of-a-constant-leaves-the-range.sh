#!/usr/bin/env bash
# MONAI: ScaleIntensity to (-1, 1) multiplies a constant image by -1, whatever its grey value.
#
# One would expect: the result is between minv and maxv, as for every other image; a constant one becomes minv, maxv or
# a value between them.
# What happens: an image of 1,000 becomes -1,000, and one of -1,024 (air, in a CT) becomes 1,024. With minv = 0 both are
# 0, so the default hides it. A channel that is constant does the same next to one that is scaled well.
# Why it matters here: (-1, 1) is the range of generators and diffusion models, and blank slices, padding and empty
# channels are usual in medical images. One such slice is a thousand times larger than the range that a network was
# trained on. `helpers` does not use this transform; a user's pipeline may.
# Source: monai/transforms/utils.py, rescale_array (a constant array is multiplied by minv).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet monai==1.6.1 torch==2.13.0 numpy==2.4.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PY'
from importlib import metadata

import numpy as np
from monai.transforms import ScaleIntensity

print({name: metadata.version(name) for name in ("monai", "numpy", "torch")})
found = {}
for low in (0.0, -1.0):
    scale = ScaleIntensity(minv=low, maxv=1.0, channel_wise=True)
    for grey in (1000.0, -1024.0):
        image = np.stack([np.full((2, 2), grey), [[0, 1], [2, 3]]]).astype(np.float32)
        scaled = np.asarray(scale(image))
        assert scaled[1].min() == low and scaled[1].max() == 1, "the other channel is scaled as asked"
        found[low, grey] = float(scaled[0, 0, 0])
        print(f"range ({low:.0f}, 1): a channel of {grey:.0f} becomes {found[low, grey]:.0f}")
assert found == {(0, 1000): 0, (0, -1024): 0, (-1, 1000): -1000, (-1, -1024): 1024}, "the behaviour has changed"
PY
