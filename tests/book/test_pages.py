"""A study of two pages, from its notebook to the built book: a small project made of the checkout's own parts."""

import shutil

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup

from tests.conftest import ROOT, Checkout, generated

STUDY = "00_shapes"
OPENING = """# How large is a disc?

**Data:** {glue:text}`source`, {glue:text}`shape`; see {numref}`fig-shapes-area` and [below](#the-area)."""
PARAMETERS = """SEED: int = 0  # seed
SOURCE: str = "simulated"  # no real shapes
DATASET: str = "disc"  # disc or square
RUN_DIR: str = ""  # folder of the run"""
SETUP = f"""import matplotlib.pyplot as plt
import pandas as pd

from helpers import report

run = report.start("{STUDY}", globals(), limits={{"DATASET": ["disc", "square"]}})"""
FIGURE = "plt.subplots(figsize=(2, 2));"
RECORD = f"""values = {{"shape": DATASET, "area": {{"disc": 3.14159, "square": 4.0}}[DATASET]}}
claims = report.judge("{STUDY}", SOURCE, values)
report.record(run, values=values, claims=claims, dropped=pd.DataFrame(), cases=pd.DataFrame())"""
CLAIM = {"id": "area", "statement": "Of radius one", "reference": "lopezperez2025generative", "statistic": "area"}
PAGES = [{"name": "square", "title": "How large is a square?", "parameters": {"DATASET": "square"}}]


def notebook():
    markdown, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    look = {"figure": {"name": "fig-shapes-area", "caption": "Nothing."}, "image": {"alt": "Empty axes."}}
    cells = [markdown(OPENING), code(PARAMETERS, metadata={"tags": ["parameters"]}), code(SETUP)]
    cells += [markdown("(the-area)=\n## The area\n\nA figure:"), code(FIGURE, metadata={"mystnb": look}), code(RECORD)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=kernel)


def make(folder):
    """Write the checkout with one study of two pages in place of its own studies."""
    own = shutil.ignore_patterns("tests", "notebooks", "recorded")
    shutil.copytree(ROOT, folder, ignore=lambda at, names: generated(at, names) | own(at, names))
    (folder / "notebooks" / "pages").mkdir(parents=True)
    (folder / "notebooks" / "claims").mkdir()
    nbformat.write(notebook(), folder / "notebooks" / f"{STUDY}.ipynb")
    claim = {**CLAIM, "published": "3.14", "by": "digits", "value": "area"}
    (folder / "notebooks" / "claims" / f"{STUDY}.yaml").write_text(yaml.safe_dump([claim]))
    (folder / "notebooks" / "pages" / f"{STUDY}.yaml").write_text(yaml.safe_dump(PAGES))
    links = f"[A disc](studies/{STUDY}.ipynb), [a square](studies/{STUDY}_square.ipynb).\n"
    (folder / "book" / "intro.md").write_text(f"# Shapes\n\n{links}")
    (folder / "book" / "methods" / "verdicts.md").write_text("# Verdicts\n")
    files = [f"studies/{STUDY}", f"studies/{STUDY}_square", "studies/claims", "methods/verdicts", "references"]
    contents = {"format": "jb-book", "root": "intro", "chapters": [{"file": file} for file in files]}
    (folder / "book" / "_toc.yml").write_text(yaml.safe_dump(contents))


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Checkout:
    """That project, built."""
    project = Checkout(tmp_path_factory.mktemp("pages") / "project")
    make(project.folder)
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
        ("Shapes", "3.142", "reproduced"),
        ("Shapes (square)", "4.000", "differs"),
    ]
    links = [link["href"] for link in article(project, "claims").select("table.filterable td a.reference")]
    for name in (STUDY, f"{STUDY}_square"):
        assert links.count(f"{name}.html") == 1


def test_a_reader_who_asks_for_the_run_of_a_page_has_it_already(project):
    made = project.folder / "runs" / "quick" / STUDY / "DATASET=square" / "results.json"
    before = made.stat().st_mtime_ns
    done = project.run("-m", "helpers.workflow", "study", STUDY, "quick", "DATASET=square")
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
    assert done.stdout.strip().endswith("'ring' is not a choice. Choose from disc, square")
    assert len(done.stdout.strip().splitlines()) == 1
