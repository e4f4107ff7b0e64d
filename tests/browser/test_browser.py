"""The built book in a browser, opened from disk with the network off.

Not part of `make test`: `make test-browser` runs it, and needs Chromium.
Screenshots go to `_build/screenshots`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

pytest.importorskip("playwright", reason="install the development requirements: pip install -e '.[dev]'")
from playwright.sync_api import Browser, Page, sync_playwright

PROJECT = Path(__file__).resolve().parents[2]
SCREENSHOTS = PROJECT / "_build" / "screenshots"
WIDTHS = {"phone": 390, "desktop": 1280}
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
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.fail("no Chromium here: install it (Debian: apt-get install chromium)", pytrace=False)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
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
            self.page.wait_for_selector("mjx-container", timeout=20_000)
            self.page.evaluate("() => MathJax.startup.promise")
        self.page.evaluate("() => document.fonts.ready")
        return self.page


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
def files(built_book: Path) -> dict[str, Path]:
    """Page of each entry of the table of contents."""

    def names(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node[key] for key in ("root", "file") if key in node]
            return own + [name for value in node.values() for name in names(value)]
        return [name for item in node for name in names(item)] if isinstance(node, list) else []

    toc = yaml.safe_load((PROJECT / "book" / "_toc.yml").read_text())
    return {name: built_book / f"{name}.html" for name in names(toc)}


@pytest.mark.parametrize("device", WIDTHS)
def test_every_page_loads_clean_and_fits(reader, files, device):
    """No error in the console, nothing missing, no sideways scrolling, every image shown."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    tab, problems = reader(WIDTHS[device]), {}
    for name, file in files.items():
        page = tab.open(file)
        found = list(tab.problems)
        width = page.evaluate("() => document.documentElement.scrollWidth")
        if width > WIDTHS[device]:
            found.append(f"{width} px wide")
        blank = page.evaluate("() => [...document.querySelectorAll('article img')].filter(i => !i.naturalWidth).length")
        if blank:
            found.append(f"{blank} blank images")
        page.screenshot(path=SCREENSHOTS / f"{device}-{name.replace('/', '-')}.png", full_page=True)
        if found:
            problems[name] = found
    assert problems == {}


def test_mathematics_is_drawn_with_its_own_fonts(reader, files):
    page = reader().open(files["methods/statistics"])
    drawn = page.locator(".math mjx-container").count()
    assert drawn and drawn == page.locator("article .math").count()
    assert page.locator("mjx-merror").count() == 0
    loaded = "() => [...document.fonts].filter(f => f.family.startsWith('MJX') && f.status === 'loaded').length"
    assert page.evaluate(loaded) > 1
    assert page.evaluate("() => [...document.fonts].filter(f => f.status === 'error').length") == 0


def test_widgets_are_shown_once(reader, files):
    tab, seen = reader(), 0
    for name, file in files.items():
        if "widget-view+json" not in file.read_text(encoding="utf-8"):
            continue
        page = tab.open(file)
        views = page.locator("script[type='application/vnd.jupyter.widget-view+json']").count()
        page.wait_for_selector(
            "div.widget-subarea > .jupyter-widgets, .jupyter-widgets.widget-container", timeout=20_000
        )
        shown = page.evaluate(
            """() => [...document.querySelectorAll('.jupyter-widgets')]
                     .filter(widget => !widget.parentElement.closest('.jupyter-widgets')).length"""
        )
        assert shown == views, name
        assert page.locator(".jupyter-widgets").first.bounding_box()["height"] > 10, name
        seen += views
    if not seen:
        pytest.skip("no page has a widget yet")


def test_search_works_from_disk(reader, files, built_book):
    tab = reader()
    page = tab.open(built_book / "search.html", "?q=permutation")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    assert page.locator("#search-results li").count() >= 2
    assert tab.problems == []


def test_figures_stay_readable_in_the_dark(reader, files):
    """In dark mode a figure keeps its white card, and text its contrast."""
    tab = reader(scheme="dark")
    for name, file in files.items():
        if not name.startswith("studies/") and name != "intro":
            continue
        page = tab.open(file)
        assert page.evaluate("() => document.documentElement.dataset.theme") == "dark", name
        for image in page.locator("article .cell_output img, article figure img").all():
            assert image.evaluate("i => getComputedStyle(i).backgroundColor") == "rgb(255, 255, 255)", name
            assert image.evaluate("i => getComputedStyle(i).filter") == "none", name
        page.screenshot(path=SCREENSHOTS / f"dark-{name.replace('/', '-')}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_links_have_contrast(reader, files, scheme):
    """At least 4.5 to 1, the WCAG limit for body text."""
    page = reader(scheme=scheme).open(files["intro"])
    ratios = page.evaluate(
        """() => {
          const light = c => { const v = c / 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 };
          const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b);
          const rgb = text => text.match(/[0-9.]+/g).map(Number);
          const back = node => {
            for (; node; node = node.parentElement) {
              const c = rgb(getComputedStyle(node).backgroundColor);
              if (c.length < 4 || c[3] === 1) return c;
            }
            return [255, 255, 255];
          };
          return [...document.querySelectorAll('article p, article a:not(.headerlink), article td')].map(node => {
            const [a, b] = [luminance(rgb(getComputedStyle(node).color)), luminance(back(node))].sort((x, y) => y - x);
            return (a + 0.05) / (b + 0.05);
          });
        }"""
    )
    assert len(ratios) > 20
    assert min(ratios) >= 4.5


def test_sections_at_the_foot_open(reader, files):
    page = reader().open(files["how-to/read"])
    for title in ("How these numbers were made", "Cite this"):
        box = page.locator("details.colophon, details", has=page.get_by_text(title, exact=True)).last
        box.locator("summary").click()
        assert box.locator("p").first.is_visible()
