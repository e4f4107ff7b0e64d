"""What a start costs against an earlier commit, in seconds of the processor, as ratios of one run.

The earlier commit is taken from Git's history into a folder for a while. Each start is a process; the two commits take
turns, and the median of the ratios of pairs counts. Run with
``python -m pytest -s tests/benchmarks/test_startup_speed.py``.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

BEFORE = "6b19812"
PAIRS = 3
NOTEBOOKS = sorted(p.stem for p in ROOT.joinpath("notebooks").glob("*.ipynb"))
REFUSED = {"unknown parameter": ["N_BOOT=200"], "missing folder": ["SOURCE=real", "DATA_ROOT=nowhere"]}


@pytest.fixture(scope="module")
def before(tmp_path_factory) -> Path:
    archive = subprocess.run(["git", "archive", BEFORE], cwd=ROOT, capture_output=True)
    if archive.returncode:
        pytest.skip(f"commit {BEFORE} is not in this copy's history; git fetch --unshallow brings it")
    place = tmp_path_factory.mktemp("before")
    subprocess.run(["tar", "-x", "-C", place], input=archive.stdout, check=True)
    return place


def start(project: Path, words: list[str]) -> tuple[float, subprocess.CompletedProcess]:
    """Seconds of the processor that a process and its children take, and how it ended."""
    known = os.environ | {"PYTHONPATH": str(project / "src"), "OMP_NUM_THREADS": "1"}
    old = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, *words], cwd=project, env=known, capture_output=True, text=True)
    new = resource.getrusage(resource.RUSAGE_CHILDREN)
    return new.ru_utime + new.ru_stime - old.ru_utime - old.ru_stime, done


def compare(what: str, before: Path, words: dict[Path, list[str]], code: int = 0) -> float:
    """Median ratio of pairs; both must end with the same code and name the same problem."""
    seconds = {before: [], ROOT: []}
    for pair in range(PAIRS + 1):
        told = []
        for project in (before, ROOT) if pair % 2 else (ROOT, before):
            took, done = start(project, words[project])
            assert done.returncode == code, done.stderr
            told.append(done.stderr.partition(". ")[0])  # the advice that follows is worded anew
            seconds[project].append(took)
        assert told[0] == told[1]
    pairs = list(zip(seconds[ROOT][1:], seconds[before][1:], strict=True))  # the first writes what Python compiles
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    theirs, ours = (statistics.median(seconds[project][1:]) for project in (before, ROOT))
    print(f"\n{what:32} {BEFORE} {theirs:5.2f} s, now {ours:5.2f} s of the processor, ratio {ratio:.2f}")
    return ratio


def set_up(project: Path, study: str, run_dir: Path) -> str:
    """Code of a notebook's cell of parameters and of its set-up cell."""
    cells = json.loads((project / "notebooks" / f"{study}.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [c for c in cells if c["cell_type"] == "code"]
    first = next(c for c in code if "parameters" in c["metadata"].get("tags", []))
    second = next(c for c in code if "report.start(" in "".join(c["source"]))
    return "\n".join(["".join(first["source"]), f"RUN_DIR = {str(run_dir)!r}", "".join(second["source"])])


@pytest.mark.timeout(1800)
def test_the_report_is_imported_in_a_third_of_the_time(before, record_property):
    words = ["-c", "import helpers.report"]
    ratio = compare("import helpers.report", before, {before: words, ROOT: words})
    record_property("ratio", round(ratio, 2))
    assert ratio <= 0.35


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", ["page", "status"])
def test_what_makes_a_page_is_imported_in_a_quarter_of_the_time(part, before, record_property):
    """It neither plots nor computes: 0.14 was measured."""
    words = {before: ["-c", f"import helpers.report.{part}"], ROOT: ["-c", f"import helpers.book.{part}"]}
    ratio = compare(f"import of the book's {part}", before, words)
    record_property("ratio", round(ratio, 2))
    assert ratio <= 0.25


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("study", NOTEBOOKS)
def test_a_notebook_is_set_up_in_half_the_time(study, before, tmp_path, record_property):
    words = {}
    for name, project in (("before", before), ("now", ROOT)):
        script = tmp_path / f"{name}.py"
        script.write_text(set_up(project, study, tmp_path / name), encoding="utf-8")
        words[project] = [str(script)]
    ratio = compare(f"set-up of {study}", before, words)
    record_property("ratio", round(ratio, 2))
    assert ratio <= 0.5


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("asked", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused_in_a_third_of_the_time(asked, before, record_property):
    words = ["study", "01_label_audit", "tiny", *asked]
    both = {before: ["-m", "helpers.workflow", *words], ROOT: ["-m", "helpers.book.workflow", *words]}
    ratio = compare(f"refusing {' '.join(asked)}", before, both, code=2)
    record_property("ratio", round(ratio, 2))
    assert ratio <= 0.3
