#!/usr/bin/env bash
# scikit-image's SSIM of float32 images far from 0 exceeds 1.
#
# One would expect: SSIM is at most 1, and of the same numbers in float32 and in float64 nearly the same.
# What happens: variances are differences of two means of squares, computed in float32 if both images are. Around 1000,
# with a spread of 0.3, the squares are a million and differ by less than float32 can tell. The result is far above 1, and
# nothing warns. In float64 it is right.
# Why it matters here: CT numbers plus 1024, and photographs of 16 bits, are stored so, and networks return float32. A
# collection in which one scanner has an offset gets a gap in SSIM that is one of rounding. `helpers.metrics.ssim` takes
# the offset away first.
# Source: skimage/metrics/_structural_similarity.py (structural_similarity: float_type, vx = cov_norm * (uxx - ux * ux)).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-image==0.26.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
from importlib import metadata

import numpy as np
from skimage.metrics import structural_similarity as ssim

print({name: metadata.version(name) for name in ("scikit-image", "numpy")})
rng = np.random.default_rng(0)
x = rng.random((64, 64))
y = x + rng.normal(0, 0.05, x.shape)
narrow = [(image + 1000).astype(np.float32) for image in (x, y)]
found = {
    "float32": float(ssim(*narrow, data_range=1)),
    "the same numbers in float64": float(ssim(*[image.astype(float) for image in narrow], data_range=1)),
}
print("SSIM at 1000 to 1001:", found)
assert found["float32"] > 1.1, "the behaviour has changed"
assert 0.95 < found["the same numbers in float64"] < 1, "the behaviour has changed"
PY
