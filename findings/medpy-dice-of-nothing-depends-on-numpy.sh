#!/usr/bin/env bash
# MedPy's Dice of two empty masks is 1 with one NumPy, and NaN with a later one.
#
# One would expect: one version of a package has one policy on two empty masks, and MedPy's source states it: where the
# division by 0 fails, the Dice is 1.
# What happens: `numpy.count_nonzero` returned a Python integer, whose division raises the error that MedPy catches. Of a
# whole array it now returns a NumPy integer, whose division gives NaN and a warning. The Jaccard converts its counts
# first and stays 1, so that the two disagree.
# Why it matters here: the mean Dice of a group with healthy people is higher or cannot be computed, by the version of
# another package that no table names. `helpers` leaves such pairs out of an audit and counts them by group; `EMPTY=1`
# counts them as 1 in words.
# Source: medpy/metric/binary.py (dc, jc: except ZeroDivisionError), as pinned; NumPy's release notes on count_nonzero.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for numpy in 2.2.6 2.4.6; do
  python3 -m venv "$folder/$numpy"
  "$folder/$numpy/bin/pip" install --quiet "numpy==$numpy" scipy==1.16.3 medpy==0.5.2
  "$folder/$numpy/bin/python" -W ignore - "$numpy" <<'PY'
import sys
from importlib import metadata

import numpy as np
from medpy.metric.binary import dc, jc

print({name: metadata.version(name) for name in ("medpy", "numpy")})
nothing = np.zeros((8, 8, 8), bool)
dice, jaccard, count = dc(nothing, nothing), jc(nothing, nothing), np.count_nonzero(nothing)
print(f"two empty masks: Dice {dice}, Jaccard {jaccard}; count_nonzero returns {type(count).__name__}")
if sys.argv[1] == "2.2.6":
    assert (dice, jaccard) == (1, 1), "the behaviour has changed"
else:
    assert np.isnan(dice) and jaccard == 1, "the behaviour has changed"
PY
done
