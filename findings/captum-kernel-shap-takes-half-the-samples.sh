#!/usr/bin/env bash
# captum: KernelShap and Lime evaluate 25 samples by default, where their documentation states 50.
#
# One would expect: the number in the documentation, or one that grows with the number of features.
# What happens: a call without n_samples evaluates the network 25 times (plus once to see its output), for 6 features as
# for 300. With more features than samples the regression has no unique answer, and no warning is given: at 300
# features the attribution of a linear network does not order them.
# Why it matters here: the study of explanations compares methods. With this default a method disagrees with itself
# between two seeds, which would be read as a disagreement of methods. Name n_samples, and compare two seeds.
# Source: captum/attr/_core/kernel_shap.py, captum/attr/_core/lime.py (signature and docstring of attribute).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet captum==0.9.0 torch==2.13.0 scipy==1.17.1 scikit-learn==1.8.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PY'
import inspect
from importlib import metadata

import torch
from captum.attr import KernelShap, Lime
from scipy.stats import spearmanr

print({name: metadata.version(name) for name in ("captum", "torch")})
calls = []


def linear(features):
    calls.append(len(features))
    return features @ torch.linspace(-1, 1, features.shape[1])


stated = {}
for method in (KernelShap, Lime):
    default = inspect.signature(method.attribute).parameters["n_samples"].default
    stated[method.__name__] = default, "Default: `50` if `n_samples` is not provided" in method.attribute.__doc__
print("default of n_samples, and whether the documentation states 50:", stated)
found = {}
for n in (6, 300):
    maps = []
    for seed in (0, 1):
        calls.clear()
        torch.manual_seed(seed)
        maps.append(KernelShap(linear).attribute(torch.ones(1, n))[0])
    found[n] = spearmanr(maps[0], torch.linspace(-1, 1, n))[0], spearmanr(*maps)[0]
    print(f"{n} features, {sum(calls)} evaluations: rank with the truth {found[n][0]:.2f}, of two seeds {found[n][1]:.2f}")
assert stated == {"KernelShap": (25, True), "Lime": (25, True)}, "the behaviour has changed"
assert sum(calls) <= 27 and found[6][0] > 0.9 and max(found[300]) < 0.7, "the behaviour has changed"
PY
