"""What several tests share: the real rows where they lie, and a copy of the checkout to run things in."""

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "data" / "mamamia"
REAL_LABELS = ROOT.parent / "shared" / "data" / "fitzpatrick17k"
SLIDES = ROOT.parent / "shared" / "papers" / "001_358cb34210097b6c.txt"
# Where the tests keep the copy they built the book in, so that the browser's need not build it again.
KEPT = ROOT / "_build" / "tested"
# Files of tests that take the built book, which is made once in a process.
BOOK = {"tests/test_workflow.py", "tests/book/test_book.py", "tests/browser/test_browser.py"}
MADE = [".git", ".venv*", ".snakemake", "__pycache__", "*.egg-info", "runs", "_build", ".*_cache"]


def generated(folder: str, names: list[str]) -> set[str]:
    """What in a folder of the checkout is made, not kept in git."""
    inside = Path(folder).relative_to(ROOT).as_posix()
    own = {"data": set(names) - {"README.md"}, "book": {"studies"} & set(names)}
    return shutil.ignore_patterns(*MADE)(folder, names) | own.get(inside, set())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Share the tests out between processes by file; all that take the built book go to one of them."""
    from xdist.scheduler import LoadScopeScheduling  # its groups by mark know no test of pytest 9

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "the built book" if file in BOOK else file

    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test that would build the book a second time."""
    for item in items:
        if "built_book" in getattr(item, "fixturenames", ()) and item.path.relative_to(ROOT).as_posix() not in BOOK:
            raise pytest.UsageError(f"{item.path.name} takes the built book: list it in BOOK, tests/conftest.py")


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
def slides() -> str:
    """Text of the slides on bias in reconstruction, or a visible skip."""
    if not SLIDES.is_file():
        pytest.skip("the text of the slides is not beside this checkout (../shared/papers)")
    return SLIDES.read_text(encoding="utf-8")


class Checkout:
    """A copy of the project, as a fresh clone would be, and commands run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "PYTHONPATH": str(folder / "src")}

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
        return self.run("-m", "helpers.workflow", "snakemake", *words)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the checkout without anything generated."""
    folder = tmp_path_factory.mktemp("project") / "the-biased-ruler"
    shutil.copytree(ROOT, folder, ignore=generated)
    return Checkout(folder)


@pytest.fixture(scope="session")
def built_book(checkout: Checkout) -> Path:
    """The book built at the tiny profile, warnings as errors."""
    made_from = contents(checkout.folder)
    # One core: with two threads a run waits for threads that other tests keep from the processor.
    done = checkout.snakemake("book", "--cores", "1", "--config", "profile=tiny")
    assert done.returncode == 0, done.stdout[-6000:]
    shutil.rmtree(KEPT, ignore_errors=True)
    shutil.copytree(checkout.folder, KEPT / checkout.folder.name, symlinks=True)
    (KEPT / "made-from").write_text(made_from)  # last, so that half a copy is never taken for one
    return checkout.folder / "_build" / "html"


def contents(folder: Path) -> str:
    """Digest of every file of a checkout that is not made."""
    digest = hashlib.sha256()
    for place, folders, files in os.walk(folder):
        left_out = generated(str(ROOT / Path(place).relative_to(folder)), folders + files)
        folders[:] = sorted(set(folders) - left_out)
        for file in sorted(set(files) - left_out):
            path = Path(place) / file
            digest.update(f"{path.relative_to(folder)}\n{path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()


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


def kill(pids: list[int]) -> None:
    """Kill -9 each process that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
