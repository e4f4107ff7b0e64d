#!/usr/bin/env bash
# captum: Kernel SHAP takes 25 samples by default where its documentation promises 50, and the map is mostly noise.
#
# One would expect: the number of the docstring ("Default: `50` if `n_samples` is not provided"), and a map that is
# nearly the same if it is computed again.
# What happens: the signature has 25, with no warning however many parts there are; two calls on one image of 64 parts
# disagree about as much as maps of two networks would.
# Why it matters here: two maps that share a seed seem to agree, and two that do not seem to differ, whatever the
# networks are. `helpers.learn.attribute` takes 150 samples and a seed, and the study measures the noise first.
# Source: captum/attr/_core/kernel_shap.py, KernelShap.attribute (n_samples: int = 25).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet captum==0.9.0 torch==2.13.0 numpy==2.4.0
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
from importlib import metadata

import numpy as np
import torch
from captum.attr import KernelShap

print({name: metadata.version(name) for name in ("captum", "torch")})
asked = 0


def network(x):
    global asked
    asked += len(x)
    return torch.tanh((x * weight).sum(1)) + x[:, ::2].prod(1)


torch.manual_seed(0)
weight, image = torch.randn(64) / 8, torch.rand(1, 64) + 0.5
maps = []
for seed in (1, 2):
    torch.manual_seed(seed)
    before = asked
    maps.append(KernelShap(network).attribute(image)[0].numpy())
    print("images that the network was asked about:", asked - before)
ranks = [one.argsort().argsort() for one in maps]
agreement = np.corrcoef(ranks)[0, 1]
print(f"Spearman's correlation of two calls: {agreement:.2f}")
assert "Default: `50`" in KernelShap.attribute.__doc__ and asked <= 2 * 30 and agreement < 0.5, "changed"
PY
