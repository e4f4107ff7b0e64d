"""Sphinx extension: a study's page opens on Binder and on Colab, once `repository: url` in _config.yml is set.

The theme's own launch buttons name the page's source, which for a study is made by the build and not in the
repository. These name the notebook that the page comes from.
"""

from __future__ import annotations

import json
from functools import cache
from urllib.parse import quote, urlsplit

from sphinx.application import Sphinx

import helpers
from helpers import paths
from helpers.report import instances

BINDER, COLAB = "https://mybinder.org", "https://colab.research.google.com"
ICONS = {"Binder": "_static/images/logo_binder.svg", "Colab": "_static/images/logo_colab.png"}  # the theme's own


@cache
def studies() -> dict[str, instances.Page]:
    """Pages of studies by their place in the book."""
    names = sorted(place.stem for place in paths.notebooks().glob("[0-9]*.ipynb"))
    return {f"studies/{page.name}": page for name in names for page in instances.pages(name)}


def links(url: str, branch: str, study: str) -> dict[str, str]:
    """Where a study's notebook opens: Binder takes any git repository, Colab one on GitHub alone."""
    url = url.rstrip("/").removesuffix(".git")
    where, notebook = urlsplit(url), f"notebooks/{study}.ipynb"
    name = where.path.strip("/")
    if where.hostname == "github.com":
        repository = f"gh/{name}"
    elif where.hostname == "gitlab.com":
        repository = f"gl/{quote(name, safe='')}"
    else:
        repository = f"git/{quote(url, safe='')}"
    path = quote(f"lab/tree/{notebook}", safe="")
    found = {"Binder": f"{BINDER}/v2/{repository}/{quote(branch, safe='')}?urlpath={path}"}
    if where.hostname == "github.com":
        found["Colab"] = f"{COLAB}/github/{name}/blob/{quote(branch)}/{notebook}"
    return found


def set_up(url: str, branch: str) -> str:
    """The cell that makes Colab ready for a notebook of the book."""
    return f"""!test -d biased-ruler || git clone --quiet --depth 1 --branch {branch} {url} biased-ruler
%pip install --quiet --editable ./biased-ruler
from google.colab import output

output.enable_custom_widget_manager()"""


def how_to_launch(page: instances.Page, *, url: str, branch: str) -> str:
    """How to run a page's notebook in the browser, as MyST Markdown."""
    where = links(url, branch, page.study)
    text = f"""::::{{dropdown}} Run it in the browser
:class-container: launch

[Open on Binder]({where["Binder"]}): nothing to install.
The first start takes minutes; there is no GPU and little memory, so keep the default parameters.
"""
    if "Colab" in where:
        text += f"""
[Open on Colab]({where["Colab"]}): it opens the notebook without the package.
Put this into a new first cell and run it, choose *Restart session* in the menu *Runtime*, then *Run all*.

```ipython3
{set_up(url, branch)}
```
"""
    if page.parameters:
        words = " and ".join(f"`{name}` to `{value!r}`" for name, value in page.parameters.items())
        text += f"\nThe notebook opens with its defaults; for this page set {words} in its first code cell.\n"
    return text + "::::\n"


def repository(app: Sphinx) -> dict[str, str]:
    """Address and branch of the repository; the address is empty where there is none."""
    options = app.config.html_theme_options
    return {"url": options.get("repository_url", ""), "branch": options.get("repository_branch") or "main"}


def open_page(app: Sphinx, docname: str, source: list[str]) -> None:
    """Say under a study's title how to run it in the browser (event `source-read`)."""
    page, known = studies().get(docname), repository(app)
    if page is None or not known["url"]:
        return
    notebook = json.loads(source[0])
    cell = {"cell_type": "markdown", "id": "launch", "metadata": {}, "source": how_to_launch(page, **known)}
    first, *others = notebook["cells"]
    source[0] = json.dumps({**notebook, "cells": [first, cell, *others]})


def add_buttons(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object) -> None:
    """Put the launch buttons of a study among those at the top of its page (event `html-page-context`)."""
    page, known = studies().get(pagename), repository(app)
    if page is None or not known["url"] or "header_buttons" not in context:
        return
    buttons = [
        {"type": "link", "text": name, "tooltip": f"Open on {name}", "icon": ICONS[name], "url": address}
        for name, address in links(**known, study=page.study).items()
    ]
    group = {"type": "group", "tooltip": "Run it in the browser", "icon": "fas fa-rocket", "label": "launch-buttons"}
    context["header_buttons"].append({**group, "buttons": buttons})


def setup(app: Sphinx) -> dict[str, object]:
    """Register the extension."""
    app.connect("source-read", open_page)
    app.connect("html-page-context", add_buttons, priority=501)  # when the theme adds its own
    return {"version": helpers.__version__, "parallel_read_safe": True, "parallel_write_safe": True}
