"""What a start costs against an earlier commit, in seconds of the processor, as ratios of one run.

The earlier commit is taken from Git's history into a folder for a while. Each start is a process; the two commits take
turns, and the median of the ratios of pairs counts. Run with
``python -m pytest -s tests/benchmarks/test_startup_speed.py``.
"""

import json
from pathlib import Path

import pytest

from tests.benchmarks import contest
from tests.conftest import ROOT

BEFORE = "6b19812"
EARLIER = f"commit {BEFORE}"
PAIRS = 3
NOTEBOOKS = sorted(p.stem for p in ROOT.joinpath("notebooks").glob("*.ipynb"))
REFUSED = {"unknown parameter": ["N_BOOT=200"], "missing folder": ["SOURCE=real", "DATA_ROOT=nowhere"]}


@pytest.fixture(scope="module")
def before(tmp_path_factory) -> Path:
    return contest.commit(BEFORE, tmp_path_factory.mktemp("before"))


def start(project: Path, words: list[str], code: int) -> dict[str, str | float]:
    """Seconds of the processor that a process and its children take, and the problem that it names."""
    done = contest.launch(words, cwd=project, PYTHONPATH=str(project / "src"), OMP_NUM_THREADS="1")
    assert done.code == code, done.stderr
    return {"seconds": done.seconds, "told": done.stderr.partition(". ")[0]}  # the advice that follows is worded anew


def compare(asked: float, work: str, before: Path, words: dict[Path, list[str]], code: int = 0) -> None:
    """Hold both commits against each other, which must name the same problem."""
    names = {"ours": ROOT, EARLIER: before}
    contenders = {name: (lambda p=project: start(p, words[p], code)) for name, project in names.items()}
    turns = contest.take_turns(contenders, rounds=PAIRS)  # the first writes what Python compiles
    assert len({turn["told"] for rounds in turns.values() for turn in rounds}) == 1
    contest.at_least(asked, work, turns, EARLIER)


def set_up(project: Path, study: str, run_dir: Path) -> str:
    """Code of a notebook's cell of parameters and of its set-up cell."""
    cells = json.loads((project / "notebooks" / f"{study}.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [c for c in cells if c["cell_type"] == "code"]
    first = next(c for c in code if "parameters" in c["metadata"].get("tags", []))
    second = next(c for c in code if "report.start(" in "".join(c["source"]))
    return "\n".join(["".join(first["source"]), f"RUN_DIR = {str(run_dir)!r}", "".join(second["source"])])


@pytest.mark.timeout(1800)
def test_the_report_is_imported_in_a_third_of_the_time(before):
    words = ["-c", "import helpers.report"]
    compare(1 / 0.35, "import of helpers.report", before, {before: words, ROOT: words})


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", ["page", "status"])
def test_what_makes_a_page_is_imported_in_a_quarter_of_the_time(part, before):
    """It neither plots nor computes."""
    words = {before: ["-c", f"import helpers.report.{part}"], ROOT: ["-c", f"import helpers.book.{part}"]}
    compare(4, f"import of the book's {part}", before, words)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("study", NOTEBOOKS)
def test_a_notebook_is_set_up_in_half_the_time(study, before, tmp_path):
    if not (before / "notebooks" / f"{study}.ipynb").is_file():
        pytest.skip(f"{EARLIER} does not have this study")
    words = {}
    for name, project in (("before", before), ("now", ROOT)):
        script = tmp_path / f"{name}.py"
        script.write_text(set_up(project, study, tmp_path / name), encoding="utf-8")
        words[project] = [str(script)]
    compare(2, f"set-up of {study}", before, words)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("asked", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused_in_a_third_of_the_time(asked, before):
    words = ["study", "01_label_audit", "tiny", *asked]
    both = {before: ["-m", "helpers.workflow", *words], ROOT: ["-m", "helpers.book.workflow", *words]}
    compare(1 / 0.3, f"refusal of {' '.join(asked)}", before, both, code=2)
