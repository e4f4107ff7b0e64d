#!/usr/bin/env bash
# MONAI's average surface distance is 0 for a prediction that misses most of a lesion.
#
# One would expect: "average surface distance" of two masks does not depend on which comes first, and is 0 only if they
# have the same surface.
# What happens: `compute_average_surface_distance` averages from the surface of the prediction to that of the reference
# alone, unless `symmetric=True`. A prediction of one voxel out of a row of six is everywhere on the reference, so its
# distance is 0. With the arguments exchanged it is 2.5.
# Why it matters here: a table headed "ASD" can be perfect for the group whose lesions are found by a corner. MedPy's
# `asd` has one direction too, and panoptica's average of the two directions is not the pooled mean of both surfaces.
# `helpers.metrics.assd` pools both directions.
# Source: monai/metrics/surface_distance.py (symmetric=False), medpy/metric/binary.py (asd, assd).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0
"$folder/venv/bin/pip" install --quiet monai==1.6.1 scipy==1.17.1 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PY'
from importlib import metadata

import torch
from monai.metrics import compute_average_surface_distance as distance

print({name: metadata.version(name) for name in ("monai", "torch", "scipy")})
expert = torch.zeros(1, 1, 12, 5, 5)
expert[..., 3:9, 2, 2] = 1
predicted = torch.zeros_like(expert)
predicted[..., 3, 2, 2] = 1
ways = {
    "prediction, reference": float(distance(predicted, expert, include_background=True)),
    "exchanged": float(distance(expert, predicted, include_background=True)),
    "symmetric": float(distance(predicted, expert, include_background=True, symmetric=True)),
}
print("one voxel of a row of six is found:", {name: round(value, 3) for name, value in ways.items()})
assert ways["prediction, reference"] == 0, "the behaviour has changed"
assert abs(ways["exchanged"] - 2.5) < 1e-6 and abs(ways["symmetric"] - 15 / 7) < 1e-6, "the behaviour has changed"
PY
