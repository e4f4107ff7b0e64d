#!/usr/bin/env bash
# statsmodels: with one missing p value, Benjamini-Hochberg returns no corrected p at all, and still rejects.
#
# One would expect: a missing p value is left out and stays missing, as R's p.adjust does, or the call is refused, as
# SciPy's false_discovery_control does.
# What happens: the missing value is sorted as the largest, a running minimum from there makes every corrected p missing,
# and it counts among the tests; `reject` is nevertheless True for some. Holm keeps the others, but multiplies by four
# where three were tested.
# Why it matters here: a group without positives or of constant scores gives no p, and one such row empties the table or
# makes the others larger. `helpers.stats` corrects over the tests that were made, and counts those.
# Source: statsmodels/stats/multitest.py (multipletests, fdrcorrection).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet statsmodels==0.15.0 scipy==1.17.1 numpy==2.4.0 pandas==2.3.3
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
from importlib import metadata

import numpy as np
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

print({name: metadata.version(name) for name in ("statsmodels", "scipy", "numpy")})
found = np.array([0.001, 0.02, np.nan, 0.04])
tested = found[~np.isnan(found)]
reject, corrected = multipletests(found, method="fdr_bh")[:2]
print("fdr_bh:", corrected, "rejects", reject, "; of the three tests:", multipletests(tested, method="fdr_bh")[1])
holm = multipletests(found, method="holm")[1]
print("holm:", holm, "; of the three tests:", multipletests(tested, method="holm")[1])
try:
    false_discovery_control(found)
    refused = False
except ValueError as error:
    refused = True
    print("SciPy:", error)
assert np.isnan(corrected).all() and reject.any() and refused, "the behaviour has changed"
assert np.allclose(holm[[0, 1, 3]], [0.004, 0.06, 0.08]), "the behaviour has changed"
PY
