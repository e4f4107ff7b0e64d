#!/usr/bin/env bash
# The first optimizer of a process imports PyTorch's compiler, though nothing is compiled.
#
# One would expect: `import torch` brings what eager training needs, and `torch.optim.Adam(...)` only keeps parameters.
# What happens: methods of every optimizer are wrapped so that a compiler leaves them out, and the wrapper imports
# `torch._dynamo` at the first call. About 800 modules come with it, among them sympy and distributed tensors, and the
# first Adam takes about as much CPU time as `import torch`.
# Why it matters here: each notebook is a process with one kernel, and a study at its tiny size trains for a few seconds.
# Importing fewer modules by hand does not help: whoever trains pays. Small trainings belong in one process.
# Source: torch/_compile.py (_disable_dynamo), torch/optim/optimizer.py (add_param_group).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
cd "$folder"
cat >first.py <<'PY'
import sys
import time

start = time.process_time()
import torch

imported = time.process_time() - start
before = set(sys.modules)
parameters = [torch.nn.Parameter(torch.zeros(2))]
start = time.process_time()
torch.optim.Adam(parameters)
made = time.process_time() - start
start = time.process_time()
torch.optim.Adam(parameters)
again = time.process_time() - start
more = set(sys.modules) - before
print(f"torch {torch.__version__}")
print(f"modules that the first Adam imports: {len(more)}, torch._dynamo among them: {'torch._dynamo' in more}")
print(f"sympy too: {'sympy' in more}; distributed tensors too: {'torch.distributed.tensor' in more}")
print(f"CPU time of the first Adam over that of import torch: {made / imported:.2f}; of the second: {again / imported:.4f}")
assert "torch._dynamo" not in before, "the behaviour has changed"
assert "torch._dynamo" in more and len(more) > 400, "the behaviour has changed"
assert made > 0.3 * imported and again < 0.05 * imported, "the behaviour has changed"
PY
"$folder/venv/bin/python" first.py >/dev/null # compiles what is imported
"$folder/venv/bin/python" first.py
