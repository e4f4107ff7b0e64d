"""Run every page of the book once, at its tiny size; the tests take what they need of these runs.

`python -m tests.tiny runs` runs the workflow in a copy of the checkout under `_build/tested`, two pages at a time with
one thread each, and lists what each page costs; `python -m tests.tiny book` builds the book from these runs, which
takes one core for a minute. Where nothing has changed since, they run nothing.
The user's own `runs/` and `book/studies/` are never touched.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "_build" / "tested"
PROJECT = KEPT / "the-biased-ruler"
RUNS, BOOK = "runs", "book"
PROFILE = "tiny"
TEMPLATE = "template"  # not a page of the book; the measure of what a tiny run may cost
MOST = 3  # times the template
ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # as the workflow runs a page; with more, last digits may differ
MADE = [".git", ".venv*", ".snakemake", "__pycache__", "*.egg-info", "runs", "_build", ".*_cache"]


def generated(folder: str, names: list[str]) -> set[str]:
    """Names in a folder of the checkout that are made, not kept in git."""
    inside = Path(folder).relative_to(ROOT).as_posix()
    own = {"data": set(names) - {"README.md"}, "book": {"studies"} & set(names)}
    return shutil.ignore_patterns(*MADE)(folder, names) | own.get(inside, set())


def but_compiled(folder: str, names: list[str]) -> set[str]:
    """As `generated`, without what Python has compiled, which a copy would compile again."""
    return generated(folder, names) - {"__pycache__"}


def sources(project: Path) -> Iterator[Path]:
    """Every file of a checkout or of a copy that is not made, relative to it and in order."""
    for place, folders, files in os.walk(project):
        inside = Path(place).relative_to(project)
        left_out = generated(str(ROOT / inside), folders + files)
        folders[:] = sorted(set(folders) - left_out)
        yield from (inside / file for file in sorted(set(files) - left_out))


def contents(project: Path) -> str:
    """Digest of every file that `sources` lists."""
    digest = hashlib.sha256()
    for file in sources(project):
        data = (project / file).read_bytes()
        digest.update(f"{file}\n{len(data)}\n".encode() + data)
    return digest.hexdigest()


def synchronise() -> None:
    """Give the copy the files of the checkout. A file of the same content keeps its time; what was made stays."""
    wanted = list(sources(ROOT))
    for file in set(sources(PROJECT)) - set(wanted):
        (PROJECT / file).unlink()
    for file in wanted:
        to = PROJECT / file
        if not to.is_file() or to.read_bytes() != (ROOT / file).read_bytes():
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, to)


def forget() -> None:
    """Remove the pages of studies that are no longer in the book, which would be built with a warning."""
    from helpers.report import instances

    for page in (PROJECT / "book" / "studies").glob("*.ipynb"):
        if page.stem not in instances.book():
            page.unlink()


def environment(project: Path) -> dict[str, str]:
    """Environment in which a copy's own package is imported, and one thread computes."""
    return {**os.environ, **ONE_THREAD, "PYTHONPATH": str(project / "src")}


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Wait until no other process makes the copy, and keep others waiting."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def made(what: str = BOOK) -> Path:
    """Folder of the copy with every tiny run and page, and the book built from them unless `RUNS` alone are asked for.

    Raises
    ------
    RuntimeError
        A run or the book fails. The workflow has then printed which.
    """
    now = contents(ROOT)
    if not _is_made(what, now):
        with alone():
            if not _is_made(RUNS, now):
                for kind in (BOOK, RUNS):
                    _stamp(kind).unlink(missing_ok=True)
                synchronise()
                forget()
                _workflow("snakemake", "pages", str(run(TEMPLATE).folder.relative_to(PROJECT) / "results.json"))
                _workflow("check", PROFILE)
                _stamp(RUNS).write_text(now)  # last, so that half a copy is never taken for one
            if what == BOOK and not _is_made(BOOK, now):
                _workflow("snakemake", "book")
                _stamp(BOOK).write_text(now)
    return PROJECT


def _stamp(what: str) -> Path:
    return KEPT / f"{what}-made-from"


def _is_made(what: str, now: str) -> bool:
    return _stamp(what).is_file() and _stamp(what).read_text() == now


def _workflow(task: str, *words: str) -> None:
    options = ["--cores", "2", "--quiet", "host", "rules", "--config", f"profile={PROFILE}"]
    command = [sys.executable, "-m", "helpers.book.workflow", task, *words, *(options if task == "snakemake" else [])]
    if subprocess.run(command, cwd=PROJECT, env=environment(PROJECT)).returncode:
        raise RuntimeError(f"the tiny runs are not whole: {PROJECT}")


class TinyRun(NamedTuple):
    """A run's folder and what it left."""

    study: str
    folder: Path

    @property
    def results(self) -> dict[str, Any]:
        return json.loads((self.folder / "results.json").read_text())

    @property
    def notebook(self) -> dict[str, Any]:
        return json.loads((self.folder / f"{self.study}.ipynb").read_text())

    @property
    def cases(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / "cases.parquet")


def run(page: str) -> TinyRun:
    """The tiny run of a page of the book, or of the template; `made` makes it."""
    from helpers.report import instances

    shown = instances.Page(TEMPLATE) if page == TEMPLATE else instances.book()[page]
    return TinyRun(shown.study, PROJECT / "runs" / PROFILE / shown.study / shown.instance)


def execute(study: str, folder: Path, **parameters: object) -> dict[str, Any]:
    """Run a study at its tiny size with other parameters, by papermill as a reader would; its results."""
    import papermill
    import yaml

    from helpers.book.running import LATE

    profile = yaml.safe_load((ROOT / "notebooks" / "params" / f"{study}.{PROFILE}.yaml").read_text())
    folder.mkdir(parents=True, exist_ok=True)
    asked = {**profile, **parameters, "RUN_DIR": str(folder)}
    notebook = ROOT / "notebooks" / f"{study}.ipynb"
    with mock.patch.dict(os.environ, ONE_THREAD):
        papermill.execute_notebook(notebook, folder / "out.ipynb", asked, progress_bar=False, iopub_timeout=LATE)
    return json.loads((folder / "results.json").read_text())


def costs() -> pd.DataFrame:
    """CPU seconds of each page's tiny run, largest first, and how many times the template's they are."""
    from helpers.report import instances

    names = [TEMPLATE, *instances.book()]
    seconds = pd.Series({name: run(name).results["provenance"]["cpu_seconds"] for name in names})
    table = pd.DataFrame({"cpu_seconds": seconds, "times_template": (seconds / seconds[TEMPLATE]).round(1)})
    return table.sort_values("cpu_seconds", ascending=False)


def told(table: pd.DataFrame) -> str:
    """The table of costs in text, and a line that names the pages above the limit."""
    over = table.index[table["times_template"] > MOST]
    names = f"Over {MOST} times the template: {', '.join(over) or 'none'}."
    return f"{table.to_string()}\n{table['cpu_seconds'].sum():.0f} CPU seconds in all. {names}"


if __name__ == "__main__":
    (asked,) = sys.argv[1:]
    try:
        made(asked)
    except RuntimeError as error:
        sys.exit(str(error))
    if asked == RUNS:
        print(told(costs()))
