"""What a reader does with the built book in a browser, opened from disk with the network off.

Not part of `make test`: `make test-browser` runs it, and needs Chromium.
"""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

pytest.importorskip("playwright", reason="install the development requirements: pip install -e '.[dev]'")
from tests.browser.conftest import PATIENCE, WIDTHS


def test_mathematics_is_drawn_with_its_own_fonts(reader, files):
    page = reader().open(files["methods/statistics"])
    drawn = page.locator(".math mjx-container").count()
    assert drawn and drawn == page.locator("article .math").count()
    assert page.locator("mjx-merror").count() == 0
    loaded = "() => [...document.fonts].filter(f => f.family.startsWith('MJX') && f.status === 'loaded').length"
    assert page.evaluate(loaded) > 1
    assert page.evaluate("() => [...document.fonts].filter(f => f.status === 'error').length") == 0


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
    page.wait_for_selector("#search-results li a", timeout=PATIENCE)
    assert page.locator("#search-results li").count() >= 2
    page.locator("#search-results li a").first.click()
    page.wait_for_selector("article.bd-article h1", timeout=PATIENCE)
    assert "search.html" not in page.url and "permutation" in page.locator("article").inner_text().lower()
    assert tab.problems == []


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


@pytest.mark.slow
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
