"""Several pages of one study: what their list may say, and what sets a further page apart."""

import json

import nbformat
import pytest

from helpers import paths
from helpers.book import collected, page, workflow
from helpers.errors import InputError
from helpers.report import claims, instances, verdicts
from helpers.report.instances import Page

STUDY = "09_worlds"
PARAMETERS = """SEED: int = 0  # seed
DATASET: str = "discs"  # which
DEVICE: str = "auto"  # where
"""
RINGS = {"name": "rings", "title": "Are rings alike?", "parameters": {"DATASET": "rings"}}


@pytest.fixture
def studies(tmp_path, monkeypatch):
    """A project with one study, and a function that writes its list of pages."""
    monkeypatch.setattr(paths, "project", lambda: tmp_path)
    (tmp_path / "notebooks" / "pages").mkdir(parents=True)
    cell = nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    start = nbformat.v4.new_code_cell('report.start("x", globals(), limits={"DATASET": ["discs", "rings", "squares"]})')
    for study in (STUDY, "09_other"):
        nbformat.write(nbformat.v4.new_notebook(cells=[cell, start]), tmp_path / "notebooks" / f"{study}.ipynb")

    def write(content, study=STUDY):
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / "notebooks" / "pages" / f"{study}.yaml").write_text(text)

    return write


def test_a_study_without_a_list_has_its_own_page(studies):
    assert instances.pages(STUDY) == [Page(STUDY)]
    assert Page(STUDY).name == STUDY
    assert Page(STUDY).run("tiny") == paths.runs() / "tiny" / STUDY / "default"


def test_a_further_page_is_made_from_the_run_a_reader_would_ask_for(studies):
    studies([RINGS, {**RINGS, "name": "squares", "parameters": {"SEED": 2, "DATASET": "squares"}}])
    _, rings, squares = instances.pages(STUDY)
    assert (rings.name, rings.words, rings.title) == (f"{STUDY}_rings", ["DATASET=rings"], "Are rings alike?")
    assert rings.instance == instances.instance(["DATASET=rings", "DEVICE=cpu"]) == "DATASET=rings"
    assert squares.instance == instances.instance(["DATASET=squares", "SEED=2"])
    assert workflow.settle(STUDY, "quick", squares.words) == {"SEED": 2, "DATASET": "squares"}
    assert list(instances.book()) == ["09_other", STUDY, f"{STUDY}_rings", f"{STUDY}_squares"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("- name: [", "not readable as YAML"),
        ("name: rings", "expected a list of pages"),
        ("", "expected a list of pages"),
        ([["rings"]], "['rings'] is not a page"),
        ([{**RINGS, "titel": "x"}], "unknown field titel"),
        ([{**RINGS, "title": ""}], "title is ''"),
        ([{k: v for k, v in RINGS.items() if k != "title"}], "title is missing"),
        ([{k: v for k, v in RINGS.items() if k != "name"}], "name is missing"),
        ([{**RINGS, "title": "Two\nlines"}], "more than one line"),
        ([{**RINGS, "name": "Rings!"}], "'Rings!' cannot be the name of a page"),
        ([{**RINGS, "parameters": {}}], "parameters is {}"),
        ([{**RINGS, "parameters": "DATASET=rings"}], "parameters is 'DATASET=rings'"),
        ([{**RINGS, "parameters": {"DATASETS": "rings"}}], "Did you mean DATASET?"),
        (
            [{**RINGS, "parameters": {"DATASET": "ring"}}],
            "must be discs, rings or squares, got 'ring'. Did you mean rings?",
        ),
        ([{**RINGS, "parameters": {"SEED": "1"}}], "expected int"),
        ([{**RINGS, "parameters": {"DEVICE": "cpu"}}], "DEVICE names where a run is made"),
        ([{**RINGS, "parameters": {"DATASET": "discs"}}], f"the same run as page {STUDY}"),
        ([RINGS, {**RINGS, "parameters": {"SEED": 1}}], "page 2: there are two pages rings"),
        ([RINGS, {**RINGS, "name": "more"}], f"page 2: it shows the same run as page {STUDY}_rings"),
    ],
)
def test_a_bad_list_is_refused_with_one_line(studies, content, says):
    studies(content)
    with pytest.raises(InputError) as error:
        instances.book()
    assert says in str(error.value)
    assert str(error.value).startswith(f"pages/{STUDY}.yaml")
    assert "\n" not in str(error.value)


def test_a_list_of_no_study_and_two_pages_of_one_name_are_refused(studies):
    studies([RINGS], study="09_world")
    with pytest.raises(InputError, match=r"pages/09_world\.yaml: there is no such study"):
        instances.book()
    (paths.notebooks() / "pages" / "09_world.yaml").unlink()
    studies([RINGS])
    (paths.notebooks() / f"{STUDY}_rings.ipynb").write_text((paths.notebooks() / f"{STUDY}.ipynb").read_text())
    with pytest.raises(InputError, match=f"page {STUDY}_rings: two studies have this page"):
        instances.book()


def made(study: str, folder, dataset: str, source: str = "simulated"):
    """A finished run of the study with one claim."""
    provenance = {"study": study, "command": f"papermill -p DATASET {dataset}", "parameters": {"DATASET": dataset}}
    provenance |= {"source": source, "started": "today", "git": {"commit": "abc", "dirty": False}}
    provenance |= {"versions": {}, "wall_seconds": 1.0, "device": "CPU"}
    claim = {"id": "c", "statement": f"{dataset} differ", "reference": "r", "published": "1", "ours": 1.0}
    claim |= {"statistic": "mean", "n": 40, "verdict": "differs", "why": "other digits"}
    claim |= {"where": "in simulation" if source == "simulated" else "on other data"}
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps({"claims": [claim], "provenance": provenance}))
    figure = {"mystnb": {"figure": {"name": "fig-worlds", "caption": "More than {numref}`fig-worlds-two`."}}}
    cells = [
        nbformat.v4.new_markdown_cell("# Are discs alike?\n\nSee [below](#sec-a) and {glue:text}`sec-a`."),
        nbformat.v4.new_markdown_cell("(sec-a)=\n## A\n{numref}`fig-worlds`, {ref}`there <sec-a>`, [](#sec-a-far)."),
        nbformat.v4.new_code_cell("figure('sec-a', '(sec-a)=')", metadata=figure),
        nbformat.v4.new_markdown_cell(
            "$$x$$ (eq-x)\n\n{eq}`eq-x` (eq-x), `eq-x`.\n```{table} T\n:name: fig-worlds-two\n"
        ),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / f"{study}.ipynb")
    return folder


def sources(place):
    return [cell.source for cell in nbformat.read(place, as_version=4).cells]


def test_a_further_page_has_its_own_title_and_labels(tmp_path):
    run = made(STUDY, tmp_path / "tiny" / STUDY / "DATASET=rings", "rings")
    place = tmp_path / "page.ipynb"
    page.study_page(run, place, Page(STUDY, "rings", "Are rings alike?", {"DATASET": "rings"}))
    first, second, code, last, how = sources(place)
    assert first == "# Are rings alike?\n\nSee [below](#sec-a-rings) and {glue:text}`sec-a`."
    assert second == "(sec-a-rings)=\n## A\n{numref}`fig-worlds-rings`, {ref}`there <sec-a-rings>`, [](#sec-a-far)."
    assert code == "figure('sec-a', '(sec-a)=')"
    assert last.startswith(
        "$$x$$ (eq-x-rings)\n\n{eq}`eq-x-rings` (eq-x), `eq-x`.\n```{table} T\n:name: fig-worlds-two-r"
    )
    figure = nbformat.read(place, as_version=4).cells[2].metadata["mystnb"]["figure"]
    assert figure == {"name": "fig-worlds-rings", "caption": "More than {numref}`fig-worlds-two-rings`."}
    assert f'make study STUDY={STUDY} PROFILE=tiny PARAMS="DATASET=rings"\npapermill -p DATASET rings\n' in how


def test_the_page_of_the_study_itself_stays_as_it_is(tmp_path):
    run = made(STUDY, tmp_path / "tiny" / STUDY / "default", "discs")
    page.study_page(run, tmp_path / "page.ipynb", Page(STUDY))
    written = sources(tmp_path / "page.ipynb")
    assert written[:-1] == sources(run / f"{STUDY}.ipynb")
    assert "make study" not in written[-1]


def collected_claims(tmp_path, monkeypatch):
    """Two pages of one study, each with a recorded run of its own, and another study without."""
    monkeypatch.setattr(paths, "project", lambda: tmp_path)
    pages = [Page(STUDY), Page(STUDY, "rings", "Are rings alike?", {"DATASET": "rings"}), Page("09_other")]
    for shown, dataset in zip(pages, ["discs", "rings", "discs"], strict=True):
        made(shown.study, shown.run("tiny"), dataset)
    for label, dataset in {"a": "discs", "b": "rings"}.items():
        made(STUDY, paths.recorded() / STUDY / label, dataset, source="real")
    return pages


def test_claims_name_their_page_and_run_and_count_once(tmp_path, monkeypatch):
    pages = collected_claims(tmp_path, monkeypatch)
    found = collected.collect(pages, "tiny")
    rings = f"{STUDY}_rings"
    assert list(found[["page", "study", "source", "run", "leads"]].itertuples(index=False, name=None)) == [
        (STUDY, "Worlds", "real", "a", True),
        (STUDY, "Worlds", "simulated", "", False),
        (rings, "Worlds (rings)", "real", "b", True),
        (rings, "Worlds (rings)", "simulated", "", False),
        ("09_other", "Other", "simulated", "", True),
    ]
    table = collected.counts(found[found["leads"]])
    assert list(table.index) == ["Worlds, real", "Worlds (rings), real", "Other, in simulation"]
    assert list(table["differs"]) == [1, 1, 1] and table.to_numpy().sum() == 3


def test_a_run_that_can_test_a_claim_represents_it(tmp_path, monkeypatch):
    pages = collected_claims(tmp_path, monkeypatch)
    file = paths.recorded() / STUDY / "a" / "results.json"
    results = json.loads(file.read_text())
    results["claims"][0]["verdict"] = claims.UNTESTABLE
    file.write_text(json.dumps(results))
    made(STUDY, paths.recorded() / STUDY / "c", "discs", source="simulated")
    found = collected.collect(pages[:2], "tiny")
    assert list(found[["run", "leads"]].itertuples(index=False, name=None))[:3] == [
        ("a", False),
        ("c", True),
        ("", False),
    ]
    assert claims.UNTESTABLE in verdicts.VERDICTS


@pytest.mark.parametrize(
    ("parameters", "page"),
    [
        ({"TASK": "skin", "CAUSE": "labels"}, "skin"),
        ({"TASK": "skin", "CAUSE": ""}, "skin"),
        ({"TASK": "chest", "CAUSE": ""}, ""),
    ],
)
def test_a_recorded_run_belongs_to_the_page_with_most_of_its_parameters(parameters, page):
    further = [Page(STUDY, "skin", "S?", {"TASK": "skin", "CAUSE": "labels"}), Page(STUDY, "x", "X?", {"TASK": "x"})]
    results = {"provenance": {"parameters": parameters}}
    assert collected._belongs(results, [Page(STUDY), *further]) == (f"{STUDY}_{page}" if page else STUDY)


def test_the_front_page_gets_a_figure_with_words_and_each_claim_once(tmp_path, monkeypatch):
    place = tmp_path / "studies" / "claims.md"
    collected.write(collected_claims(tmp_path, monkeypatch), "tiny", place)
    rows = [line for line in place.read_text().splitlines() if "differ " in line]
    assert len(rows) == 5 and rows[1].startswith(f"| [Worlds]({STUDY}.ipynb) | discs differ {{cite}}`r`. Measured: ")
    assert "| **real**, recorded run b | **differs**: " in rows[2] and "| **simulated**, this book's run |" in rows[3]
    assert "| **differs in simulation**: " in rows[3]
    once = place.with_name("claims-so-far.md").read_text().splitlines()
    assert [line.split("]")[1].split(")")[0] for line in once if "differ " in line] == [
        f"(studies/{name}.ipynb" for name in (STUDY, f"{STUDY}_rings", "09_other")
    ]
    figure = place.with_name("claims-figure.md").read_text()
    assert figure.startswith("```{figure} studies/claims.svg\n:name: fig-claims\n:alt: ")
    assert "Worlds (rings), real: 1 differs; Other, in simulation: 1 differs." in figure
    assert "3 published claims" in figure and "2 on real patients: 2 differs. 1 in simulation, of the method" in figure
    first = place.with_suffix(".svg").read_bytes()
    collected.write([Page("09_other")], "tiny", place)
    assert place.with_suffix(".svg").read_bytes() != first


def test_a_page_has_the_prose_of_today_around_the_code_that_ran(studies, tmp_path):
    run = made(STUDY, tmp_path / "tiny" / STUDY / "default", "discs")
    ran = nbformat.read(run / f"{STUDY}.ipynb", as_version=4)
    ran.cells[2].outputs = [nbformat.v4.new_output("stream", text="what it printed")]
    nbformat.write(ran, run / f"{STUDY}.ipynb")
    now = nbformat.from_dict(json.loads(json.dumps(ran)))
    now.cells[0].source = "# Are discs round?"
    now.cells[2].outputs, now.cells[2].metadata["mystnb"]["figure"]["caption"] = [], "Another caption."
    now.cells.insert(2, nbformat.v4.new_markdown_cell("New before the figure."))
    nbformat.write(now, paths.notebooks() / f"{STUDY}.ipynb")
    page.study_page(run, tmp_path / "page.ipynb", Page(STUDY))
    cells = nbformat.read(tmp_path / "page.ipynb", as_version=4).cells
    assert [cell.source for cell in cells[:-1]] == [cell.source for cell in now.cells]
    assert cells[3].outputs[0].text == "what it printed"
    assert cells[3].metadata["mystnb"]["figure"]["caption"] == "Another caption."

    now.cells.append(nbformat.v4.new_code_cell("never_ran()"))  # then the run tells of other code
    nbformat.write(now, paths.notebooks() / f"{STUDY}.ipynb")
    page.study_page(run, tmp_path / "page.ipynb", Page(STUDY))
    assert sources(tmp_path / "page.ipynb")[:-1] == [cell.source for cell in ran.cells]
