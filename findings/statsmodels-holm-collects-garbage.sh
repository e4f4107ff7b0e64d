#!/usr/bin/env bash
# Holm's correction in statsmodels makes Python collect garbage, so it takes longer the more the program has loaded.
#
# One would expect: correcting five p values takes microseconds, by Holm as by Bonferroni or Benjamini-Hochberg.
# What happens: `multipletests(..., "holm")` ends with a full garbage collection. Five p values take as long as Python
# needs to look at every object of the process, and no other method of the function does so.
# Why it matters here: an analysis corrects each table of tests, in a process with torch, monai and its data loaded;
# each correction took 0.1 to 0.5 s there, a thousand times Benjamini-Hochberg's. `gc.freeze()` before the call and
# `gc.unfreeze()` after it put the objects where the collection does not look: `helpers.stats.adjust_p`.
# Source: statsmodels/stats/multitest.py (multipletests, the branch of "holm"), as pinned.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet statsmodels==0.15.0 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import gc
import time

import statsmodels
from statsmodels.stats.multitest import multipletests

print(f"statsmodels {statsmodels.__version__}")
P = [0.01, 0.02, 0.03, 0.2, 0.5]
METHODS = ("bonferroni", "sidak", "holm-sidak", "holm", "simes-hochberg", "hommel", "fdr_bh", "fdr_by")
full = 0


def seen(phase, info):
    global full
    full += phase == "start" and info["generation"] == 2


def seconds(method):
    began = time.process_time()
    for _ in range(5):
        multipletests(P, method=method)
    return (time.process_time() - began) / 5


gc.disable()  # so that each collection is one that was asked for
gc.callbacks.append(seen)
collections = {}
for method in METHODS:
    full = 0
    multipletests(P, method=method)
    collections[method] = full
print("full collections in one call:", collections)
assert collections == {name: int(name == "holm") for name in METHODS}, "the behaviour has changed"

few = seconds("holm")
held = [[k] for k in range(5_000_000)]  # what a larger program holds
many, other = seconds("holm"), seconds("fdr_bh")
gc.freeze()
frozen = seconds("holm")
print(f"with {len(held):,} lists more: {many / few:.0f} times as long; Benjamini-Hochberg: 1/{many / other:.0f} of that;")
print(f"after gc.freeze(): 1/{many / frozen:.0f} of that")
assert many > 2 * few and many > 50 * other and many > 10 * frozen, "the behaviour has changed"
PY
