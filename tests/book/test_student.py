"""The students' copy of the project: no solution anywhere, and nothing of the teacher's."""

import json
import re
import shutil

import nbformat
import pytest

from helpers.book import course
from helpers.errors import InputError
from tests import toy
from tests.conftest import ROOT, Checkout
from tests.tiny import but_compiled


def solutions(folder):
    """Lines of every solution in the notebooks, long enough to be nobody else's."""
    for path in sorted((folder / "notebooks").glob("*.ipynb")):
        cells = [c for c in nbformat.read(path, as_version=4).cells if course.is_solution(c)]
        assert cells
        lines = [line for cell in cells for line in cell.source.splitlines() if not line.startswith(":")]
        yield path.name, [line for line in lines if len(line) > 30]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the checkout, and the students' copy that is written in it, twice."""
    folder = tmp_path_factory.mktemp("student") / "project"
    own = shutil.ignore_patterns("tests")
    shutil.copytree(ROOT, folder, ignore=lambda at, names: but_compiled(at, names) | own(at, names))
    project, made = Checkout(folder), []
    for _ in range(2):
        done = project.run("-m", "helpers.book.workflow", "student")
        assert done.returncode == 0, done.stdout
        made.append(toy.everything(folder / "_build" / "student"))
    assert made[0] == made[1]
    return project, made[0]


def test_no_solution_is_in_the_copy_of_the_whole_project(copy):
    project, made = copy
    whole = "\n".join(made.values())
    for study, lines in solutions(project.folder):
        assert len(lines) >= 3
        # As prose, and as a notebook's JSON writes it.
        assert [line for line in lines if line in whole or json.dumps(line)[1:-1] in whole] == [], study
    prose = [text for name, text in made.items() if name.endswith((".ipynb", ".md"))]
    assert not any("{admonition} Solution" in text for text in prose)


def test_the_copy_has_what_runs_and_nothing_of_the_teachers(copy):
    project, made = copy
    studies = {p.stem for p in (project.folder / "notebooks").glob("[0-9]*.ipynb")}
    assert {f"notebooks/{study}.ipynb" for study in studies} <= set(made)
    assert {f"notebooks/exercises/{study}.yaml" for study in studies} <= set(made)
    assert {"src/helpers/exercises/checking.py", "pyproject.toml", "Makefile", "data/README.md"} <= set(made)
    assert not [name for name in made if "teach" in name or name.startswith(("notebooks/assignment", "tests", "runs"))]
    assert not [
        name for name, text in made.items() if name.startswith("book/") and re.search(r"\bteach\.md|how-to/teach", text)
    ]
    targets = set(re.findall(r"^([a-z-]+):.*##", made["Makefile"], re.MULTILINE))
    own = set(re.findall(r"^([a-z-]+):.*##", (project.folder / "Makefile").read_text(), re.MULTILINE))
    assert own - targets == {"student", "book-student", "faults", "mutants", "bench", "lint", "restamp"} | {
        t for t in own if t.startswith("test")
    }
    for study in studies:
        cells = nbformat.reads(made[f"notebooks/{study}.ipynb"], as_version=4).cells
        source = nbformat.read(project.folder / "notebooks" / f"{study}.ipynb", as_version=4).cells
        assert [c for c in source if not course.is_solution(c)] == cells
        assert len(source) - len(cells) == 3 + (study == "00_bias_sandbox")  # which has a plan for the teacher


@pytest.mark.slow
def test_a_students_notebook_runs(copy):
    project, _ = copy
    student = Checkout(project.folder / "_build" / "student")
    done = student.run("-m", "helpers.book.workflow", "study", "07_your_own_scores", "tiny")
    assert done.returncode == 0, done.stdout[-3000:]
    executed = student.folder / "runs" / "tiny" / "07_your_own_scores" / "default" / "07_your_own_scores.ipynb"
    assert executed.read_text().count("no answer yet") == 3


def test_a_solution_within_another_cell_is_refused(tmp_path):
    cell = nbformat.v4.new_markdown_cell(f"Some text.\n\n{toy.SOLUTION}", id="mixed")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "one.ipynb")
    with pytest.raises(InputError, match=r"one\.ipynb, cell mixed: the cell holds a solution and other text"):
        course.without_solutions(tmp_path / "one.ipynb")


def test_without_pages_there_is_no_students_book(tmp_path):
    folder = tmp_path / "project"
    toy.make(folder)
    done = Checkout(folder).run("-m", "helpers.book.workflow", "student", "--pages")
    assert done.returncode == 2 and "there are no pages of the studies" in done.stdout
