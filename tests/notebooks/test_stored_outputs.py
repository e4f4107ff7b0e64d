"""The outputs that an executed notebook stores are those that it gives again, as nbval compares them."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests import tiny
from tests.conftest import ROOT

SANITISE = Path(__file__).with_name("sanitise.cfg")
TOY = {  # source of a cell and the text that it is said to have given
    "import time; print('made', time.strftime('%Y-%m-%d %H:%M UTC'))": "made 2020-01-01 00:00 UTC\n",
    "print('commit', '0123456789ab'[::-1], 'in', __import__('os').getcwd())": "commit 0123456789ab in /some/folder\n",
    "print('dice', round(1 / 3, 3))": "dice 0.333\n",
}


def compare(notebook: Path) -> subprocess.CompletedProcess:
    """Run a notebook again, and compare what it gives with what it stores."""
    options = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with", str(SANITISE)]
    words = ["-m", "pytest", *options, "-q", "-p", "no:cacheprovider", "--rootdir", str(notebook.parent)]
    return subprocess.run(
        [sys.executable, *words, str(notebook)],
        cwd=notebook.parent,
        env=tiny.environment(tiny.PROJECT),
        capture_output=True,
        text=True,
    )


def test_the_template_gives_again_what_its_tiny_run_stored(tiny_run, tmp_path):
    run = tiny_run(tiny.TEMPLATE)
    notebook = run.notebook
    (given,) = (cell for cell in notebook["cells"] if "injected-parameters" in cell["metadata"].get("tags", []))
    (line,) = (line for line in given["source"] if line.startswith("RUN_DIR = "))
    given["source"][given["source"].index(line)] = f"RUN_DIR = {str(tmp_path / 'run')!r}\n"
    (tmp_path / "again.ipynb").write_text(json.dumps(notebook))
    done = compare(tmp_path / "again.ipynb")
    assert done.returncode == 0, done.stdout[-4000:]
    again = json.loads((tmp_path / "run" / "results.json").read_text())
    assert again["values"] == run.results["values"]
    assert any("over 60 less up to 40: " in str(cell.get("outputs")) for cell in notebook["cells"])


def test_a_stored_output_that_is_not_given_again_fails(tmp_path):
    cells = []
    for source, text in (*TOY.items(), (list(TOY)[-1], "dice 0.334\n")):
        outputs = [nbformat.v4.new_output("stream", text=text)]
        cells.append(nbformat.v4.new_code_cell(source, execution_count=len(cells) + 1, outputs=outputs))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "toy.ipynb")
    done = compare(tmp_path / "toy.ipynb")
    assert done.returncode == 1, done.stdout[-4000:]
    assert f"1 failed, {len(TOY)} passed" in done.stdout and f"Cell {len(TOY)}" in done.stdout


@pytest.mark.slow
def test_the_template_runs_with_its_defaults(checkout):
    """As a reader would by Run All; the pages of the book run with theirs in `make book`."""
    words = ["-m", "pytest", "--nbval", "--nbval-current-env", "-q", "-p", "no:cacheprovider"]
    done = checkout.run(*words, f"notebooks/{tiny.TEMPLATE}.ipynb")
    assert done.returncode == 0, done.stdout[-4000:]
    assert (ROOT / "notebooks" / f"{tiny.TEMPLATE}.ipynb").is_file()
    (results,) = (checkout.folder / "runs" / "by-hand").glob(f"{tiny.TEMPLATE}-*/results.json")
    assert json.loads(results.read_text())["provenance"]["parameters"]["SEED"] == 0
