"""Contents of the book: made from studies that are there, and what a study may write about itself."""

import json

import nbformat
import pytest
import yaml

from helpers import paths
from helpers.book import contents
from helpers.errors import InputError

BARE = {"format": "jb-book", "root": "intro"}
BARE |= {
    "parts": [{"caption": "Start", "chapters": [{"file": "how"}]}, {"caption": "End", "chapters": [{"file": "z"}]}]
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project, and a function that adds a study with its metadata and further pages."""
    monkeypatch.setattr(paths, "project", lambda: tmp_path)
    for folder in ("notebooks/pages", "book", "src/helpers/studies"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "book" / "_toc.yml").write_text(yaml.safe_dump(BARE))

    def add(name, about=None, pages=()):
        cells = [nbformat.v4.new_markdown_cell(f"# Is {name} fair?")]
        cells += [nbformat.v4.new_code_cell("SEED: int = 0  # seed", metadata={"tags": ["parameters"]})]
        metadata = {} if about is None else {"study": about}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), paths.notebooks() / f"{name}.ipynb")
        if pages:
            (paths.notebooks() / "pages" / f"{name}.yaml").write_text(json.dumps(pages))

    return add


def further(name, seed, **about):
    return {"name": name, "title": f"Is {name} fair?", "parameters": {"SEED": seed}, **about}


def test_a_study_is_listed_because_it_is_there(project):
    project("01_a_thing")
    (entry,) = contents.entries()
    assert (entry.group, entry.short, entry.question) == ("", "A thing", "Is 01_a_thing fair?")
    assert set(entry.minutes.values()) == {"not yet measured"}
    parts = contents.table([entry])["parts"]
    assert [part["caption"] for part in parts] == ["Start", "Further studies", "End"]
    assert parts[1]["chapters"] == [{"file": "studies/01_a_thing", "title": "A thing"}]


def test_groups_come_in_the_reader_s_order_and_a_study_after_the_one_it_names(project):
    project("01_x", {"group": "help"})
    project("02_a", {"group": "gap", "after": "03_b"}, [further("more", 1), further("own", 2, group="own")])
    project("03_b", {"group": "gap"}, [further("more", 1)])
    project("04_c", {"group": "gap"})
    names = [entry.page.name for entry in contents.entries()]
    assert names == ["03_b", "03_b_more", "02_a", "02_a_more", "04_c", "01_x", "02_a_own"]


def test_pages_with_one_question_share_a_row(project):
    project("01_x", {"group": "gap", "short": "X", "question": "Which | way?"}, [further("more", 1, short="More")])
    project("02_y", {"group": "gap", "question": "Why?"})
    text = contents.questions(contents.entries())
    assert text.count("## Is there a gap?") == 1
    assert "| Which \\| way? | [X](studies/01_x.ipynb); [More](studies/01_x_more.ipynb) |\n" in text
    assert "| Why? | [Y](studies/02_y.ipynb) |\n" in text


def test_run_times_are_a_row_for_each_study_and_each_page_that_was_measured(project):
    pages = [further("more", 1), further("timed", 2, minutes={"quick": 2.5})]
    project("01_x", {"minutes": {"gpu": "uses none", "quick": "3, on a train"}}, pages)
    rows = contents.minutes(contents.entries()).splitlines()[2:]
    assert rows == [
        "| [X](../studies/01_x.ipynb) | 3, on a train | not yet measured | not yet measured | uses none |",
        "| [X (timed)](../studies/01_x_timed.ipynb) | 2.5 | not yet measured | not yet measured | not yet measured |",
    ]


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ("gap", "01_x.ipynb, metadata, study: unknown field gap"),
        ({"group": "gaps"}, "group: must be one of gap, cause"),
        ({"group": "gaps"}, "got 'gaps'"),
        ({"group": ["gap"]}, "group: got ['gap']"),
        ({"grupo": "gap"}, "unknown field grupo"),
        ({"short": "two\nlines"}, "short: got"),
        ({"question": ""}, "question: got ''"),
        ({"minutes": {"mainframe": "1"}}, "'mainframe' is not a column"),
        ({"minutes": {"quick": "soon"}}, "minutes, quick: got 'soon'"),
        ({"after": "00_gone"}, "after: there is no study '00_gone'"),
    ],
)
def test_what_cannot_be_listed_is_refused_with_one_line(project, about, says):
    project("01_x", about)
    with pytest.raises(InputError) as error:
        contents.entries()
    assert says in str(error.value) and "\n" not in str(error.value) and str(error.value).startswith("01_x.ipynb")


def test_a_room_has_a_page_of_functions_with_its_first_line(project, tmp_path):
    room = tmp_path / "src" / "helpers" / "studies" / "thing"
    room.mkdir()
    (room / "__init__.py").write_text('"""Study of a thing.\n\nMore.\n"""\n')
    assert "| {doc}`thing` | Study of a thing. |\n" in contents.index()
    (page,) = map(contents.functions, contents.rooms())
    assert page.startswith("# helpers.studies.thing\n") and ":exclude-members:" not in page
    imported = "from helpers.studies.thing import parts\nfrom helpers.studies.thing.parts import Part\n"
    (room / "__init__.pyi").write_text(f'{imported}\n__all__ = ["Part", "parts"]\n')
    whole, part = contents.functions(room).split("## Parts")
    assert ":exclude-members: parts\n" in whole and ":exclude-members: Part\n" in part


def test_everything_is_written_next_to_the_contents(project, tmp_path):
    project("01_x")
    contents.write(tmp_path / "made" / "_toc.yml")
    made = {path.relative_to(tmp_path / "made").as_posix() for path in (tmp_path / "made").rglob("*.*")}
    assert made == {"_toc.yml", "questions.md", "minutes.md", "api/index.md"}
    assert yaml.safe_load((tmp_path / "made" / "_toc.yml").read_text())["root"] == "intro"
