"""The assignment in nbgrader's format: it makes the students' version, and grades what they hand in."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from helpers.report import instances
from tests.conftest import ROOT

COURSE = ROOT / "notebooks" / "assignment"
SOURCE = COURSE / "source" / "audit" / "audit.ipynb"
POINTS = {"test-describe": 3, "test-contrast": 4, "test-inside": 3, "meaning": 5}
RIGHT = {
    "describe": 'table = cohort.groupby("age_group")["dice"].agg(n="count", mean="mean")\nfewest = "Young"',
    "contrast": """def contrast(frame):
    found = stats.bootstrap(frame["dice"], groups=frame["age_group"], a="Young", b="Older", n_boot=500, seed=0)
    return found.estimate, found.low, found.high""",
    "inside": """inside = {}
for name, part in cohort.groupby("dataset"):
    by = {group: rows["dice"] for group, rows in part.groupby("age_group")}
    if min(len(by.get("Young", [])), len(by.get("Older", []))) >= 10:
        inside[name] = by["Older"].mean() - by["Young"].mean()
inside = pd.Series(inside)""",
}
PATH = os.pathsep.join(
    [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
)  # nbgrader starts alembic by name

# One slip each that students make: a group forgotten, the sign turned, small cells kept.
WRONG = {
    "describe": RIGHT["describe"].replace('"Young"', '"Older"'),
    "contrast": RIGHT["contrast"].replace('a="Young", b="Older"', 'a="Older", b="Young"'),
    "inside": RIGHT["inside"].replace(">= 10", ">= 1"),
}


def cells():
    return nbformat.read(SOURCE, as_version=4).cells


def test_the_source_is_stripped_and_no_study():
    assert "audit" not in instances.book()
    assert not any(c.get("outputs") or c.get("execution_count") for c in cells())


def test_points_and_cells_are_as_nbgrader_wants_them():
    marks = {c.metadata["nbgrader"]["grade_id"]: c.metadata["nbgrader"] for c in cells()}
    assert len(marks) == len(cells()) and all(c.id == c.metadata["nbgrader"]["grade_id"] for c in cells())
    assert {name: mark["points"] for name, mark in marks.items() if mark["grade"]} == POINTS
    for cell in cells():
        mark = cell.metadata["nbgrader"]
        assert ("### BEGIN SOLUTION" in cell.source) == mark["solution"]
        assert ("### BEGIN HIDDEN TESTS" in cell.source) == (mark["grade"] and not mark["solution"])
        assert mark["locked"] != mark["solution"]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course with three who handed in: all right, all wrong, and nothing done."""
    if not importlib.util.find_spec("nbgrader"):
        pytest.skip("nbgrader is absent: pip install -e '.[teach]'")
    folder = tmp_path_factory.mktemp("course")
    shutil.copytree(COURSE, folder, dirs_exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PATH": PATH}

    def grader(*words):
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *words], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr

    grader("generate_assignment", "audit", "--create")
    for student, answers in {"right": RIGHT, "wrong": WRONG, "empty": {}}.items():
        place = folder / "submitted" / student / "audit"
        shutil.copytree(folder / "release" / "audit", place)
        notebook = nbformat.read(place / "audit.ipynb", as_version=4)
        for cell in notebook.cells:
            cell.source = answers.get(cell.metadata["nbgrader"]["grade_id"], cell.source)
            if answers and cell.metadata["nbgrader"]["grade_id"] == "meaning":
                cell.source = "Younger women."
        nbformat.write(notebook, place / "audit.ipynb")
    grader("autograde", "audit", "--create")
    return folder


def test_students_get_neither_solutions_nor_hidden_tests(course):
    text = (course / "release" / "audit" / "audit.ipynb").read_text()
    for word in ("BEGIN SOLUTION", "HIDDEN", "pivot_table", "np.isclose", "Younger women: a tool"):
        assert word in SOURCE.read_text() and word not in text
    assert "assert low < estimate < high" in text


@pytest.mark.parametrize(
    ("student", "by_machine", "to_read"),
    [
        ("right", {"test-describe": 3, "test-contrast": 4, "test-inside": 3}, True),
        ("wrong", {}, True),
        ("empty", {}, False),
    ],
)
def test_scores(course, student, by_machine, to_read, monkeypatch):
    from nbgrader.api import Gradebook

    monkeypatch.setenv("PATH", PATH)

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        grades = {g.name: g for g in book.find_submission_notebook("audit", "audit", student).grades}
        assert {name: g.max_score for name, g in grades.items()} == POINTS
        scores = {name: g.auto_score for name, g in grades.items() if name != "meaning"}
        assert scores == {name: by_machine.get(name, 0) for name in scores}
        assert grades["meaning"].needs_manual_grade is to_read
