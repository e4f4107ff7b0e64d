"""The built book as a reader gets it: every page there, whole, linked, and readable with no network."""

from __future__ import annotations

import pkgutil
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup

import helpers
import helpers.studies
from helpers.report import instances
from helpers.report.values import flatten

PROJECT = Path(__file__).resolve().parents[2]
BOOK = PROJECT / "book"
# The names of patients in the public data; all zeros is the form used in examples.
CASE = re.compile(r"\b(?:DUKE_(?!000\b)\d{3}|ISPY1_(?!0000\b)\d{4}|ISPY2_(?!000000\b)\d{6}|NACT_(?!00\b)\d{2})\b", re.I)
ABSOLUTE = re.compile(r"(?<![\w.~>:/])/(?:home|root|work|tmp|Users|private|mnt|data)/[\w.-]|\b[A-Z]:\\")
LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}


def toc_entries(file: Path) -> list[str]:
    def files(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node[key] for key in ("root", "file") if key in node]
            return own + [name for value in node.values() for name in files(value)]
        return [name for item in node for name in files(item)] if isinstance(node, list) else []

    return files(yaml.safe_load(file.read_text()))


@cache
def soup(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def article(page: Path) -> BeautifulSoup:
    return soup(page).select_one("article.bd-article")


@pytest.fixture(scope="session")
def listed(built_book: Path) -> list[str]:
    """Entries of the table of contents from which the book was built."""
    return toc_entries(built_book.parents[1] / "book" / "studies" / "_toc.yml")


@pytest.fixture(scope="session")
def pages(built_book: Path, listed: list[str]) -> dict[str, Path]:
    """Page of each entry of the table of contents."""
    return {name: built_book / f"{name}.html" for name in listed}


def failing(pages: dict[str, Path], problem) -> dict[str, object]:
    """What is wrong on which page, so that one run names all of them."""
    found = {name: problem(page) for name, page in pages.items()}
    return {name: what for name, what in found.items() if what}


# The sources


def test_contents_list_every_page_of_a_study_and_every_module(listed):
    studies = {f"studies/{name}" for name in [*instances.book(), "claims"]}
    modules = {f"api/{module.name}" for module in pkgutil.iter_modules(helpers.__path__)} - {"api/studies"}
    rooms = {f"studies/api/{module.name}" for module in pkgutil.iter_modules(helpers.studies.__path__)}
    assert {name for name in listed if name.startswith("studies/")} == studies | rooms | {"studies/api/index"}
    assert modules - set(listed) == set()
    assert len(listed) == len(set(listed))


def test_every_prose_page_is_listed():
    prose = {path.relative_to(BOOK).with_suffix("").as_posix() for path in BOOK.rglob("*.md")}
    prose = {name for name in prose if name.split("/")[0] not in {"studies", "recorded", "vendor"}}
    assert prose - set(toc_entries(BOOK / "_toc.yml")) == set()


def test_no_static_folder():
    # Jupyter Book loads every script below a folder of this name on every page, and widgets then render twice.
    assert not (BOOK / "_static").exists()


def test_vendored_code_has_licences():
    folders = [path for path in (BOOK / "vendor").iterdir() if path.is_dir()]
    assert {path.name for path in folders} == {"mathjax", "requirejs", "html-manager"}
    for folder in folders:
        assert len((folder / "LICENSE").read_text()) > 500


def test_citation_file():
    work = yaml.safe_load((PROJECT / "CITATION.cff").read_text())
    assert work["cff-version"] == "1.2.0"
    assert work["version"] == helpers.__version__
    assert work["authors"] == [{"name": "The Biased Ruler contributors"}]
    assert {"message", "title", "license"} <= work.keys()
    assert set(work["license"]) == {"MIT", "CC-BY-4.0"}


def test_one_holder():
    config = yaml.safe_load((PROJECT / "_config.yml").read_text())
    assert config["author"] == "The Biased Ruler contributors"
    for name in ("LICENSE", "LICENSE-prose"):
        assert f"(c) {config['copyright']} {config['author']}" in (PROJECT / name).read_text()


def test_repository_address_stands_in_one_place():
    url = yaml.safe_load((PROJECT / "_config.yml").read_text())["repository"]["url"]
    if not url:
        pytest.skip("no address is set yet: `repository: url` in _config.yml")
    texts = [*BOOK.rglob("*.md"), PROJECT / "README.md", PROJECT / "CITATION.cff", PROJECT / "CONTRIBUTING.md"]
    assert [path.name for path in texts if url in path.read_text()] == []


def test_every_study_page_answers_a_question(pages):
    """The page by question leads to each page of a study, and to the claims; the sidebar shows the same names."""
    links = {a["href"]: a.get_text().strip() for a in article(pages["questions"]).select("table a[href^='studies/']")}
    assert set(links) == {f"studies/{name}.html" for name in [*instances.book(), "claims"]}
    sidebar = {a["href"]: a.get_text().strip() for a in soup(pages["questions"]).select("nav.bd-links a[href]")}
    del links["studies/claims.html"]
    assert {href: sidebar[href] for href in links} == links


def test_run_times_of_every_study_are_listed(pages):
    rows = article(pages["how-to/run"]).select_one("#how-long-each-study-takes table").select("tbody tr")
    linked = {Path(row.a["href"]).stem for row in rows}
    assert {page.study for page in instances.book().values()} <= linked <= set(instances.book())
    assert all(cell.get_text().strip() for row in rows for cell in row.select("td"))


# The pages


def test_every_page_is_there(pages):
    assert {name for name, page in pages.items() if not page.is_file()} == set()


def test_front_page(built_book):
    assert "intro.html" in (built_book / "index.html").read_text()


def test_one_top_heading(pages):
    assert failing(pages, lambda page: len(article(page).select("h1")) != 1) == {}


def test_made_and_cite_on_every_page(pages):
    def missing(page: Path) -> list[str]:
        found = {tag.get_text().strip(" #\n") for tag in article(page).select("h2, h3, .sd-summary-text, summary")}
        return [title for title in ("How these numbers were made", "Cite this") if title not in found]

    assert failing(pages, missing) == {}


def test_citation_names_holder_version_and_page(pages):
    for page in pages.values():
        text = article(page).get_text()
        assert "The Biased Ruler contributors (" in text and f"version {helpers.__version__}" in text, page.name


def whole_book(built_book: Path) -> list[Path]:
    """All pages, those made by Sphinx itself included; below _static lie templates of the theme."""
    return [page for page in built_book.rglob("*.html") if "_static" not in page.parts]


def test_nothing_from_the_network(built_book):
    """No page loads anything over the network, and no style imports anything from there."""
    found = {}
    for page in whole_book(built_book):
        wanted = [str(tag.get(attribute, "")) for kind, attribute in LOADS.items() for tag in soup(page).find_all(kind)]
        found[page.name] = [url for url in wanted if url.startswith(("http:", "https:", "//"))]
    assert {name: urls for name, urls in found.items() if urls} == {}
    remote = re.compile(r"(?:@import\s+|url\(\s*)(?:url\()?['\"]?(?:https?:)?//")
    assert [path.name for path in built_book.rglob("*.css") if remote.search(path.read_text())] == []


def test_everything_a_page_loads_is_there(built_book):
    missing = set()
    for page in whole_book(built_book):
        for kind, attribute in LOADS.items():
            for tag in soup(page).find_all(kind):
                target = urlsplit(str(tag.get(attribute, "")))
                if target.path and not target.scheme and not (page.parent / unquote(target.path)).exists():
                    missing.add((page.name, target.path))
    assert missing == set()


@cache
def anchors(page: Path) -> set[str]:
    """Every place of a page that a link can lead to."""
    return {tag["id"] for tag in soup(page).select("[id]")}


def test_internal_links_resolve(built_book, pages):
    broken = []
    for page in pages.values():
        for link in soup(page).select("main a[href], nav a[href]"):
            target, fragment = urldefrag(link["href"])
            if urlsplit(target).scheme:
                continue
            file = (page.parent / unquote(target)).resolve() if target else page
            if not file.exists() or (fragment and file.suffix == ".html" and unquote(fragment) not in anchors(file)):
                broken.append((page.name, link["href"]))
    assert broken == []


def test_external_links_are_encrypted(pages):
    def plain(page: Path) -> list[str]:
        return [a["href"] for a in article(page).select("a[href]") if a["href"].startswith("http:")]

    assert failing(pages, plain) == {}


def test_images_have_alt_text(pages):
    def silent(page: Path) -> list[str]:
        images = article(page).select("img")
        return [
            img["src"] for img in images if not img.get("alt", "").strip() or img["alt"].startswith(("_images", ".."))
        ]

    assert failing(pages, silent) == {}


def test_every_figure_has_a_number_and_a_caption(pages):
    """An image on a page stands in a figure; a picture in a table or a line of text would have no caption."""

    def bare(page: Path) -> list[str]:
        figures = [image.find_parent("figure") for image in article(page).select("img")]
        numbers = [figure and figure.select_one("figcaption .caption-number") for figure in figures]
        words = [figure and figure.select_one("figcaption .caption-text") for figure in figures]
        parts = zip(article(page).select("img"), numbers, words, strict=True)
        return [image["src"] for image, *captions in parts if not all(c and c.get_text().strip() for c in captions)]

    assert failing(pages, bare) == {}


def test_no_page_is_heavy(pages):
    """A page and its own pictures, at most 3 MB; what all pages share (styles, scripts, fonts) is loaded once."""

    def weight(page: Path) -> float:
        own = {page, *((page.parent / unquote(img["src"])).resolve() for img in article(page).select("img[src]"))}
        return sum(file.stat().st_size for file in own) / 1e6

    assert failing(pages, lambda page: weight(page) > 3 and f"{weight(page):.1f} MB") == {}


def test_tools_of_the_tests_are_not_published(built_book):
    assert [path.name for path in built_book.rglob("*axe*")] == []
    assert len((PROJECT / "tests" / "browser" / "axe-core" / "LICENSE").read_text()) > 500


def test_no_absolute_path(pages, built_book):
    assert failing(pages, lambda page: ABSOLUTE.findall(article(page).get_text())) == {}
    notebooks = {path.name: path for path in (built_book / "_sources").rglob("*.ipynb")}  # what a reader downloads
    assert failing(notebooks, lambda path: ABSOLUTE.findall(path.read_text())) == {}


def test_no_progress_bar_on_a_page(pages):
    """Neither as text nor as a widget: it says how long a machine took, once."""
    bar = re.compile(r"\d+/\d+(?:\s|\\u[0-9a-f]{4}|&nbsp;)*\[\d\d:\d\d")
    assert failing(pages, lambda page: bar.findall(page.read_text())) == {}


def test_no_case_identifier(built_book):
    """Neither on a page nor in the sources that the book ships with it."""
    files = [*built_book.rglob("*.html"), *(built_book / "_sources").rglob("*"), built_book / "searchindex.js"]
    assert {path.name for path in files if path.is_file() and CASE.search(path.read_text())} == set()


def test_nothing_unrendered(pages):
    raw = re.compile(r"\{(?:glue|cite|term|doc|ref|numref|eval|math)(?::[a-z]+)?\}|&lt;/?(?:div|span|img|br)|```|:::")
    problem = {}
    for name, page in pages.items():
        prose = [text for text in article(page).strings if not text.find_parent(["pre", "code"])]
        problem[name] = raw.findall("".join(prose))
    assert {name: what for name, what in problem.items() if what} == {}


def test_no_error_output_on_a_page(pages):
    assert failing(pages, lambda page: article(page).select(".traceback, .output.stderr, .output.error")) == {}


def test_mathematics_and_widgets_come_from_disk(pages, built_book):
    scripts = {
        tag.get("src", "").split("?")[0].split("_static/")[-1] for p in pages.values() for tag in soup(p)("script")
    }
    assert "mathjax/tex-chtml.js" in scripts
    with_widgets = [
        p for p in pages.values() if soup(p).find("script", type="application/vnd.jupyter.widget-view+json")
    ]
    for page in with_widgets:
        own = [tag.get("src", "") for tag in soup(page)("script")]
        assert sum("html-manager/embed-amd.js" in src for src in own) == 1, page.name
        assert sum("requirejs/require.js" in src for src in own) == 1, page.name


def test_no_link_to_an_address_that_is_not_set(pages):
    url = yaml.safe_load((PROJECT / "_config.yml").read_text())["repository"]["url"]
    buttons = [soup(page).select(".btn-source-repository-button, .btn-source-issues-button") for page in pages.values()]
    assert any(buttons) == bool(url)
    assert not any("github.com/executablebooks" in page.read_text(encoding="utf-8") for page in pages.values())


def test_glossary_terms_have_definitions(pages):
    terms = article(pages["glossary"]).select("dl.glossary > dt")
    assert len(terms) > 40
    assert all(term.find_next_sibling("dd").get_text().strip() for term in terms)


def test_every_reference_is_listed(pages):
    keys = re.findall(r"^@\w+\{([^,]+),", (BOOK / "references.bib").read_text(), re.MULTILINE)
    assert len(keys) == len(set(keys))
    assert len(article(pages["references"]).select("div.citation, dd p, li p")) >= len(keys)


NULL = ("none", "not_worse")  # kinds of claims of no effect
LISTS = {"api/index", "api/renamed", "studies/api/index"}  # pages of the reference that list others


def test_api_pages_show_functions(pages):
    def empty(page: Path) -> bool:
        return not article(page).select("dl.py > dt")

    assert failing({n: p for n, p in pages.items() if "api/" in n and n not in LISTS}, empty) == {}


def test_a_claim_about_mitigation_names_a_value_that_its_run_has(tiny_run):
    """A claim whose value has another name would never be judged."""
    for page in instances.pages("05_mitigation"):
        values = tiny_run(page.name).results["values"]
        published = yaml.safe_load(
            (PROJECT / "notebooks" / "claims" / f"05_mitigation.{values['task']}.yaml").read_text()
        )
        flat = flatten(values)
        places = [f"{c['estimate']}.{part}" for c in published if "estimate" in c for part in ("estimate", "low", "n")]
        null = [f"{c['estimate']}.{end}" for c in published if c.get("kind") in NULL for end in ("low90", "high90")]
        assert len(places) >= 8 and null and not [place for place in places + null if place not in flat]


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("03_skin_tone_vae", "03_skin_tone_vae"),
        ("04_reconstruction_bias", "04_reconstruction_bias.ucsf-pdgm"),
        ("05_six_worlds", "05_six_worlds"),
        ("06_vae_uncertainty", "06_vae_uncertainty"),
    ],
)
def test_a_claim_of_no_effect_names_an_estimate_with_a_90_percent_interval(page, name, tiny_run):
    """Else it could not be judged by the interval that decides it."""
    flat = flatten(tiny_run(page).results["values"])
    published = yaml.safe_load((PROJECT / "notebooks" / "claims" / f"{name}.yaml").read_text())
    null = [claim["estimate"] for claim in published if claim.get("kind") in NULL]
    assert null and all(flat[f"{place}.low"] <= flat[f"{place}.low90"] for place in null)
    assert all(flat[f"{place}.high90"] <= flat[f"{place}.high"] for place in null)
