#!/usr/bin/env bash
# papermill loses a notebook's parameters if the comment of one holds an equals sign.
#
# One would expect: `papermill --help-notebook study.ipynb` lists every typed parameter of the tagged cell with its
# comment as help, whatever the comment says; a comment is not code.
# What happens (papermill 2.7.0): for `NAMES: str = ""  # as code=name` it prints "Unable to parse line" and leaves the
# parameter out. A comment without "=" is fine. Running the notebook with `-p NAMES ...` works all the same.
# Why it matters here: every study is one parameterised notebook, and this list is how a stranger, or a scheduler that
# calls `papermill.inspect_notebook`, finds out which parameters there are.
# Source: papermill/translators.py, class PythonTranslator, pattern PARAMETER_PATTERN (nteract/papermill).
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
python3 -m venv venv
venv/bin/pip install --quiet papermill==2.7.0 ipykernel==7.1.0

venv/bin/python - <<'PY'
import nbformat as nbf

for name, comment in (("plain", "code and name"), ("equals", "as code=name")):
    cell = nbf.v4.new_code_cell(f'SEED: int = 0  # seed\nNAMES: str = ""  # {comment}', metadata={"tags": ["parameters"]})
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbf.write(nbf.v4.new_notebook(cells=[cell], metadata=kernel), f"{name}.ipynb")
PY

venv/bin/python - <<'PY'
import importlib.metadata
import sys

import papermill

found = {name: sorted(papermill.inspect_notebook(f"{name}.ipynb")) for name in ("plain", "equals")}
print("papermill", importlib.metadata.version("papermill"))
for name, parameters in found.items():
    print(f"{name} comment: {parameters}")
sys.exit(found["plain"] != ["NAMES", "SEED"] or "NAMES" in found["equals"])
PY
echo "as described"
