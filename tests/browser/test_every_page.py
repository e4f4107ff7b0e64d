"""Every page of the built book, in each of two looks.

A page is opened on a desktop in light, noted, turned to a phone in the dark, and noted again. Every second page is in
another class, so that two processes make the visits.
`make test-browser` runs it, and needs Chromium.
With SCREENSHOTS=1 in the environment, pictures of all pages go to `_build/screenshots`; they take as long as the tests.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright", reason="install the development requirements: pip install -e '.[dev]'")
from playwright.sync_api import Error, Page

from tests.browser.conftest import WIDTHS, Reader, look
from tests.conftest import ROOT

# axe-core 4.14.1 (MPL-2.0), unchanged from the npm package of that name; its licence lies beside it.
AXE = ROOT / "tests" / "browser" / "axe-core" / "axe.min.js"
PAPER = 672  # pixels of A4 between its margins
# These pages, one of each kind, are judged by all rules in both looks. The others are judged on a desktop by all rules
# but those of the looks, which take most of the time and depend on the style sheet. A slow test judges them by these,
# without code, which one tool makes in one style. On a phone, these pages alone are opened afresh.
LOOKS = {"desktop": "light", "phone": "dark"}
WHOLE = {"intro", "how-to/run", "studies/00_bias_sandbox", "api/index", "api/metrics", "api/report"}
OF_LOOKS = ["color-contrast", "link-in-text-block", "scrollable-region-focusable"]
NOT_CODE = ":not(.highlight *)"

NOTED = """() => {
  const all = selector => [...document.querySelectorAll(selector)];
  const outermost = all('.jupyter-widgets').filter(widget => !widget.parentElement.closest('.jupyter-widgets'));
  return {
    width: document.documentElement.scrollWidth,
    theme: document.documentElement.dataset.theme,
    blank: all('article img').filter(image => !image.naturalWidth).length,
    views: all("script[type='application/vnd.jupyter.widget-view+json']").length,
    widgets: outermost.map(widget => widget.getBoundingClientRect().height),
    images: all('article .cell_output img, article figure img').map(image => {
      const style = getComputedStyle(image), figure = image.closest('figure'), box = image.getBoundingClientRect();
      return {
        background: style.backgroundColor,
        filter: style.filter,
        framed: figure !== null,
        visible: image.checkVisibility({ visibilityProperty: true }) && box.width > 0 && box.height > 0,
        drawn: image.naturalWidth,
        shown: box.width,
        stuck: figure?.scrollWidth > figure?.clientWidth + 1 && figure.getAttribute('tabindex') !== '0',
      };
    }),
  };
}"""
# A page follows the look of the device a little later; one that does not is noted as it is.
FOLLOWED = """scheme => new Promise(done => {
  const until = performance.now() + 3000;
  const look = () => document.documentElement.dataset.theme === scheme || performance.now() > until
    ? requestAnimationFrame(done) : setTimeout(look, 20);
  look();
})"""
CUT = """() => {
  const edge = document.querySelector('article').getBoundingClientRect().right + 1;
  const parts = [...document.querySelectorAll('article :is(table, img, pre, figcaption)')];
  return parts.filter(part => part.getBoundingClientRect().right > edge
                              || (part.matches('pre') && part.scrollWidth > part.clientWidth + 1))
              .map(part => part.outerHTML.slice(0, 200));
}"""


def judged(page: Page, *, looks: bool = True, others: bool = True, code: bool = True) -> list[str]:
    """What axe-core finds serious or critical on a page with its folds open, by rules of looks, others, or all."""
    page.evaluate("() => document.querySelectorAll('details').forEach(fold => { fold.open = true })")
    # What a fold holds fades in, and is pale until it has.
    page.evaluate("() => Promise.all(document.getAnimations().map(a => a.finished.catch(() => {})))")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    # From disk, no style sheet can be fetched a second time; axe would try for each.
    options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
    if not code:
        page.evaluate("of => axe.configure({ rules: [{ id: 'color-contrast', selector: of }] })", NOT_CODE)
    if not looks:
        options["rules"] = {rule: {"enabled": False} for rule in OF_LOOKS}
    if not others:
        options["runOnly"] = {"type": "rule", "values": OF_LOOKS}
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    grave = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in grave for node in rule["nodes"]]


def cut_on_paper(page: Page) -> list[str]:
    """What passes the edge when the page is printed."""
    page.set_viewport_size({"width": PAPER, "height": 900})
    page.emulate_media(media="print")
    return page.evaluate(CUT)


def turned(tab: Reader, device: str) -> Page:
    """Show a page in a look, on a screen."""
    tab.page.set_viewport_size({"width": WIDTHS[device], "height": 900})
    tab.page.emulate_media(media="screen", color_scheme=LOOKS[device])
    return tab.page


def visited(tab: Reader, file: Path, name: str) -> dict[str, dict[str, Any]]:
    """Open a page, and note all that is asked of it in each look."""
    noted = {}
    for device in LOOKS:
        page = turned(tab, device)
        if device == "desktop" or name in WHOLE:
            tab.open(file)
        page.evaluate(FOLLOWED, LOOKS[device])
        noted[device] = {**page.evaluate(NOTED), "problems": list(tab.problems)}
        look(page, device, name)
        if name in WHOLE:
            noted[device]["grave"] = judged(page)
        tab.problems.clear()
    if name not in WHOLE:
        noted["desktop"]["grave"] = judged(turned(tab, "desktop"), looks=False)
    if page.locator("article").count():  # search and index have none
        noted["desktop"]["cut"] = cut_on_paper(page)
    return noted


@pytest.fixture(scope="class")
def pages(request, browser, files, kept_book) -> dict[str, dict[str, dict[str, Any]]]:
    """What was noted in each look of the pages of a class."""
    tab, noted = Reader(browser, WIDTHS["desktop"]), {}
    every = {**files, "search": kept_book / "search.html", "index": kept_book / "genindex.html"}
    for name in list(every)[request.cls.first :: 2]:
        try:
            noted[name] = visited(tab, every[name], name)
        except Error as error:
            error.add_note(f"on page {name}")
            raise
    tab.context.close()
    return {device: {name: both[device] for name, both in noted.items()} for device in LOOKS}


def having(pages: dict[str, dict[str, Any]], note: str) -> dict[str, Any]:
    """Pages for which a note is not empty, with it."""
    return {name: noted[note] for name, noted in pages.items() if noted.get(note)}


in_each_look = pytest.mark.parametrize("device", LOOKS)


class EveryPage:
    """What holds on every page."""

    first: int

    @in_each_look
    def test_every_page_loads_clean_and_fits(self, pages, device):
        """No error in the console, nothing missing, no sideways scrolling, every image shown."""
        assert len(pages[device]) > 20
        assert having(pages[device], "problems") == {}
        assert having(pages[device], "blank") == {}
        limit = WIDTHS[device]
        assert {name: noted["width"] for name, noted in pages[device].items() if noted["width"] > limit} == {}

    @in_each_look
    def test_the_theme_is_the_one_asked_for(self, pages, device):
        assert {name: n["theme"] for name, n in pages[device].items() if n["theme"] != LOOKS[device]} == {}

    @in_each_look
    def test_no_page_has_a_serious_fault_of_access(self, pages, device):
        """Rules of axe-core, the contrast of WCAG 2 AA among them; which on which pages, `WHOLE` says."""
        assert having(pages[device], "grave") == {}
        judged_there = {name for name, noted in pages[device].items() if "grave" in noted}
        assert judged_there == (WHOLE & set(pages[device]) if device == "phone" else set(pages[device]))

    def test_widgets_are_shown_once(self, pages, files):
        here = {name: files[name] for name in pages["desktop"] if name in files}
        holders = [name for name, file in here.items() if "widget-view+json" in file.read_text(encoding="utf-8")]
        assert holders
        shown = {name: pages["desktop"][name]["widgets"] for name in holders}
        views = {name: pages["desktop"][name]["views"] for name in holders}
        assert {name: len(heights) for name, heights in shown.items()} == views
        assert {name: heights for name, heights in shown.items() if not heights or heights[0] <= 10} == {}

    def test_nothing_is_cut_on_paper(self, pages):
        """Set for print and as wide as A4 between its margins, no table, figure or line of code passes the edge."""
        assert sum("cut" in noted for noted in pages["desktop"].values()) > 20
        assert having(pages["desktop"], "cut") == {}

    def test_figures_stay_readable(self, pages):
        """In dark mode a figure keeps its white card."""
        studies = {name: n for name, n in pages["phone"].items() if name.startswith("studies/") or name == "intro"}
        cards = {name: {(i["background"], i["filter"]) for i in noted["images"]} for name, noted in studies.items()}
        assert any(cards.values())
        assert {name: found for name, found in cards.items() if found - {("rgb(255, 255, 255)", "none")}} == {}

    def test_figures_can_be_read(self, pages):
        """Words are two thirds of the size they were drawn at, or more; a figure that is too wide for that scrolls."""
        framed = [(name, i) for name, noted in pages["phone"].items() for i in noted["images"] if i["framed"]]
        assert len(framed) > 10
        assert [name for name, i in framed if i["visible"] and i["shown"] < min(i["drawn"], 770) * 0.65] == []
        assert [name for name, i in framed if i["visible"] and i["stuck"]] == []


class TestEverySecondPage(EveryPage):
    first = 0


class TestTheOtherPages(EveryPage):
    first = 1


def test_all_pages_are_visited(files):
    classes = {cls.first for cls in EveryPage.__subclasses__()}
    assert classes == {0, 1} and len(files) > 40


def test_faults_of_access_would_be_found(reader, files):
    page = reader().open(files["questions"])
    page.evaluate(
        """() => document.querySelector('article').insertAdjacentHTML('beforeend',
             '<p style="color:#999;background:#fff">pale</p><img src="_static/logo.svg"><select></select>' +
             '<div class="highlight"><b style="color:#999;background:#fff">code</b></div>')"""
    )

    def found(**how: bool) -> list[str]:
        return sorted(line.partition(":")[0] for line in judged(page, **how))

    assert found() == ["color-contrast", "color-contrast", "image-alt", "select-name"]
    assert found(looks=False) == ["image-alt", "select-name"]
    assert found(others=False, code=False) == ["color-contrast"]


@pytest.mark.slow
@pytest.mark.parametrize(("device", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_no_other_page_looks_wrong(device, scheme, reader, files):
    """Rules of the looks on all other pages, each opened in the look."""
    tab, limit = reader(WIDTHS[device], scheme), WIDTHS[device]
    found = {}
    for name in sorted(set(files) - WHOLE):
        page = tab.open(files[name])
        noted = page.evaluate(NOTED)
        wrong = [*judged(page, others=False, code=False), *tab.problems, *["too wide"] * (noted["width"] > limit)]
        found[name] = [*wrong, *["an image is not shown"] * (noted["blank"] > 0)]
    assert len(found) > 40 and {name: wrong for name, wrong in found.items() if wrong} == {}


SPOILED = """() => {
  document.querySelector('article').insertAdjacentHTML('beforeend',
    '<div style="width: 3000px">wide</div><pre style="width: 900px">long</pre><img src="data:image/png;base64,AAAA">' +
    '<div class="jupyter-widgets"></div>');
  const image = document.querySelector('article figure img');
  Object.assign(image.style, { backgroundColor: 'transparent', filter: 'invert(1)', width: '20px' });
  document.documentElement.dataset.theme = 'another';
  console.error('a fault');
  return new Promise(resolve => setTimeout(resolve, 500));
}"""


def test_other_faults_of_a_page_would_be_noted(reader, files):
    """What a visit notes of a page, before and after it is spoiled in each way that is looked for."""
    tab = reader()
    page = tab.open(files["studies/00_bias_sandbox"])
    good = page.evaluate(NOTED)
    assert (good["blank"], len(good["widgets"]), tab.problems) == (0, good["views"], []) and good["width"] <= 1280
    assert cut_on_paper(page) == []
    page.set_viewport_size({"width": WIDTHS["desktop"], "height": 900})
    page.emulate_media(media="screen")
    page.evaluate(SPOILED)
    bad = page.evaluate(NOTED)
    assert (bad["blank"], len(bad["widgets"]), bad["widgets"][-1]) == (1, good["views"] + 1, 0)
    assert bad["width"] > 1280 and bad["theme"] == "another" and "console: a fault" in tab.problems
    image = next(i for i in bad["images"] if i["framed"])
    assert image["background"] != "rgb(255, 255, 255)" and image["filter"] != "none"
    assert image["visible"] and image["shown"] < min(image["drawn"], 770) * 0.65
    assert any(part.startswith("<pre") for part in cut_on_paper(page))
