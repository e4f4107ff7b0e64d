#!/usr/bin/env bash
# SimpleITK's overlap of two empty masks is a Dice of infinity, and a Jaccard of 1.8e308.
#
# One would expect: where there is nothing to find and nothing was found, a value from 0 to 1, no number (NaN), or an
# error.
# What happens: `LabelOverlapMeasuresImageFilter` divides by 0 in its own way: Dice is inf, Jaccard the largest double.
# MONAI says NaN.
# Why it matters here: `numpy.isfinite` keeps the Jaccard of 1.8e308, and one healthy case makes the mean of its group
# infinite, so that a gap appears between a group with healthy cases and one without. `helpers` leaves such pairs out of
# an audit and counts them by group.
# Source: ITK, itkLabelOverlapMeasuresImageFilter.hxx (GetMeanOverlap, GetUnionOverlap); MONAI,
# monai/metrics/meandice.py (ignore_empty).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0
"$folder/venv/bin/pip" install --quiet simpleitk==2.5.7 monai==1.6.1 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PY'
from importlib import metadata

import numpy as np
import SimpleITK as sitk
import torch
from monai.metrics import compute_dice

print({name: metadata.version(name) for name in ("simpleitk", "monai")})
nothing = np.zeros((8, 8, 8), np.uint8)
overlap = sitk.LabelOverlapMeasuresImageFilter()
overlap.Execute(sitk.GetImageFromArray(nothing), sitk.GetImageFromArray(nothing))
dice, jaccard = overlap.GetDiceCoefficient(), overlap.GetJaccardCoefficient()
batch = torch.zeros(1, 1, 8, 8, 8)
found = {"SimpleITK": dice, "MONAI": float(compute_dice(batch, batch))}
print("Dice of two empty masks:", found, "| Jaccard by SimpleITK:", jaccard)
assert np.isinf(dice) and jaccard > 1e300, "the behaviour of SimpleITK has changed"
assert np.isnan(found["MONAI"]), "the behaviour has changed"
PY
