#!/usr/bin/env bash
# papermill fails a run without any time-out set, if a kernel's last message comes more than 4 seconds after its reply.
#
# One would expect: with no execution timeout, papermill waits; and it treats a late message as nbclient does, which
# logs a warning and goes on.
# What happens: papermill sets nbclient's raise_on_iopub_timeout and leaves its iopub_timeout at 4 seconds. A cell that
# has ended well then stops the run with "CellTimeoutError: A cell timed out while it was being executed, after 4
# seconds", and results of hours are lost. The same notebook passes with iopub_timeout=60.
# Why it matters here: studies run for hours, two or more at a time. On a machine with more work than cores, the thread
# of a kernel that sends messages waits for seconds; the book's workflow lost a run to it.
# Here the kernel's thread for messages is kept busy for 25 seconds on purpose, in place of a busy machine.
# Source: papermill/clientwrap.py (raise_on_iopub_timeout=True) and nbclient/client.py (iopub_timeout = 4), as pinned.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet papermill==2.7.0 nbclient==0.11.0 ipykernel==7.4.0 nbformat==5.11.1
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import sys
from importlib import metadata

import nbclient
import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError

print({name: metadata.version(name) for name in ("papermill", "nbclient", "ipykernel")})
LATE = """import time
get_ipython().kernel.iopub_thread.schedule(lambda: time.sleep(25))
print("this cell ends at once and well")"""
cell, kernel = nbformat.v4.new_code_cell, {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
nbformat.write(nbformat.v4.new_notebook(cells=[cell(LATE)], metadata=kernel), "late.ipynb")

try:
    papermill.execute_notebook("late.ipynb", "out.ipynb", kernel_name="python3", progress_bar=False)
except CellTimeoutError as error:
    print("papermill, no time-out set:", str(error).splitlines()[0])
else:
    sys.exit("papermill passed: the behaviour has changed")
papermill.execute_notebook("late.ipynb", "out.ipynb", kernel_name="python3", progress_bar=False, iopub_timeout=60)
print("papermill, iopub_timeout=60: passed")
nbclient.NotebookClient(nbformat.read("late.ipynb", as_version=4), kernel_name="python3").execute()
print("nbclient with its defaults: passed, with a warning at most")
PY
