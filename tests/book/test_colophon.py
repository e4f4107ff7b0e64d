"""The extension that closes every page with how it was made and how to cite it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

EXTENSION = Path(__file__).resolve().parents[2] / "book" / "_ext" / "colophon.py"


@pytest.fixture(scope="module")
def colophon():
    spec = importlib.util.spec_from_file_location("colophon", EXTENSION)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def application(docname: str, suffix: str = ".md", url: str = "") -> SimpleNamespace:
    env = SimpleNamespace(found_docs={docname}, doc2path=lambda name: name + suffix)
    options = {"repository_url": url}
    return SimpleNamespace(
        env=env, config=SimpleNamespace(copyright="2026", colophon_state="`abc`", html_theme_options=options)
    )


def notebook(*cells: str) -> str:
    return json.dumps({"cells": [{"cell_type": "markdown", "source": [text]} for text in cells], "nbformat": 4})


def test_prose_gets_both_sections_once(colophon):
    source = ["# A `code` title\n\nText.\n"]
    colophon.close_page(application("page"), "page", source)
    first = source[0]
    assert first.count(f"}} {colophon.MADE}\n") == first.count(f"}} {colophon.CITE}\n") == 1
    assert "A code title. In: *The Biased Ruler*" in first and "`abc`" in first and "http" not in first
    colophon.close_page(application("page"), "page", source)
    assert source[0] == first


def test_address_is_cited_once_set(colophon):
    source = ["# T\n"]
    colophon.close_page(application("page", url="https://example.org/book"), "page", source)
    assert "https://example.org/book" in source[0]


def test_mention_in_a_sentence_is_no_section(colophon):
    source = ["# T\n\nSee **How these numbers were made** and Cite this page.\n"]
    colophon.close_page(application("page"), "page", source)
    assert f"}} {colophon.MADE}\n" in source[0] and f"}} {colophon.CITE}\n" in source[0]


def test_study_is_cited_and_keeps_its_own_account(colophon):
    source = [notebook("# Q?", f"## {colophon.MADE}\n\n`papermill`")]
    colophon.close_page(application("studies/01", ".ipynb"), "studies/01", source)
    cells = json.loads(source[0])["cells"]
    assert len(cells) == 3 and colophon.CITE in cells[-1]["source"] and colophon.MADE not in cells[-1]["source"]


def test_study_without_account_fails_the_build(colophon, monkeypatch):
    records: list[str] = []
    monkeypatch.setattr(
        colophon, "log", SimpleNamespace(warning=lambda message, *a, **k: records.append(message % a)), raising=True
    )
    colophon.close_page(application("studies/01", ".ipynb"), "studies/01", [notebook("# Q?")])
    assert records == [f"the page of a study does not say: {colophon.MADE}"]


def test_claims_are_said_to_be_collected(colophon):
    source = ["# Claims\n\n| a |\n|---|\n"]
    colophon.close_page(application(colophon.CLAIMS), colophon.CLAIMS, source)
    assert "collected from the results" in source[0] and "No number on this page" not in source[0]


def test_no_git_history_is_said(colophon, monkeypatch):
    monkeypatch.setattr(colophon.provenance, "git_state", lambda: {"commit": "unknown", "dirty": None})
    assert colophon.git_state() == "not known (no git history here)"


@pytest.mark.parametrize(("url", "shown"), [("", False), ("https://example.org/book", True)])
def test_buttons_only_with_an_address(colophon, url, shown):
    config = SimpleNamespace(html_theme_options={"repository_url": url}, colophon_state="")
    colophon.show_repository(None, config)
    assert config.html_theme_options.get("use_repository_button", False) is shown
