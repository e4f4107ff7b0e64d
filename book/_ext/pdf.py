"""Print the book, built as a single page, to a PDF: `python book/_ext/pdf.py <page> <pdf>`.

Without a page it only says whether it could; `make pdf` asks that before it builds.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from helpers.errors import InputError

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
MARGINS = {"top": "16mm", "bottom": "18mm", "left": "16mm", "right": "16mm"}
FOOT = '<div style="font-size:8px;width:100%;text-align:center"><span class="pageNumber"></span></div>'
MINUTES = 5 * 60_000  # what a slow machine may take


def chromium() -> str:
    """Return where the browser is.

    Raises
    ------
    InputError
        There is none.
    """
    if program := next(filter(None, map(shutil.which, PROGRAMS)), None):
        return program
    raise InputError(
        "PDF", "no Chromium here, which prints it", "Install it (Debian, Ubuntu: apt-get install chromium)"
    )


def print_page(page: Path, place: Path) -> None:
    """Print a page opened from disk, its folds open and its mathematics set, on A4 with an outline."""
    from playwright.sync_api import sync_playwright

    program = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        tab = browser.new_page(color_scheme="light")
        tab.set_default_timeout(MINUTES)
        tab.route("**/*", lambda route: route.continue_() if route.request.url.startswith("file:") else route.abort())
        tab.goto(page.resolve().as_uri(), wait_until="load")
        tab.evaluate("() => document.querySelectorAll('details').forEach(fold => { fold.open = true })")
        tab.evaluate("() => window.MathJax?.startup.promise")
        tab.evaluate("() => Promise.all([...document.images].map(i => { i.loading = 'eager'; return i.decode() }))")
        place.parent.mkdir(parents=True, exist_ok=True)
        foot = {"display_header_footer": True, "header_template": "<span></span>", "footer_template": FOOT}
        tab.pdf(path=place, format="A4", margin=MARGINS, print_background=True, outline=True, tagged=True, **foot)
        browser.close()


if __name__ == "__main__":
    try:
        chromium()
        if sys.argv[1:]:
            print_page(*map(Path, sys.argv[1:3]))
    except InputError as error:
        sys.exit(str(error))
