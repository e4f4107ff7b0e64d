"""Studies in JupyterLab, driven in a browser as a reader would: open, Run All, choose, slide.

`make test-browser` runs it. The server is the one that `make lab` starts, on a copy of the project at the tiny size.
Screenshots go to `_build/screenshots`.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import yaml

pytest.importorskip("playwright", reason="install the development requirements: pip install -e '.[dev]'")
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from playwright.sync_api import Browser, Page

from tests.browser.conftest import SCREENSHOTS
from tests.tiny import ROOT, generated

FIRST, AUDIT = "00_calibration", "01_label_audit"
MINUTES = 60_000  # in milliseconds, as Playwright counts
# What has run in the open notebook: by its model, since cells out of sight are not in the page.
STATE = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const code = [...panel.content.model.cells].filter(cell => cell.type === 'code' && cell.sharedModel.source.trim());
    return {
        path: panel.context.path,
        kernel: panel.sessionContext.session?.kernel?.status,
        cells: code.length,
        ran: code.filter(cell => cell.executionCount !== null).length,
        errors: code.flatMap(cell => cell.outputs.toJSON()).filter(o => o.output_type === 'error').map(o => o.evalue),
    };
}"""
SCROLL = """id => {
    const content = window.jupyterapp.shell.currentWidget.content;
    content.scrollToItem(content.widgets.findIndex(cell => cell.model.id === id), 'start');
}"""


def tiny(notebook: Path) -> None:
    """Give a notebook the parameters of its tiny profile, and its own seed."""
    profile = yaml.safe_load((notebook.parent / "params" / f"{notebook.stem}.tiny.yaml").read_text())
    nbformat.write(parameterize_notebook(load_notebook_node(str(notebook)), {**profile, "SEED": 0}), notebook)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address that `make lab` opens in a reader's browser."""
    place = tmp_path_factory.mktemp("lab")
    project = place / "project"
    shutil.copytree(ROOT, project, ignore=generated)
    for name in (FIRST, AUDIT):
        tiny(project / "notebooks" / f"{name}.ipynb")
    browser = place / "browser"  # which keeps the page that would be opened
    browser.write_text(
        f'#!/bin/sh\ncp "${{1#file://}}" "{place}/opened.part" && mv "{place}/opened.part" "{place}/opened"\n'
    )
    browser.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = subprocess.run(["make", "-n", "lab"], cwd=project, capture_output=True, text=True, check=True).stdout
    # Under a make of its own, as in `make test-browser`, make tells where it goes around what it would do.
    asked = shlex.split(next(line for line in made.splitlines() if "/jupyter lab " in line))[1:]
    options = [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--allow-root", "--expose-app-in-browser"]
    own = {f"JUPYTER_{kind}_DIR": str(place / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    own |= {"BROWSER": str(browser), "PYTHONPATH": str(project / "src"), "HOME": str(place), "OMP_NUM_THREADS": "1"}
    with (place / "log").open("w") as log:
        command = [sys.executable, "-m", "jupyterlab", *asked[1:], *options]
        server = subprocess.Popen(command, cwd=project, env=os.environ | own, stdout=log, stderr=subprocess.STDOUT)
    try:
        give_up = time.monotonic() + 120
        while not (place / "opened").exists():
            told = (place / "log").read_text()
            assert server.poll() is None and time.monotonic() < give_up, told[-3000:]
            time.sleep(0.2)
        yield re.search(r'href="(http[^"]+)"', (place / "opened").read_text())[1].replace("&amp;", "&")
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def page(lab: str, browser: Browser) -> Iterator[Page]:
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.goto(lab)
    tab.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.content?.model", timeout=2 * MINUTES)
    yield tab
    tab.close()


def run_all(page: Page) -> dict[str, object]:
    """Run every cell from the menu, and wait until all have run."""
    page.wait_for_function(f"() => ({STATE})().kernel === 'idle'", timeout=2 * MINUTES)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    done = f"() => {{ const s = ({STATE})(); return s.errors.length || (s.ran === s.cells && s.kernel === 'idle'); }}"
    page.wait_for_function(done, timeout=8 * MINUTES, polling=500)
    return page.evaluate(STATE)


def show(page: Page, cell: str, text: str):
    """The explorer of a cell, scrolled into sight."""
    box = page.locator(".jp-OutputArea .widget-vbox").filter(has_text=text).last
    for _ in range(20):
        page.evaluate(SCROLL, cell)
        if box.count():
            break
        page.wait_for_timeout(300)
    box.scroll_into_view_if_needed()
    return box


def picture(box) -> str:
    return box.locator("img").get_attribute("src")


def wait_for_another(page: Page, box, before: str) -> str:
    """The picture of an explorer once it is another one."""
    for _ in range(100):
        if (now := picture(box)) != before:
            return now
        page.wait_for_timeout(100)
    raise AssertionError("the picture stays as it was")


def test_lab_opens_on_the_first_study_beside_the_others(page):
    assert page.evaluate(STATE)["path"] == f"{FIRST}.ipynb"
    names = page.locator(".jp-DirListing-itemText")
    names.filter(has_text=f"{AUDIT}.ipynb").wait_for(timeout=MINUTES)


def test_the_first_study_runs_from_a_clean_kernel(page):
    state = run_all(page)
    assert state["errors"] == [] and state["ran"] == state["cells"] > 10


def test_the_audit_runs_from_a_clean_kernel(page):
    page.locator(".jp-DirListing-itemText").filter(has_text=f"{AUDIT}.ipynb").dblclick()
    page.wait_for_function(
        f"() => window.jupyterapp.shell.currentWidget?.context?.path === '{AUDIT}.ipynb'", timeout=MINUTES
    )
    page.wait_for_function("() => window.jupyterapp.shell.currentWidget.content.model?.cells.length > 10")
    state = run_all(page)
    assert state["errors"] == [] and state["ran"] == state["cells"] > 20


def test_another_choice_draws_another_figure(page):
    box = show(page, "explore", "success >")
    first = picture(box)
    selects = box.locator("select")
    selects.nth(0).select_option("dataset")
    second = wait_for_another(page, box, first)
    assert "DUKE" in box.inner_text()
    selects.nth(1).select_option("age_group")
    third = wait_for_another(page, box, second)
    assert "ISPY2 × Young" in box.inner_text()
    selects.nth(2).select_option("ISPY2")
    wait_for_another(page, box, third)
    assert "DUKE ×" not in box.inner_text()
    box.screenshot(path=SCREENSHOTS / "lab-groups.png")


def test_a_group_leads_to_its_worst_cases_and_their_slices(page):
    box = show(page, "explore-cases", "cases of")
    seen = [picture(box)]
    box.locator("select").nth(2).select_option(index=3)
    seen.append(wait_for_another(page, box, seen[-1]))
    assert "Older: " in box.inner_text()
    for name in ("slice", "case"):
        slider = box.locator(".widget-hslider").filter(has_text=re.compile(f"^{name}"))
        slider.locator(".noUi-handle").focus()
        page.keyboard.press("ArrowRight")
        seen.append(wait_for_another(page, box, seen[-1]))
    assert len(set(seen)) == 4
    box.screenshot(path=SCREENSHOTS / "lab-cases.png")
