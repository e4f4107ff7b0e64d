#!/usr/bin/env bash
# statsmodels' MixedLM returns the slope within clusters, "converged", where clusters have no variance.
#
# One would expect: where the variance between clusters is estimated as 0, a mixed model is least squares, and a result
# that reports convergence is the optimum of its likelihood.
# What happens: of 8 clusters without any variance the default optimiser stops at a huge variance, where the model uses
# the differences within clusters alone: -0.058 in place of -0.032, with `converged` True. Nelder-Mead finds the slope,
# with a standard error of the wrong curvature.
# Why it matters here: a slope with age, adjusted for hospitals, changes by its own standard error, and in other draws
# its interval is too short. `helpers.stats` profiles the likelihood over the whole range of the variance instead.
# Source: statsmodels/regression/mixed_linear_model.py (fit); issue 10239 of statsmodels/statsmodels.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet statsmodels==0.15.0 pandas==3.0.5 numpy==2.4.6 scipy==1.17.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PY'
from importlib import metadata

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf

print({name: metadata.version(name) for name in ("statsmodels", "pandas", "numpy")})
rng = np.random.default_rng(6)
site = np.repeat(np.arange(8), 25)
x = rng.normal(size=200) + 0.3 * site
frame = pd.DataFrame({"y": rng.normal(size=200), "x": x, "site": site})
mixed = smf.mixedlm("y ~ x", frame, groups="site").fit()
least = smf.ols("y ~ x", frame).fit()
inside = frame - frame.groupby("site").transform("mean").reindex(columns=frame.columns, fill_value=0)
within = float((inside["x"] * inside["y"]).sum() / (inside["x"] ** 2).sum())
optimum = smf.mixedlm("y ~ x", frame, groups="site").fit(method="nm")
print(f"slope: mixed {mixed.params['x']:.4f} (converged: {mixed.converged}), least squares {least.params['x']:.4f}, within {within:.4f}")
print(f"log-likelihood (REML): {mixed.llf:.3f} there, {optimum.llf:.3f} by Nelder-Mead at {optimum.params['x']:.4f}")
assert mixed.converged and abs(mixed.params["x"] - within) < 0.003, "the behaviour has changed"
assert abs(mixed.params["x"] - least.params["x"]) > 0.02 and optimum.llf > mixed.llf + 0.05, "the behaviour has changed"
PY
