#!/usr/bin/env bash
# nilearn: a connectome as a vector has its diagonal divided by the square root of two.
#
# One would expect: sym_matrix_to_vec takes the lower triangle, so that each element is a value of the matrix.
# What happens: by default the diagonal is kept and each of its values is divided by sqrt(2), which keeps the norm of
# the whole matrix. ConnectivityMeasure(vectorize=True) does the same: a correlation of a region with itself is 0.71.
# Put back by NumPy's tril_indices, the matrix has another diagonal; nilearn's vec_to_sym_matrix undoes it.
# Why it matters here: connectomes come as such vectors. A variance of a region (kind "covariance") read from one is
# too small by 29%, and an edge is not, so a ratio of both is off. Readers here take lists of edges.
# Source: nilearn/connectome/connectivity_matrices.py, docstring of sym_matrix_to_vec.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet nilearn==0.14.1 numpy==2.4.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PY'
from importlib import metadata

import numpy as np
from nilearn.connectome import ConnectivityMeasure, sym_matrix_to_vec, vec_to_sym_matrix

print({name: metadata.version(name) for name in ("nilearn", "numpy")})
matrix = np.array([[4.0, 1.0], [1.0, 9.0]])
vector = sym_matrix_to_vec(matrix)
print("matrix", matrix.tolist(), "as a vector", vector.round(3).tolist())
signals = [np.random.default_rng(0).normal(size=(200, 3)) for _ in range(2)]
both = [
    ConnectivityMeasure(kind="correlation", vectorize=True).fit_transform(signals)[0],
    ConnectivityMeasure(kind="correlation", vectorize=False).fit_transform(signals)[0],
]
place = np.flatnonzero(np.equal(*np.tril_indices(3)))
print("correlation of a region with itself:", both[0][place].round(3).tolist(), "and", both[1].diagonal().tolist())
assert np.allclose(vector, [4 / 2**0.5, 1, 9 / 2**0.5]), "the behaviour has changed"
assert np.allclose(both[0][place], 0.5**0.5) and np.allclose(both[1].diagonal(), 1), "the behaviour has changed"
assert np.allclose(vec_to_sym_matrix(vector), matrix), "nilearn itself no longer undoes it"
PY
