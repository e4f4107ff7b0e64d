#!/usr/bin/env bash
# torchmetrics: an AUROC of scores around 20 is 0.5, however well they separate.
#
# One would expect: an AUROC depends on the order of the scores alone, so any increasing transformation leaves it.
# What happens: if one score is outside [0, 1], all are taken for logits and put through a sigmoid in float32. Above
# some 17 it rounds to 1, so large scores are tied: the AUROC falls to about a half, without a warning. Less 20, the
# same scores have their AUROC back. The documentation names the sigmoid; it does not name the ties.
# Why it matters here: scores of a detector of strangers (energies, distances, log-likelihoods) are often of this size
# or far larger, and a detector that works would be reported as blind. `helpers.metrics` orders the scores themselves.
# Source: torchmetrics/functional/classification/precision_recall_curve.py, _binary_precision_recall_curve_format.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torchmetrics==1.9.0 torch==2.13.0 scikit-learn==1.9.1 numpy==2.4.0
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import warnings
from importlib import metadata

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torchmetrics.classification import BinaryAUROC

print({name: metadata.version(name) for name in ("torchmetrics", "torch", "scikit-learn")})
generator = np.random.default_rng(0)
stranger = generator.integers(0, 2, 400)
energy = torch.tensor(generator.normal(20 + 1.5 * stranger), dtype=torch.float32)
with warnings.catch_warnings(record=True) as raised:
    warnings.simplefilter("always")
    as_it_is = BinaryAUROC()(energy, torch.tensor(stranger)).item()
    shifted = BinaryAUROC()(energy - 20, torch.tensor(stranger)).item()
right = roc_auc_score(stranger, energy.numpy())
print(f"AUROC {as_it_is:.3f}; of the scores less 20 {shifted:.3f}; scikit-learn {right:.3f}; warnings: {len(raised)}")
assert as_it_is < 0.55 and abs(shifted - right) < 1e-6 and right > 0.8 and not raised, "the behaviour has changed"
PY
