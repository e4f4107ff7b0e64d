"""One browser for all tests of this folder, and the built book that it opens from disk.

Playwright does not start twice in a process.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests import tiny
from tests.conftest import ROOT, Checkout

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SCREENSHOTS = ROOT / "_build" / "screenshots"
WIDTHS = {"phone": 390, "desktop": 1280}
PATIENCE = 60_000  # milliseconds that a page may take to draw a part of itself on a busy machine
WIDGET = "div.widget-subarea > .jupyter-widgets, .jupyter-widgets.widget-container"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """Chromium, as Playwright drives it."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install -e '.[dev]'")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.fail("no Chromium here: install it (Debian: apt-get install chromium)", pytrace=False)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


class Reader:
    """A browser tab with no network that notes everything that goes wrong."""

    def __init__(self, browser: Browser, width: int, scheme: str = "light") -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.problems: list[str] = []
        self.page: Page = self.context.new_page()
        self.context.route("**/*", self._disk_only)
        self.page.on("console", lambda m: self.problems.append(f"console: {m.text}") if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on("requestfailed", lambda request: self.problems.append(f"not loaded: {request.url}"))

    def _disk_only(self, route) -> None:
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            route.abort()

    def open(self, file: Path, query: str = "") -> Page:
        self.problems.clear()
        self.page.goto(file.as_uri() + query, wait_until="load")
        if self.page.locator(".math").count():
            self.page.wait_for_selector("mjx-container", timeout=PATIENCE)
            self.page.evaluate("() => MathJax.startup.promise")
        if self.page.locator("script[type='application/vnd.jupyter.widget-view+json']").count():
            self.page.wait_for_selector(WIDGET, timeout=PATIENCE)
            self.page.wait_for_timeout(500)  # its fonts are asked for as it is drawn
        self.page.evaluate("() => document.fonts.ready")
        return self.page


def look(page: Page, how: str, name: str) -> None:
    """Keep a picture of a page where pictures are asked for."""
    if os.environ.get("SCREENSHOTS"):
        page.screenshot(path=SCREENSHOTS / f"{how}-{name.replace('/', '-')}.png", full_page=True)


@pytest.fixture
def reader(browser) -> Iterator[Callable[..., Reader]]:
    opened: list[Reader] = []

    def make(width: int = WIDTHS["desktop"], scheme: str = "light") -> Reader:
        opened.append(Reader(browser, width, scheme))
        return opened[-1]

    yield make
    for tab in opened:
        tab.context.close()


@pytest.fixture(scope="session")
def kept() -> Checkout:
    """The copy in which `make test` built the book; what has changed since is made again there."""
    return Checkout(tiny.made())


@pytest.fixture(scope="session")
def kept_book(kept: Checkout) -> Path:
    return kept.folder / "_build" / "html"


@pytest.fixture(scope="session")
def files(kept_book: Path) -> dict[str, Path]:
    """Page of each entry of the table of contents."""

    def names(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node[key] for key in ("root", "file") if key in node]
            return own + [name for value in node.values() for name in names(value)]
        return [name for item in node for name in names(item)] if isinstance(node, list) else []

    toc = yaml.safe_load((kept_book.parents[1] / "book" / "studies" / "_toc.yml").read_text())
    return {name: kept_book / f"{name}.html" for name in names(toc)}
