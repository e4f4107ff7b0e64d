"""The students' copy and their book: the same runs and pages, and no solution anywhere."""

import json
import re
import shutil

import nbformat
import pytest
import yaml

from helpers.errors import InputError
from helpers.report import course
from tests import toy
from tests.conftest import ROOT, Checkout
from tests.tiny import but_compiled

STUDY = toy.STUDY
SECRET = "Xylophones explain the whole of this gap."
SOLUTION = f":::{{admonition}} Solution 1\n:class: dropdown\n{SECRET}\n:::"
CHECK = f'from helpers import exercises\n\nanswer_1 = None  # "two" or "three"\nexercises.check("{STUDY}", 1, answer_1)'
KEY = "1:\n  choose: [two, three]\n  salt: a\n  hash: b\n"


def solutions(folder):
    """Lines of every solution in the notebooks, long enough to be nobody else's."""
    for path in sorted((folder / "notebooks").glob("*.ipynb")):
        cells = [c for c in nbformat.read(path, as_version=4).cells if course.is_solution(c)]
        assert cells
        lines = [line for cell in cells for line in cell.source.splitlines() if not line.startswith(":")]
        yield path.name, [line for line in lines if len(line) > 30]


def everything(folder):
    """Text of all files of a folder."""
    files = [p for p in folder.rglob("*") if p.is_file() and p.suffix not in {".woff", ".woff2", ".png", ".pickle"}]
    return {p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8", errors="replace") for p in files}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the checkout, and the students' copy that is written in it, twice."""
    folder = tmp_path_factory.mktemp("student") / "project"
    own = shutil.ignore_patterns("tests")
    shutil.copytree(ROOT, folder, ignore=lambda at, names: but_compiled(at, names) | own(at, names))
    project, made = Checkout(folder), []
    for _ in range(2):
        done = project.run("-m", "helpers.workflow", "student")
        assert done.returncode == 0, done.stdout
        made.append(everything(folder / "_build" / "student"))
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
    done = student.run("-m", "helpers.workflow", "study", "07_your_own_scores", "tiny")
    assert done.returncode == 0, done.stdout[-3000:]
    executed = student.folder / "runs" / "tiny" / "07_your_own_scores" / "default" / "07_your_own_scores.ipynb"
    assert executed.read_text().count("no answer yet") == 3


def test_a_solution_within_another_cell_is_refused(tmp_path):
    cell = nbformat.v4.new_markdown_cell(f"Some text.\n\n{SOLUTION}", id="mixed")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "one.ipynb")
    with pytest.raises(InputError, match=r"one\.ipynb, cell mixed: a solution stands within it"):
        course.without_solutions(tmp_path / "one.ipynb")


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    """A small project with one study of two pages, its book and its students' book."""
    folder = tmp_path_factory.mktemp("books") / "project"
    toy.make(folder)
    path = folder / "notebooks" / f"{STUDY}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    cells = [nbformat.v4.new_markdown_cell("## Exercises\n\n1. **Predict.** Why?")]
    cells += [
        nbformat.v4.new_code_cell(CHECK, metadata={"tags": ["exercise"]}),
        nbformat.v4.new_markdown_cell(SOLUTION),
    ]
    notebook.cells[-1:-1] = cells
    nbformat.write(notebook, path)
    (folder / "notebooks" / "exercises").mkdir()
    (folder / "notebooks" / "exercises" / f"{STUDY}.yaml").write_text(KEY)
    (folder / "book" / "how-to" / "teach.md").write_text(f"# Teach with it\n\n{SECRET}\n")
    intro = folder / "book" / "intro.md"
    intro.write_text(intro.read_text() + "\nFor teachers there is [a guide](how-to/teach.md).\nOne more line.\n")
    contents = yaml.safe_load((folder / "book" / "_toc.yml").read_text())
    contents["chapters"].append({"file": "how-to/teach"})
    (folder / "book" / "_toc.yml").write_text(yaml.safe_dump(contents))
    project = Checkout(folder)
    done = project.snakemake("book")
    assert done.returncode == 0, done.stdout[-6000:]
    before = {p: p.stat().st_mtime_ns for p in (folder / "runs").rglob("*") if p.is_file()}
    done = project.snakemake("student_book")
    assert done.returncode == 0, done.stdout[-6000:]
    assert before == {p: p.stat().st_mtime_ns for p in (folder / "runs").rglob("*") if p.is_file()}, "a study ran again"
    return project


def test_no_solution_is_in_the_students_book(books):
    own = everything(books.folder / "_build" / "html")
    students = everything(books.folder / "_build" / "student-book")
    word = "xylophon"
    theirs = {name for name, text in own.items() if word in text.lower()}
    pages = {f"{place}studies/{name}" for name in (STUDY, f"{STUDY}_square") for place in ("", "_sources/")}
    assert {name.partition(".")[0] for name in theirs} >= pages | {"searchindex", "how-to/teach"}
    assert {name for name, text in students.items() if word in text.lower()} == set()


def test_the_students_book_is_whole_but_for_it(books):
    own, students = (books.folder / "_build" / at for at in ("html", "student-book/_build/html"))
    pages = {p.relative_to(own).as_posix() for p in own.rglob("*.html")}
    assert {p.relative_to(students).as_posix() for p in students.rglob("*.html")} == pages - {"how-to/teach.html"}
    text = (students / "studies" / f"{STUDY}.html").read_text()
    assert "no answer yet" in text and "Solution 1" not in text
    assert "One more line." in (students / "intro.html").read_text()


def test_a_second_students_book_does_nothing(books):
    done = books.snakemake("student_book", "--dry-run")
    assert "Nothing to be done" in done.stdout


def test_without_pages_there_is_no_students_book(tmp_path):
    folder = tmp_path / "project"
    toy.make(folder)
    done = Checkout(folder).run("-m", "helpers.workflow", "student", "--pages")
    assert done.returncode == 2 and "the pages of the studies are not there" in done.stdout
