"""What several tests share: the real rows, the tiny runs of every page, and copies of the checkout to run things in."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import tiny
from tests.tiny import ROOT, but_compiled

REAL = ROOT.parent / "shared" / "data" / "mamamia"
REAL_LABELS = ROOT.parent / "shared" / "data" / "fitzpatrick17k"
SLIDES = ROOT.parent / "shared" / "papers" / "001_358cb34210097b6c.txt"


@pytest.fixture(scope="session")
def real_rows() -> Path:
    """Folder of the real spreadsheet and tables, or a visible skip."""
    if not REAL.is_dir():
        pytest.skip("the real MAMA-MIA rows are not beside this checkout (../shared/data/mamamia)")
    return REAL


@pytest.fixture(scope="session")
def real_labels() -> Path:
    """Folder of the real label table of Fitzpatrick17k, or a visible skip."""
    if not REAL_LABELS.is_dir():
        pytest.skip("the real Fitzpatrick17k table is not beside this checkout (../shared/data/fitzpatrick17k)")
    return REAL_LABELS


@pytest.fixture(scope="session")
def real() -> Callable[[str], Path]:
    """A function from the name of a small real data set to its folder, or a visible skip."""

    def folder(name: str) -> Path:
        place = ROOT.parent / "shared" / "data" / name
        if not place.is_dir():
            pytest.skip(f"the real images are not beside this checkout (../shared/data/{name})")
        return place

    return folder


@pytest.fixture(scope="session")
def slides() -> str:
    """Text of the slides on bias in reconstruction, or a visible skip."""
    if not SLIDES.is_file():
        pytest.skip("the text of the slides is not beside this checkout (../shared/papers)")
    return SLIDES.read_text(encoding="utf-8")


class Checkout:
    """A copy of the project, as a fresh clone would be, and commands run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = tiny.environment(folder)

    def start(self, *words: str, **options) -> subprocess.Popen:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(
            [sys.executable, *words], cwd=self.folder, env=self.environment, start_new_session=True, **pipes, **options
        )

    def run(self, *words: str) -> subprocess.CompletedProcess:
        process = self.start(*words)
        output, _ = process.communicate()
        return subprocess.CompletedProcess(words, process.returncode, output)

    def snakemake(self, *words: str) -> subprocess.CompletedProcess:
        return self.run("-m", "helpers.book.workflow", "snakemake", *words)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the checkout without anything generated."""
    folder = tmp_path_factory.mktemp("project") / "the-biased-ruler"
    shutil.copytree(ROOT, folder, ignore=but_compiled)
    return Checkout(folder)


@pytest.fixture(scope="session")
def tiny_run() -> Callable[[str], tiny.TinyRun]:
    """The tiny run of a page, by its name; to read, not to change."""
    tiny.made(tiny.RUNS)
    return tiny.run


@pytest.fixture(scope="session")
def built_book() -> Path:
    """The book of the tiny runs, made with warnings as errors; to read, not to change."""
    return tiny.made() / "_build" / "html"


@pytest.fixture(scope="module")
def built_checkout(built_book: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the checkout with its tiny runs and its book, to change files in."""
    folder = tmp_path_factory.mktemp("built") / "the-biased-ruler"
    shutil.copytree(tiny.PROJECT, folder, ignore=lambda at, names: {"data"} if Path(at) == tiny.PROJECT else set())
    (folder / "data").mkdir()
    shutil.copy2(tiny.PROJECT / "data" / "README.md", folder / "data")
    return Checkout(folder)


@contextlib.contextmanager
def changed(place: Path, change):
    """A file with other content, for a while."""
    before, stat = place.read_bytes(), place.stat()
    place.write_text(change(before.decode()))
    try:
        yield
    finally:
        place.write_bytes(before)
        os.utime(place, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def descendants(pid: int) -> list[int]:
    """Processes that descend from one, the nearest first."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found, todo = [], [pid]
    while todo:
        found += children.get(todo[0], [])
        todo += children.get(todo.pop(0), [])
    return found


def still(pids: list[int]) -> None:
    """Stop each process that is still there, without ending it."""
    _send(pids, signal.SIGSTOP)


def kill(pids: list[int]) -> None:
    """Kill -9 each process that is still there."""
    _send(pids, signal.SIGKILL)


def _send(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
