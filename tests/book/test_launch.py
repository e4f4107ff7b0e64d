"""The extension that opens a study on Binder and Colab."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import stat
import subprocess
from types import SimpleNamespace

import pytest

from helpers.book import contents
from tests.conftest import ROOT

GITHUB = "https://github.com/group/book"


@pytest.fixture(scope="module")
def launch():
    spec = importlib.util.spec_from_file_location("launch", ROOT / "book" / "_ext" / "launch.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def application(url: str, branch: str = "main") -> SimpleNamespace:
    options = {"repository_url": url, "repository_branch": branch}
    return SimpleNamespace(config=SimpleNamespace(html_theme_options=options))


def notebook() -> list[str]:
    cells = [{"cell_type": "markdown", "source": [text]} for text in ("# Q?", "After")]
    return [json.dumps({"cells": cells, "nbformat": 4})]


def buttons(launch, page: str, url: str) -> dict[str, str]:
    context = {"header_buttons": []}
    launch.add_buttons(application(url), page, "page.html", context, None)
    return {b["text"]: b["url"] for group in context["header_buttons"] for b in group["buttons"]}


def test_without_an_address_nothing_appears(launch):
    source = notebook()
    launch.open_page(application(""), "studies/00_bias_sandbox", source)
    assert source == notebook() and buttons(launch, "studies/00_bias_sandbox", "") == {}


def test_with_an_address_a_study_has_both_buttons_and_says_how(launch):
    found = buttons(launch, "studies/00_bias_sandbox", GITHUB)
    binder = "https://mybinder.org/v2/gh/group/book/main?urlpath=lab%2Ftree%2Fnotebooks%2F00_bias_sandbox.ipynb"
    colab = "https://colab.research.google.com/github/group/book/blob/main/notebooks/00_bias_sandbox.ipynb"
    assert found == {"Binder": binder, "Colab": colab}
    source = notebook()
    launch.open_page(application(GITHUB), "studies/00_bias_sandbox", source)
    first, added, after = json.loads(source[0])["cells"]
    assert (first["source"], after["source"]) == (["# Q?"], ["After"])
    assert f"({binder})" in added["source"] and f"({colab})" in added["source"]
    assert "set `" not in added["source"]


def test_a_further_page_opens_its_study_and_names_its_parameters(launch):
    page = "studies/04_reconstruction_bias_chexpert"
    assert buttons(launch, page, GITHUB)["Colab"].endswith("/notebooks/04_reconstruction_bias.ipynb")
    source = notebook()
    launch.open_page(application(GITHUB), page, source)
    assert "`DATASET` to `'chexpert'`" in json.loads(source[0])["cells"][1]["source"]


@pytest.mark.parametrize("page", ["intro", "how-to/run", "studies/claims"])
def test_a_page_that_is_no_study_has_no_button(launch, page):
    source = ["# T\n"]
    launch.open_page(application(GITHUB), page, source)
    assert source == ["# T\n"] and buttons(launch, page, GITHUB) == {}


def test_every_page_of_a_study_opens_a_notebook_that_is_there(launch):
    listed = contents.table(contents.entries())["parts"]
    files = {chapter["file"] for part in listed for chapter in part["chapters"]}
    assert {file for file in files if file.startswith("studies/")} - {"studies/claims"} == set(launch.studies())
    assert all((ROOT / "notebooks" / f"{page.study}.ipynb").is_file() for page in launch.studies().values())


@pytest.mark.parametrize(
    ("url", "binder"),
    [
        (f"{GITHUB}.git", "gh/group/book/a%2Fb"),
        (f"{GITHUB}/", "gh/group/book/a%2Fb"),
        ("https://gitlab.com/group/sub/book", "gl/group%2Fsub%2Fbook/a%2Fb"),
        ("https://example.org/book", "git/https%3A%2F%2Fexample.org%2Fbook/a%2Fb"),
    ],
)
def test_addresses_of_other_hosts_and_branches(launch, url, binder):
    found = launch.links(url, "a/b", "01_label_audit")
    assert found["Binder"].startswith(f"https://mybinder.org/v2/{binder}?urlpath=lab")
    assert ("Colab" in found) is ("github.com" in url)


def test_the_cell_for_colab_clones_and_installs_and_is_python_for_the_rest(launch):
    cell = launch.set_up(GITHUB, "main")
    lines = cell.splitlines()
    assert lines[0].endswith(f"git clone --quiet --depth 1 --branch main {GITHUB} biased-ruler")
    assert lines[1] == "%pip install --quiet --editable ./biased-ruler"
    ast.parse("\n".join(lines[2:]))


def test_cloning_twice_does_no_harm_and_finds_the_package(launch, tmp_path):
    """The shell line of the cell, on this repository in place of a published one."""
    branch = "trial"
    origin = tmp_path / "origin"
    subprocess.run(["git", "init", "--quiet", "--initial-branch", branch, origin], check=True)
    (origin / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", origin, "add", "."], check=True)
    subprocess.run(["git", "-C", origin, *who, "commit", "--quiet", "-m", "x"], check=True)
    line = launch.set_up(origin.as_uri(), branch).splitlines()[0].removeprefix("!")
    for _ in range(2):
        subprocess.run(["bash", "-c", line], cwd=tmp_path, check=True)
    assert (tmp_path / "biased-ruler" / "pyproject.toml").is_file()


def test_binder_sets_up_what_make_sets_up():
    folder = ROOT / ".binder"
    script = folder / "postBuild"
    assert script.stat().st_mode & stat.S_IXUSR, "Binder runs it only if it may be run"
    subprocess.run(["bash", "-n", script], check=True)
    text, recipe = script.read_text(), (ROOT / "Makefile").read_text()
    for words in ("-r requirements.lock", "--no-deps -e .", "--torch-backend=cpu", "grep '^torch=='"):
        assert words in text and words in recipe.replace("$$(grep", "$(grep")
    version = (folder / "runtime.txt").read_text().strip()
    workflow = (ROOT / ".github" / "workflows" / "book.yml").read_text()
    assert version == "python-3.11" and 'python-version: "3.11"' in workflow
    assert re.search(r"^torch==\S+$", (ROOT / "requirements.lock").read_text(), re.M)
