#!/usr/bin/env bash
# fairlearn: a group of one patient has the narrowest interval of all, of width 0, and nothing warns.
#
# One would expect: a bootstrap interval of a mean that rests on one patient is undefined, or as wide as it gets.
# What happens: the rows are resampled, the group's mean is that of its one row wherever the row is drawn, and the
# replicates without it (37%) are left out. Both quantiles are then the value itself, so the group that is known least
# looks known exactly. The interval of the gap to the other groups takes this over.
# Why it matters here: tables by ethnicity or scanner often have such groups. A reader of intervals would trust this one
# most. `helpers` gives no mean and no interval of fewer than ten patients, and counts undefined replicates.
# Source: fairlearn/metrics/_bootstrap.py (generate_bootstrap_samples, calculate_pandas_quantiles).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet fairlearn==0.15.0 numpy==2.4.0 pandas==2.3.3
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import warnings
from importlib import metadata

import numpy as np
from fairlearn.metrics import MetricFrame

print({name: metadata.version(name) for name in ("fairlearn", "numpy", "pandas")})
groups = np.repeat(["a", "b", "c"], [60, 60, 1])
score = np.random.default_rng(0).random(121)


def mean(_, values):
    return float(np.mean(values))


asked = {"metrics": mean, "y_true": score, "y_pred": score, "sensitive_features": groups}
with warnings.catch_warnings(record=True) as raised:
    warnings.simplefilter("always")
    found = MetricFrame(**asked, n_boot=60, ci_quantiles=[0.025, 0.975], random_state=0)
    low, high = found.by_group_ci
    gap = found.difference_ci()
width = (high - low).round(3).to_dict()
print("width of the 95% interval of each mean:", width, "for patients", {"a": 60, "b": 60, "c": 1})
print("95% interval of the gap:", [round(float(end), 3) for end in gap], "warnings:", len(raised))
assert width["c"] == 0 < min(width["a"], width["b"]) and not raised, "the behaviour has changed"
PY
