"""Which slow tests a change concerns, and which of them fit into the time that is left."""

import ast
import json
from pathlib import Path

import pytest

from tests import slow
from tests.conftest import ROOT

SOURCE = """
import pytest
from helpers import audit, data
from helpers.metrics.rates import rate
from tests.common import cases

SLOW = pytest.mark.slow

@pytest.mark.slow
def test_all(): ...

@pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_some(n):
    import helpers.train.loop

@pytest.mark.parametrize("n", [1, 2])
def test_none(n): ...
"""
FILES = {
    "tests/helpers/test_one.py": SOURCE,
    "tests/helpers/test_two.py": "import pytest\n@pytest.mark.slow\ndef test_it(): ...\n",
    "tests/helpers/test_quick.py": "def test_it(): ...\n",
    "tests/common.py": "from helpers.models import unet\nfrom tests.helpers import other\n",
    "tests/helpers/other.py": "from helpers.errors import InputError\n",
    "tests/test_study.py": "import pytest\nPLACE = 'notebooks/01_one.ipynb', 'book/pdf.py'\n"
    "@pytest.mark.slow\ndef test_it(): ...\n",
    "book/pdf.py": "",
    "notebooks/01_one.ipynb": json.dumps(
        {"cells": [{"cell_type": "code", "source": ["from helpers import scores\n", "scores.collect"]}]}
    ),
    "notebooks/01_on.ipynb": json.dumps({"cells": [{"cell_type": "code", "source": ["from helpers import degrade"]}]}),
}


@pytest.fixture
def root(tmp_path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_mark_on_a_test_or_on_some_of_its_parameters_makes_it_slow():
    assert slow.marked(SOURCE) == ["test_all", "test_some"]


def test_a_test_concerns_what_its_file_imports_itself_and_through_modules_of_tests(root):
    found = slow.tests(root)
    rooms = {f"src/helpers/{room}" for room in ("audit", "data", "metrics", "train", "models", "errors")}
    files = {"tests/helpers/test_one.py", "tests/common.py", "tests/helpers/other.py"}
    assert found == {
        "tests/helpers/test_one.py::test_all": rooms | files | slow.FOR_ALL,
        "tests/helpers/test_one.py::test_some": rooms | files | slow.FOR_ALL,
        "tests/helpers/test_two.py::test_it": {"tests/helpers/test_two.py"} | slow.FOR_ALL,
        "tests/test_study.py::test_it": {"tests/test_study.py", "book/pdf.py", "notebooks/01_one.ipynb"}
        | {"src/helpers/scores"}
        | slow.FOR_ALL,
    }


@pytest.mark.parametrize(
    ("file", "concerned"),
    [
        ("src/helpers/audit/ruler.py", True),
        ("src/helpers/errors.py", True),
        ("tests/helpers/test_one.py", True),
        ("src/helpers/auditor/ruler.py", False),
        ("src/helpers/errors.pyi", False),
        ("docs/src/helpers/audit/ruler.py", False),
    ],
)
def test_a_room_is_touched_by_its_files_alone(file, concerned):
    places = {"src/helpers/audit", "src/helpers/errors", "tests/helpers/test_one.py"}
    assert slow.touched(places, ["README.md", file]) == concerned
    assert not slow.touched(places, ["README.md"]) and not slow.touched(places, [])


NAMES = [f"tests/test_{file}.py::test_{k}" for file in "abcd" for k in range(5)]


def needed(taken: list[str], seconds: dict[str, float]) -> float:
    """Seconds until the first free of two processes has taken each file in its turn, the longest file last."""
    files = sorted(sum(seconds[n] for n in taken if n.startswith(f"tests/test_{file}")) for file in "abcd")
    ends = [0.0, 0.0]
    for took in files:
        ends[ends.index(min(ends))] += took
    return max(ends)


@pytest.mark.parametrize("left", [0, slow.START, 60, 90, 150, 1000])
def test_what_is_chosen_ends_in_time_and_nothing_that_fits_is_left_out(left):
    seconds = {name: 3 + 5 * k for k, name in enumerate(NAMES)}
    taken = slow.fitting(NAMES, seconds, left=left, draw="a commit")
    assert len(taken) == len(set(taken)) and needed(taken, seconds) <= max(left - slow.START, 0)
    assert (taken == []) == (left <= slow.START) and (set(taken) == set(NAMES)) == (left == 1000)
    for name in set(NAMES) - set(taken):
        assert slow.fitting([*taken, name], seconds, left=left, draw="a commit") != [*taken, name]


def test_each_commit_draws_others_until_all_have_run():
    seconds = dict.fromkeys(NAMES, 20)
    draws = [slow.fitting(NAMES, seconds, left=100, draw=commit) for commit in range(20)]
    assert draws[0] == slow.fitting(reversed(NAMES), seconds, left=100, draw=0)
    assert draws[0] != draws[1] and set().union(*draws) == set(NAMES)


def test_a_test_without_a_time_counts_as_long():
    assert slow.fitting(NAMES[:1], {}, left=slow.START + slow.UNKNOWN - 1, draw=0) == []
    assert slow.fitting(NAMES[:1], {}, left=slow.START + slow.UNKNOWN, draw=0) == NAMES[:1]


@pytest.fixture
def ran(root, monkeypatch) -> list[list[str]]:
    """Tests that were run, in place of running them; two minutes each are known."""
    calls, found = [], slow.tests(root)
    monkeypatch.setattr(slow, "ROOT", root)
    monkeypatch.setattr(slow, "tests", lambda: found)
    monkeypatch.setattr(slow, "run", lambda names: (calls.append(sorted(names)), (0, {}))[1])
    (root / slow.RECORD).write_text('{"passed": "abc", "seconds": {"tests/helpers/test_two.py::test_it": 120}}')
    return calls


ALL = [
    "tests/helpers/test_one.py::test_all",
    "tests/helpers/test_one.py::test_some",
    "tests/helpers/test_two.py::test_it",
    "tests/test_study.py::test_it",
]


@pytest.mark.parametrize(
    ("diff", "left", "run", "said"),
    [
        ("README.md\nsrc/helpers/workflow.py", 300, None, ["4, of rooms that changed 0, run now 0."]),
        ("src/helpers/train/fit.py", 300, ALL[:2], ["run now 2."]),
        ("tests/helpers/test_two.py", 300, ALL[2:3], ["run now 1."]),
        ("notebooks/01_one.ipynb", 300, ALL[3:], ["run now 1."]),
        ("tests/helpers/test_two.py", 100, None, ["run now 0.", f"Left out for want of time: {ALL[2]}"]),
        ("tests/helpers/test_two.py", -5, None, ["run now 0.", f"Left out for want of time: {ALL[2]}"]),
        ("requirements.lock", 9000, ALL, ["run now 4."]),
        (None, 300, ALL, ["does not know abc", "all rooms count", "run now 4."]),
    ],
)
def test_what_changed_is_run_and_what_is_left_out_is_named(diff, left, run, said, ran, monkeypatch, capsys):
    monkeypatch.setattr(slow, "git", lambda *words: diff if words[0] == "diff" else "head")
    assert slow.main(["changed", "--seconds", str(left)]) == 0
    assert ran == ([run] if run else [])
    text = capsys.readouterr().out
    assert all(words in text for words in said) and text.count("Left out") == ("Left out" in said[-1])


def test_a_failure_fails(ran, monkeypatch):
    monkeypatch.setattr(slow, "git", lambda *words: None)
    monkeypatch.setattr(slow, "run", lambda names: (1, {}))
    assert slow.main(["changed"]) == slow.main(["all"]) == 1
    assert '"abc"' in (slow.ROOT / slow.RECORD).read_text()


@pytest.mark.parametrize(("changes", "kept"), [("", True), (" M src/helpers/paths.py", False), (None, False)])
def test_a_pass_is_kept_for_a_commit_that_holds_all_there_is(changes, kept, ran, monkeypatch):
    monkeypatch.setattr(slow, "git", lambda *words: changes if words[0] == "status" or changes is None else "def")
    monkeypatch.setattr(slow, "run", lambda names: (0, dict.fromkeys(names, 7)))
    assert slow.main(["all"]) == 0
    text = (slow.ROOT / slow.RECORD).read_text()
    assert ('"passed": "def"' in text and text.count(": 7") == 4) == kept and ('"abc"' in text) != kept


def test_seconds_of_parameters_add_up():
    times = slow.Seconds()
    for name, took in (("a.py::t[x::y]", 1.0), ("a.py::t[z]", 2.5), ("a.py::u", 0.5)):
        times.pytest_runtest_logreport(type("Report", (), {"nodeid": name, "duration": took}))
    assert times.of == {"a.py::t": 3.5, "a.py::u": 0.5}


def test_every_mark_stands_where_it_is_looked_for():
    """A mark elsewhere than in the decorators of a function of the module would be run by nobody."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        text = path.read_text(encoding="utf-8")
        if ".slow" not in text:
            continue
        tree = ast.parse(text)
        marks = sum(isinstance(node, ast.Attribute) and node.attr == "slow" for node in ast.walk(tree))
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        found = [node for f in functions for d in f.decorator_list for node in ast.walk(d)]
        assert marks == sum(isinstance(node, ast.Attribute) and node.attr == "slow" for node in found), path
