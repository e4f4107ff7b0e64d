#!/usr/bin/env bash
# Beside Jupyter, importing a network of monai takes several times as long: a grammar of web addresses is compiled on the way.
#
# One would expect: importing a U-Net costs the same whether or not JupyterLab is installed in the environment.
# What happens: importing monai.networks imports monai.bundle, which tries jsonschema. jsonschema tries every optional
# checker of formats, among them rfc3987-syntax, which jupyter-events (so JupyterLab) requires through
# jsonschema[format-nongpl]. That module builds dozens of lark parsers when it is imported. Nothing is ever checked.
# Why it matters here: every kernel of a study that trains, every process of a sweep and papermill itself (through
# nbformat) paid for it, seconds each. helpers/__init__.py names the module as absent, which jsonschema allows.
# Source: monai/bundle/scripts.py (optional_import of jsonschema), jsonschema/_format.py, rfc3987_syntax, as pinned.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 monai==1.6.1 jupyter-events==0.12.1 jsonschema==4.26.0 rfc3987-syntax==1.1.0
cd "$folder"
cat > once.py <<'PY'
import sys
import time

import torch

if sys.argv[1] == "absent":
    sys.modules["rfc3987_syntax"] = None
start = time.process_time()
from monai.networks.nets import UNet

print(time.process_time() - start, sys.modules.get("rfc3987_syntax") is not None)
PY
"$folder/venv/bin/python" - <<'PY'
import subprocess
import sys
from importlib import metadata
from statistics import median

print({name: metadata.version(name) for name in ("torch", "monai", "jsonschema", "rfc3987-syntax", "jupyter-events")})


def imported(how):
    """Median CPU seconds of three imports, and whether the grammar was compiled in them."""
    runs = [subprocess.check_output([sys.executable, "once.py", how], text=True).split() for _ in range(4)]
    return median(float(seconds) for seconds, _ in runs[1:]), {compiled for _, compiled in runs}


there, absent = imported("there"), imported("absent")
print(f"import of monai's UNet: {there[0]:.1f} CPU seconds, {absent[0]:.1f} without the grammar")
print(f"ratio {there[0] / absent[0]:.1f}")
assert there[1] == {"True"} and absent[1] == {"False"}, "monai no longer imports the grammar"
assert there[0] > 1.3 * absent[0], "the grammar is no longer dear"
PY
