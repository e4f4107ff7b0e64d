#!/usr/bin/env bash
# papermill: the notebook is written twice for each cell, whatever `autosave_cell_every` says.
#
# One would expect: `autosave_cell_every=30`, "how often in seconds to autosave the notebook during long cell
# executions (0 to disable)", spaces the saves, and 0 writes the notebook at its end alone.
# What happens: the notebook is written whole before and after each cell, Markdown cells included, and three times more
# at start and end. The option adds saves within long cells; 0 and 30 give the same number for short ones.
# Why it matters here: a page with figures and the values of a recorded run has megabytes, of which every save makes
# JSON again: a page of 90 cells spent 20 of 55 seconds on saves. `helpers.book.executing` saves seldom.
# Source: papermill/engines.py (NotebookExecutionManager.cell_start, cell_complete, save, autosave_cell).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet papermill==2.7.0 ipykernel==7.1.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PY'
from importlib import metadata

import nbformat
import papermill
from papermill.iorw import LocalHandler

print({name: metadata.version(name) for name in ("papermill", "ipykernel", "nbformat")})
new = nbformat.v4
cells = [new.new_code_cell("x = 1", id=f"code-{k}") for k in range(6)]
cells += [new.new_markdown_cell("text", id=f"text-{k}") for k in range(4)]
kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
nbformat.write(new.new_notebook(cells=cells, metadata=kernel), "asked.ipynb")
write, sizes, counts = LocalHandler.write, [], {}
LocalHandler.write = lambda self, text, path: (sizes.append(len(text)), write(self, text, path))[1]
for every in (30, 0):
    sizes.clear()
    papermill.execute_notebook("asked.ipynb", "done.ipynb", progress_bar=False, autosave_cell_every=every)
    counts[every] = len(sizes)
print("writes of a notebook of 10 cells, by autosave_cell_every:", counts)
assert counts == {30: 23, 0: 23}, "the behaviour has changed"
PY
