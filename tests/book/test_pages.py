"""A study of two pages, from its notebook to the built book and the students', made of the checkout's own parts."""

import json
import os

import pytest
import yaml
from bs4 import BeautifulSoup

from tests import toy
from tests.conftest import Checkout, changed
from tests.toy import PAGES, STUDY


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Checkout:
    """That project, built."""
    project = Checkout(tmp_path_factory.mktemp("pages") / "project")
    toy.make(project.folder)
    toy.teach(project.folder)
    done = project.snakemake("book")
    assert done.returncode == 0, done.stdout[-6000:]
    return project


def article(project, name):
    file = project.folder / "_build" / "html" / "studies" / f"{name}.html"
    return BeautifulSoup(file.read_text(), "html.parser").select_one("article.bd-article")


@pytest.mark.parametrize(
    ("name", "shape", "suffix", "command"),
    [
        (STUDY, "disc", "", f"papermill notebooks/{STUDY}.ipynb out.ipynb"),
        (f"{STUDY}_square", "square", "-square", f'make study STUDY={STUDY} PARAMS="DATASET=square"'),
    ],
)
def test_each_page_has_its_own_title_numbers_and_labels(project, name, shape, suffix, command):
    page = article(project, name)
    assert page.h1.get_text().startswith(f"How large is a {shape}?")
    assert f"Data: simulated cohort, {shape}; see Fig." in " ".join(page.get_text().split())
    assert page.select_one(f"a[href='#the-area{suffix}']") and page.select_one(f"#the-area{suffix}")
    assert page.select_one(f"a[href='#fig-shapes-area{suffix}']") and page.select_one(f"figure#fig-shapes-area{suffix}")
    assert page.select_one(".highlight-bash").get_text().startswith(command)


def test_claims_say_which_page_they_are_from(project):
    rows = [[cell.get_text() for cell in row.select("td")] for row in article(project, "claims").select("tbody tr")]
    assert [(row[0], row[3], row[5].split(":")[0]) for row in rows] == [
        ("Shapes", "3.142", "not testable here"),
        ("Shapes (square)", "4.000", "not testable here"),
    ]
    links = [link["href"] for link in article(project, "claims").select("table.filterable td a.reference")]
    for name in (STUDY, f"{STUDY}_square"):
        assert links.count(f"{name}.html") == 1


def test_a_reader_who_asks_for_the_run_of_a_page_has_it_already(project):
    made = project.folder / "runs" / "quick" / STUDY / "DATASET=square" / "results.json"
    before = made.stat().st_mtime_ns
    done = project.run("-m", "helpers.book.workflow", "study", STUDY, "quick", "DATASET=square")
    assert done.returncode == 0, done.stdout
    assert made.stat().st_mtime_ns == before


def test_a_bad_list_of_pages_is_refused_before_anything_starts(project):
    file = project.folder / "notebooks" / "pages" / f"{STUDY}.yaml"
    before = file.read_text()
    file.write_text(yaml.safe_dump([{**PAGES[0], "parameters": {"DATASET": "ring"}}]))
    try:
        done = project.snakemake("book")
    finally:
        file.write_text(before)
    assert done.returncode == 2
    assert done.stdout.strip().endswith("must be disc or square, got 'ring'. Give one of these")
    assert len(done.stdout.strip().splitlines()) == 1


def check(project):
    return project.run("-m", "helpers.book.workflow", "check", "quick")


def test_a_book_of_whole_and_current_runs_passes_the_check(project):
    done = check(project)
    assert (done.returncode, done.stdout) == (0, "")


def failing(text):
    """A notebook of which one cell failed."""
    notebook = json.loads(text)
    last = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"][-1]
    last["outputs"] = [{"output_type": "error", "ename": "ValueError", "evalue": "no area", "traceback": []}]
    return json.dumps(notebook)


@pytest.mark.parametrize(
    ("file", "change", "says"),
    [
        (f"runs/quick/{STUDY}/default/{STUDY}.ipynb", failing, f"{STUDY}: cell 6: ValueError: no area"),
        (f"runs/quick/{STUDY}/DATASET=square/results.json", None, f"{STUDY}_square: to do"),
        (f"runs/quick/{STUDY}/DATASET=square/{STUDY}.ipynb", None, f"{STUDY}_square: its executed notebook is not"),
        (
            f"notebooks/{STUDY}.ipynb",
            lambda text: text.replace("3.14159", "3.0"),
            f"{STUDY}: stale, changed since: notebooks/{STUDY}.ipynb; {STUDY}_square: stale",
        ),
    ],
)
def test_a_book_of_anything_else_is_refused_in_one_line(file, change, says, project):
    place = project.folder / file
    with changed(place, change or (lambda text: text)):
        if change is None:
            place.unlink()
        done = check(project)
    assert done.returncode == 2
    assert says in done.stdout and len(done.stdout.strip().splitlines()) == 1


def test_many_runs_take_one_thread_each_and_a_single_one_every_core(project):
    def threads(instance):
        results = project.folder / "runs" / "quick" / STUDY / instance / "results.json"
        return json.loads(results.read_text())["values"]["threads"]

    assert threads("default") == threads("DATASET=square") == "1"
    done = project.run("-m", "helpers.book.workflow", "study", STUDY, "quick", "SEED=3")
    assert done.returncode == 0, done.stdout
    assert threads("SEED=3") == str(os.cpu_count())


@pytest.fixture(scope="module")
def students(project):
    """Text of all files of the students' book, made of the same runs."""
    before = {p: p.stat().st_mtime_ns for p in (project.folder / "runs").rglob("*") if p.is_file()}
    done = project.snakemake("student_book")
    assert done.returncode == 0, done.stdout[-6000:]
    after = {p: p.stat().st_mtime_ns for p in (project.folder / "runs").rglob("*") if p.is_file()}
    assert before == after, "a study ran again"
    return toy.everything(project.folder / "_build" / "student-book")


def test_no_solution_is_in_the_students_book(project, students):
    word, own = "xylophon", toy.everything(project.folder / "_build" / "html")
    theirs = {name for name, text in own.items() if word in text.lower()}
    pages = {f"{place}studies/{name}" for name in (STUDY, f"{STUDY}_square") for place in ("", "_sources/")}
    assert {name.partition(".")[0] for name in theirs} >= pages | {"searchindex", "how-to/teach"}
    assert {name for name, text in students.items() if word in text.lower()} == set()


def test_the_students_book_is_whole_but_for_it(project, students):
    place = "_build/html/"
    own = {p.relative_to(project.folder).as_posix() for p in (project.folder / place).rglob("*.html")}
    assert {name for name in students if name.startswith(place) and name.endswith(".html")} == own - {
        f"{place}how-to/teach.html"
    }
    text = students[f"{place}studies/{STUDY}.html"]
    assert "no answer yet" in text and "Solution 1" not in text
    assert "One more line." in students[f"{place}intro.html"]


def test_a_second_students_book_does_nothing(project, students):
    done = project.snakemake("student_book", "--dry-run")
    assert "Nothing to be done" in done.stdout
