"""A study from the template: `make new` in a fresh checkout, held to the house style and run."""

import pytest

from tests.conftest import ROOT

STUDY = "99_a_trial"


@pytest.fixture(scope="module")
def made(checkout):
    done = checkout.run("-m", "helpers.book.workflow", "new", STUDY)
    assert done.returncode == 0, done.stdout
    return done.stdout.split()


def test_it_says_what_it_wrote(made, checkout):
    own = [f"{STUDY}.ipynb", f"params/{STUDY}.tiny.yaml", f"exercises/{STUDY}.yaml"]
    assert made == [f"notebooks/{file}" for file in own]
    text = (checkout.folder / made[0]).read_text()
    assert f'\\"{STUDY}\\"' in text and "fig-a-trial-result" in text and 'template\\"' not in text


def test_the_contents_list_it(made, checkout):
    place = checkout.folder / "book" / "studies" / "_toc.yml"
    done = checkout.run("-m", "helpers.book.workflow", "contents", str(place))
    assert done.returncode == 0, done.stdout
    assert f"- file: studies/{STUDY}\n    title: A trial\n" in place.read_text()
    for name in ("questions.md", "minutes.md"):
        assert f"studies/{STUDY}.ipynb)" in place.with_name(name).read_text()


def test_it_keeps_the_house_style_as_it_stands(made, checkout):
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/notebooks/test_house_style.py", "-k", STUDY]
    done = checkout.run(*words)
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout and "skipped" not in done.stdout
    done = checkout.run("-m", "ruff", "check", *made[:1])
    assert done.returncode == 0, done.stdout


def test_it_runs(made, checkout):
    place = checkout.folder / "runs" / "tiny" / STUDY / "default"
    done = checkout.run("-m", "helpers.book.workflow", "run", STUDY, "tiny", "--place", str(place))
    assert done.returncode == 0, done.stdout[-4000:]
    assert (place / "results.json").is_file() and len(list((place / "figures").iterdir())) == 2
    done = checkout.run("-m", "helpers.book.workflow", "page", "tiny", f"book/studies/{STUDY}.ipynb")
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (STUDY, f"{STUDY}.ipynb exists already"),
        ("trial", "not a valid name of a study"),
        ("98_../x", "not a valid name of a study"),
        ("98_Trial", "Use the form 08_my_question"),
    ],
)
def test_a_name_that_cannot_be_used_changes_nothing(name, says, made, checkout):
    before = {p: p.read_bytes() for p in (checkout.folder / "notebooks").rglob("*") if p.is_file()}
    done = checkout.run("-m", "helpers.book.workflow", "new", name)
    assert done.returncode == 2 and says in done.stdout and len(done.stdout.strip().splitlines()) == 1
    assert before == {p: p.read_bytes() for p in (checkout.folder / "notebooks").rglob("*") if p.is_file()}


def test_contributing_names_what_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for name in ("notebooks/template.ipynb", "tests/notebooks/test_house_style.py", "book/references.bib"):
        assert name in text and (ROOT / name).is_file()
    assert "make new STUDY=" in text and "\nnew:" in (ROOT / "Makefile").read_text()
