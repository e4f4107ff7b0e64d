"""The built book in a browser, opened from disk with the network off.

Not part of `make test`: `make test-browser` runs it, and needs Chromium.
With SCREENSHOTS=1 in the environment, pictures of all pages go to `_build/screenshots`; they take as long as the tests.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

pytest.importorskip("playwright", reason="install the development requirements: pip install -e '.[dev]'")
from playwright.sync_api import Browser, Page

from tests import tiny
from tests.browser.conftest import SCREENSHOTS
from tests.conftest import ROOT, Checkout

# axe-core 4.14.1 (MPL-2.0), unchanged from the npm package of that name; its licence lies beside it.
AXE = ROOT / "tests" / "browser" / "axe-core" / "axe.min.js"
WIDTHS = {"phone": 390, "desktop": 1280}


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
        if self.page.locator("script[type='application/vnd.jupyter.widget-view+json']").count():
            self.page.wait_for_selector(".jupyter-widgets", timeout=20_000)
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

    toc = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text())
    return {name: kept_book / f"{name}.html" for name in names(toc)}


@pytest.mark.parametrize("device", WIDTHS)
def test_every_page_loads_clean_and_fits(reader, files, device):
    """No error in the console, nothing missing, no sideways scrolling, every image shown."""
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
        look(page, device, name)
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


@pytest.mark.parametrize("device", WIDTHS)
def test_a_word_is_searched_and_found_from_disk(reader, files, device):
    """Typed where a reader types it, on any page; the first result opens and has the word."""
    tab = reader(WIDTHS[device])
    page = tab.open(files["methods/metrics"])
    page.locator("button.search-button, button.search-button-field").locator("visible=true").first.click()
    page.locator("dialog input[type=search], .search-button__search-container input").locator("visible=true").fill(
        "permutation"
    )
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    assert page.locator("#search-results li").count() >= 2
    page.locator("#search-results li a").first.click()
    page.wait_for_selector("article.bd-article h1", timeout=20_000)
    assert "search.html" not in page.url and "permutation" in page.locator("article").inner_text().lower()
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
        look(page, "dark", name)


def judged(page: Page) -> list[str]:
    """What axe-core finds serious or critical on a page with its folds open."""
    page.evaluate("() => document.querySelectorAll('details').forEach(fold => { fold.open = true })")
    # What a fold holds fades in, and is pale until it has.
    page.evaluate("() => Promise.all(document.getAnimations().map(a => a.finished.catch(() => {})))")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")["violations"]
    grave = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in grave for node in rule["nodes"]]


@pytest.mark.parametrize(("scheme", "device"), [("light", "desktop"), ("dark", "phone")])
def test_no_page_has_a_serious_fault_of_access(reader, files, kept_book, scheme, device):
    """All rules of axe-core, the contrast of WCAG 2 AA among them, on every page."""
    tab, problems = reader(WIDTHS[device], scheme), {}
    for name, file in {**files, "search": kept_book / "search.html", "index": kept_book / "genindex.html"}.items():
        page = tab.open(file)
        assert page.evaluate("() => document.documentElement.dataset.theme") == scheme, name
        if found := judged(page):
            problems[name] = found
    assert problems == {}


def test_faults_of_access_would_be_found(reader, files):
    page = reader().open(files["questions"])
    page.evaluate(
        """() => document.querySelector('article').insertAdjacentHTML('beforeend',
             '<p style="color:#999;background:#fff">pale</p><img src="_static/logo.svg"><select></select>')"""
    )
    assert {line.partition(":")[0] for line in judged(page)} == {"color-contrast", "image-alt", "select-name"}


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


@pytest.mark.parametrize("name", ["intro", "studies/claims"])
def test_claims_are_filtered_by_keyboard(reader, files, name):
    page = reader().open(files[name])
    rows = page.locator("table.filterable tbody tr")
    shown, total = page.locator("table.filterable tbody tr:visible"), rows.count()
    count = page.locator(".table-filter output")
    assert total > 20 and count.inner_text() == f"{total} of {total} rows"
    assert page.get_by_label("verdict", exact=True).locator("option").all_inner_texts()[0] == "all"

    page.get_by_label("study", exact=True).focus()
    page.keyboard.type("Label")  # chooses the entry that begins so
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("differs")
    some = shown.count()
    assert 0 < some < total and count.inner_text() == f"{some} of {total} rows"
    for row in shown.all():
        cells = row.locator("td").all_inner_texts()
        assert cells[0] == "Label audit" and cells[-1].startswith("differs")

    page.keyboard.press("Tab")
    page.keyboard.type("no such words")
    assert shown.count() == 0 and count.inner_text() == f"0 of {total} rows"


def test_claims_are_a_plain_table_without_scripts(browser, files):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(files["studies/claims"].as_uri())
    assert page.locator("table.filterable tbody tr:visible").count() > 20
    assert page.locator(".table-filter").count() == 0
    context.close()


def test_figures_can_be_read_on_a_phone(reader, files):
    """Words are two thirds of the size they were drawn at, or more; a figure that is too wide for that scrolls."""
    tab, seen = reader(WIDTHS["phone"]), 0
    for name, file in files.items():
        page = tab.open(file)
        for image in page.locator("article figure img").all():
            drawn, shown, scrolls = image.evaluate(
                """i => [i.naturalWidth, i.getBoundingClientRect().width,
                         i.closest('figure').scrollWidth > i.closest('figure').clientWidth + 1]"""
            )
            seen += 1
            if image.is_visible():
                assert shown >= min(drawn, 770) * 0.65, name
                assert not scrolls or image.locator("xpath=ancestor::figure").get_attribute("tabindex") == "0", name
    assert seen > 20


def test_nothing_is_cut_on_paper(reader, files):
    """Set for print and as wide as A4 between its margins, no table, figure or line of code passes the edge."""
    tab, problems = reader(672), {}
    for name, file in files.items():
        page = tab.open(file)
        page.emulate_media(media="print")
        wide = page.evaluate(
            """() => {
              const edge = document.querySelector('article').getBoundingClientRect().right + 1;
              const parts = [...document.querySelectorAll('article :is(table, img, pre, figcaption)')];
              return parts.filter(part => part.getBoundingClientRect().right > edge
                                          || (part.matches('pre') && part.scrollWidth > part.clientWidth + 1))
                          .map(part => part.outerHTML.slice(0, 200));
            }"""
        )
        page.emulate_media(media="screen")
        if wide:
            problems[name] = wide
    assert problems == {}


def test_the_whole_book_is_one_pdf(kept, files):
    place = kept.folder / "_build" / "the-biased-ruler.pdf"
    place.unlink(missing_ok=True)
    done = kept.snakemake("pdf", "--cores", "1", "--config", "profile=tiny")
    assert done.returncode == 0, done.stdout[-6000:]
    pdf = place.read_bytes()
    assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) > 2 * len(files)
    titles = re.findall(rb"/Title\s*\(([^)]*)\)", pdf)  # the outline
    for title in (b"The Biased Ruler", b"Where is my question answered?", b"Glossary"):
        assert title in titles


def test_no_browser_no_pdf(checkout):
    done = subprocess.run(
        [sys.executable, "book/_ext/pdf.py"],
        cwd=checkout.folder,
        env={**checkout.environment, "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert (
        done.stderr.strip()
        == "PDF: no Chromium here, which prints it. Install it (Debian, Ubuntu: apt-get install chromium)"
    )
