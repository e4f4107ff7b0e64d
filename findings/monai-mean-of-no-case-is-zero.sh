#!/usr/bin/env bash
# MONAI: the mean Dice of a class that no case has is 0, the worst there is.
#
# One would expect: cases without the class are left out (ignore_empty=True), so a class that nobody has has no mean:
# NaN, as from NumPy's nanmean.
# What happens: aggregate() returns 0.0. Only get_not_nans=True shows that it is the mean of no case.
# Why it matters here: per group or per site a class is easily absent. The group then has a mean of 0 and the largest
# gap of the table, though nothing of it was measured. `helpers` gives such a group no mean and its number of cases.
# Source: monai/metrics/utils.py, do_metric_reduction (the reduction writes 0 where the count is 0).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet monai==1.6.1 torch==2.13.0 numpy==2.4.0
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
from importlib import metadata

import numpy as np
import torch
from monai.metrics import DiceMetric

print({name: metadata.version(name) for name in ("monai", "torch")})
mask = torch.zeros(3, 2, 8, 8)
mask[:, 0, :4] = 1  # each case has the first class, none the second
measure = DiceMetric(reduction="mean_batch", get_not_nans=True)
each = measure(mask, mask)
mean, cases = measure.aggregate()
print("Dice of each case and class:", each.tolist())
print("mean by class:", mean.tolist(), "of cases:", cases.tolist())
assert np.isnan(each[:, 1].numpy()).all() and mean.tolist() == [1.0, 0.0] and cases.tolist() == [3, 0], "changed"
PY
