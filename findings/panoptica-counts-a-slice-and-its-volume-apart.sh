#!/usr/bin/env bash
# panoptica: the same mask has two lesions as an image and one as a volume of one slice.
#
# One would expect: what is one lesion is a choice of the measure (do corners touch?), the same for 2D and 3D.
# What happens: without a named backend, 2D masks are labelled by SciPy, where pixels that share a corner alone are two
# lesions, and 3D masks by cc3d, where voxels that share a corner are one. Lesions found, missed, and the panoptic
# quality depend on whether a slice is passed as (rows, columns) or (1, rows, columns).
# Why it matters here: numbers of lesions by group are compared between 2D ultrasound and 3D MRI, and between tools.
# Name the backend and the connectivity with every count.
# Source: panoptica/instance_approximator.py (choice of the backend); scipy.ndimage.label (default structure);
# cc3d.connected_components (default connectivity 26).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet panoptica==2.1.7 connected-components-3d==3.29.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PY'
from importlib import metadata

import numpy as np
from panoptica import (
    CCABackend,
    ConnectedComponentsInstanceApproximator,
    InputType,
    NaiveThresholdMatching,
    Panoptica_Evaluator,
)

print({name: metadata.version(name) for name in ("panoptica", "scipy", "connected-components-3d")})
mask = np.zeros((6, 6), np.uint8)
mask[0:2, 0:2] = mask[2:4, 2:4] = 1  # two squares that share a corner


def lesions(mask, backend=None):
    evaluator = Panoptica_Evaluator(
        expected_input=InputType.SEMANTIC,
        instance_approximator=ConnectedComponentsInstanceApproximator(cca_backend=backend),
        instance_matcher=NaiveThresholdMatching(),
    )
    found = evaluator.evaluate(mask, mask, verbose=False)
    return found["ungrouped"].to_dict()["n_ref_instances"]


found = {"image": lesions(mask), "volume of one slice": lesions(mask[None])}
found["volume, SciPy"] = lesions(mask[None], CCABackend.scipy)
print("lesions of the same mask:", found)
assert found == {"image": 2, "volume of one slice": 1, "volume, SciPy": 2}, "the behaviour has changed"
PY
