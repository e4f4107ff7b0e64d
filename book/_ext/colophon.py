"""Sphinx extension: every page says how it was made and how to cite it.

The page of a study says itself how its numbers were made, written with the run that made them; the build fails where
one does not. Every other page gets that section here, and every page its citation: from CITATION.cff, and from
`repository: url` in _config.yml.
"""

from __future__ import annotations

import json
import platform
import re
from importlib import metadata
from pathlib import Path

import yaml
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

import helpers
from helpers.report import provenance

PROJECT = Path(__file__).resolve().parents[2]
MADE, CITE = "How these numbers were made", "Cite this"
CLAIMS = "studies/claims"  # collected from all studies, so without a run of its own
log = logging.getLogger(__name__)


def git_state() -> str:
    """Return the commit the book is built from, in words."""
    state = provenance.git_state()
    commit = "not known (no git history here)" if state["commit"] == "unknown" else f"`{state['commit']}`"
    return commit + (" with uncommitted changes" if state["dirty"] else "")


def citation(page: str, *, year: str, url: str = "", cff: Path = PROJECT / "CITATION.cff") -> tuple[str, str]:
    """Return the citation of one page as a sentence and as BibTeX, from CITATION.cff."""
    work = yaml.safe_load(cff.read_text(encoding="utf-8"))
    authors = " and ".join(author["name"] for author in work["authors"])
    address = f" {url}" if url else ""
    sentence = f"{authors} ({year}). {page}. In: *{work['title']}*, version {work['version']}.{address}"
    lines = [
        "@incollection{biased_ruler,",
        f"  author = {{{{{authors}}}}},",
        f"  title = {{{page}}},",
        f"  booktitle = {{{work['title']}}},",
        f"  year = {{{year}}},",
        f"  note = {{Version {work['version']}}},",
        *([f"  url = {{{url}}},"] if url else []),
        "}",
    ]
    return sentence, "\n".join(lines)


def how_made(*, collected: bool, state: str) -> str:
    """Return how a page without a run of its own was made, as MyST Markdown."""
    what = (
        "The rows on this page were computed by the studies they name and collected from the results of those runs. "
        "Each study's page gives its own command, parameters and versions."
        if collected
        else "No number on this page was computed for it: what it states comes from the sources it names."
    )
    versions = f"Python {platform.python_version()}, jupyter-book {metadata.version('jupyter-book')}"
    return f"""

:::{{dropdown}} {MADE}
:class-container: colophon

{what}

- Command: `make book`, or without make `jupyter-book build book -W --keep-going`
- Parameters: none
- Versions: {versions}, helpers {helpers.__version__}
- Commit: {state}
:::
"""


def how_to_cite(page: str, *, year: str, url: str) -> str:
    """Return how to cite a page, as MyST Markdown."""
    sentence, bibtex = citation(page, year=year, url=url)
    return f"""

:::{{dropdown}} {CITE}
:class-container: colophon

{sentence}

```bibtex
{bibtex}
```
:::
"""


def close_page(app: Sphinx, docname: str, source: list[str]) -> None:
    """Append the sections that a page has not got (event `source-read`)."""
    if docname not in app.env.found_docs:
        return
    notebook = json.loads(source[0]) if app.env.doc2path(docname).endswith(".ipynb") else None
    text = source[0] if notebook is None else "\n\n".join("".join(cell["source"]) for cell in notebook["cells"])
    collected = docname == CLAIMS
    closing = ""
    if f" {MADE}\n" not in f"{text}\n":
        if docname.startswith("studies/") and not docname.startswith("studies/api/") and not collected:
            log.warning("the page of a study does not say: %s", MADE, location=docname, type="colophon")
        else:
            closing += how_made(collected=collected, state=app.config.colophon_state)
    if f" {CITE}\n" not in f"{text}\n":
        title = re.search(r"^# (.+)$", text, re.MULTILINE)
        closing += how_to_cite(
            title[1].replace("`", "") if title else "Data card",
            year=app.config.copyright,
            url=app.config.html_theme_options.get("repository_url", ""),
        )
    if notebook is None:
        source[0] += closing
    elif closing:
        cell = {"cell_type": "markdown", "id": "colophon", "metadata": {}, "source": closing}
        source[0] = json.dumps({**notebook, "cells": [*notebook["cells"], cell]})


def show_repository(app: Sphinx, config: Config) -> None:
    """Show the repository buttons once there is an address to link to."""
    if config.html_theme_options.get("repository_url"):
        config.html_theme_options.update(use_repository_button=True, use_issues_button=True)
    config.colophon_state = git_state()


def setup(app: Sphinx) -> dict[str, object]:
    """Register the extension."""
    # rebuild="env": a new commit is a new statement on every page.
    app.add_config_value("colophon_state", "", "env", types=[str])
    app.connect("config-inited", show_repository)
    app.connect("source-read", close_page)
    return {"version": helpers.__version__, "parallel_read_safe": True, "parallel_write_safe": True}
