"""One browser for all tests of this folder: Playwright does not start twice in a process."""

import shutil
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT

SCREENSHOTS = ROOT / "_build" / "screenshots"
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
