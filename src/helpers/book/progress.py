"""Time left while the book is made: a line before the first run, and one after each."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median

from helpers import paths
from helpers.book import contents
from helpers.report.instances import Page

UNKNOWN = 1.0  # minutes of a study, if none is measured
PAGES = 1  # minutes in which the pages are made after the last run


def minutes(pages: Iterable[Page]) -> dict[str, float]:
    """Return the minutes that the run of each page usually takes at the quick profile, in the order of the contents.

    A page that is not yet measured gets the median of the others.
    """
    times = {entry.page.name: entry.minutes["quick"] for entry in contents.entries()}
    measured = {name: float(text) for name, text in times.items() if text.replace(".", "", 1).isdigit()}
    usual = median(measured.values()) if measured else UNKNOWN
    asked = {page.name for page in pages}
    return {name: measured.get(name, usual) for name in times if name in asked}


def begin(runs: Mapping[str, float], cores: int, *, measured: bool) -> str:
    """Keep the list of the runs that will be made, and announce them.

    Parameters
    ----------
    runs : mapping
        Minutes of each run, by the path of its results from the project's folder.
    cores : int
        Runs that are made at a time.
    measured : bool
        Whether the minutes are those of these runs. If not, only their proportions are used, after the first run.

    Returns
    -------
    str
        One line; empty for less than two runs.
    """
    if len(runs) < 2:
        _file().unlink(missing_ok=True)
        return ""
    known = {"began": time.time(), "cores": cores, "pace": 60.0 if measured else None, "runs": dict(runs)}
    _file().parent.mkdir(exist_ok=True)
    _file().write_text(json.dumps(known), encoding="utf-8")
    return f"{len(runs)} studies run{_about(sum(runs.values()) * 60 / cores) if measured else ''}"


def after(place: Path) -> str:
    """Return a line on the run in `place`, which has just ended, and on the time left.

    The pace is that of the runs made since the start, once they are a tenth of all; until then it is the usual one.

    Returns
    -------
    str
        One line; empty if the run is not on the list of a workflow.
    """
    from helpers.book import status  # here, since the Snakefile imports this module, and does without tables

    known = json.loads(_file().read_text(encoding="utf-8")) if _file().is_file() else {"runs": {}}
    places = {paths.project() / name: usual for name, usual in known["runs"].items()}
    if not any(file.parent == place for file in places):
        return ""
    done = [file for file in places if file.is_file() and file.stat().st_mtime >= known["began"]]
    running = [file for file in places if file not in done and status.is_running(file.parent)]
    work = sum(places[file] for file in done) + sum(places[file] for file in running) / 2
    left, pace = sum(places.values()) - work, known["pace"]
    if pace is None or work > 0.1 * sum(places.values()):
        pace = (time.time() - known["began"]) * known["cores"] / work
    name = " ".join(part for part in place.parts[-2:] if part != "default")
    return f"{name} done, {len(done)} of {len(places)}{_about(left * pace / known['cores'])}"


def _about(seconds: float) -> str:
    return f"; about {math.ceil(seconds / 60) + PAGES} minutes left"


def _file() -> Path:
    return paths.project() / ".snakemake" / "to-do.json"
