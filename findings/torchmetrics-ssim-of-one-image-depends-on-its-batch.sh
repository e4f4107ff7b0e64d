#!/usr/bin/env bash
# torchmetrics: the SSIM of an image depends on the other images of its batch.
#
# One would expect: a measure of one pair of images, asked for with reduction="none", is that of this pair.
# What happens: without data_range the range is the largest less the smallest value of the whole batch. A dark pair of
# independent noise has an SSIM of about 0 alone, and of about 0.3 next to one bright pair.
# Why it matters here: images of dark skin, or of low exposure, are scored as better restored because brighter ones
# share their batch, and the score changes with the order of the data set. `helpers.metrics.ssim` takes one stated range, 1 by default.
# Source: torchmetrics/functional/image/ssim.py, _ssim_update; the documentation states max - min of the data.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torchmetrics==1.9.0 torch==2.13.0 numpy==2.4.0
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
from importlib import metadata

import numpy as np
import torch
from torchmetrics.functional.image import structural_similarity_index_measure as ssim

print({name: metadata.version(name) for name in ("torchmetrics", "torch")})
generator = np.random.default_rng(0)
noise = torch.tensor(generator.random((4, 1, 64, 64)), dtype=torch.float32)
dark, bright = 0.1 * noise[:2], noise[2:]
alone = ssim(dark[:1], dark[1:], reduction="none").item()
first = torch.cat([dark[:1], bright[:1]])
second = torch.cat([dark[1:], bright[1:]])
together = ssim(first, second, reduction="none")[0].item()
stated = [ssim(*pair, reduction="none", data_range=0.1)[0].item() for pair in ((dark[:1], dark[1:]), (first, second))]
print(f"SSIM of the dark pair: alone {alone:.3f}, next to a bright one {together:.3f}; with data_range=0.1: {stated}")
assert abs(alone) < 0.05 and together > 0.25 and abs(stated[0] - stated[1]) < 1e-6, "the behaviour has changed"
PY
