"""Plant one fault after another in a copy of the project, and see whether the tests that should catch it do.

A fault is a patch `tests/faults/<room>-<what>.patch`. Two lines before its diff say what is wrong, and which test files
must fail: `# Fault: ...` and `# Caught by: tests/helpers/test_a.py tests/helpers/test_b.py`.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from tests.tiny import ROOT, generated

FOLDER = Path(__file__).parent
AT_ONCE = 2  # copies of the project, and faults that are tried at the same time
SECONDS = 600  # a test may take; a fault that makes it hang is caught then
HEADER = re.compile(r"# Fault: (?P<sentence>\S.*\.)\n# Caught by: (?P<tests>\S.*)\n")
TARGET = re.compile(r"^\+\+\+ b/(\S+)", re.MULTILINE)
FAILED = re.compile(r"^FAILED (.+?)(?: - (.*))?$", re.MULTILINE)
BROKEN = ("ImportError", "ModuleNotFoundError", "NameError", "SyntaxError", "IndentationError")


class Fault(NamedTuple):
    """A patch and its header.

    Attributes
    ----------
    name, sentence : str
        Name of the patch's file without its ending, and what is wrong.
    tests : tuple of str
        Test files that must catch it, from the project's root.
    changed : tuple of str
        Files that it changes, from the project's root.
    patch : Path
    """

    name: str
    sentence: str
    tests: tuple[str, ...]
    changed: tuple[str, ...]
    patch: Path


class Outcome(NamedTuple):
    """Whether all is well with a fault or a test file, and a line about it."""

    good: bool
    line: str


def read(patch: Path) -> Fault:
    """Read a patch's header; ValueError where a line of it is missing."""
    text = patch.read_text(encoding="utf-8")
    header = HEADER.match(text)
    if header is None:
        raise ValueError(f"{patch.name} does not begin with '# Fault: a sentence.' and '# Caught by: test files'")
    return Fault(patch.stem, header["sentence"], tuple(header["tests"].split()), tuple(TARGET.findall(text)), patch)


def faults() -> dict[str, Fault]:
    """Every fault, by name."""
    return {patch.stem: read(patch) for patch in sorted(FOLDER.glob("*.patch"))}


def apply(fault: Fault, folder: Path, *options: str) -> str:
    """Apply a fault to a checkout by `git apply` with options, and return what git says against it."""
    alone = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}  # else a repository around it is taken
    words = ["git", "apply", *options, str(fault.patch)]
    done = subprocess.run(words, cwd=folder, env=alone, capture_output=True, text=True)
    return done.stderr.strip() or f"git apply ended with {done.returncode}" if done.returncode else ""


def tested(folder: Path, files: Sequence[str]) -> tuple[int, str]:
    """Run test files in a checkout up to the first failure: pytest's exit status and what it printed."""
    # Bytecode goes by a file's size and second, which can be those from before a patch.
    own = {"PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "400"}
    words = [
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:nbval",
        "-o",
        "addopts=",
        "-rfE",
        "--tb=no",
    ]
    words += ["--no-header", f"--timeout={SECONDS}", f"--basetemp={folder.parent / 'tmp'}", *files]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=os.environ | own,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def passes(file: str, folder: Path) -> Outcome:
    """Whether a test file passes without any fault."""
    status, printed = tested(folder, [file])
    return Outcome(status == 0, f"{file}: {'passes' if status == 0 else f'FAILS WITHOUT A FAULT{_last(printed)}'}")


def caught(fault: Fault, folder: Path) -> Outcome:
    """Whether the tests catch a fault; the checkout is afterwards as before."""
    if problem := apply(fault, folder):
        return Outcome(False, f"{fault.name}: DOES NOT APPLY: {problem.splitlines()[0]}")
    try:
        status, printed = tested(folder, fault.tests)
    finally:
        apply(fault, folder, "-R")
    failed = FAILED.search(printed)
    if status == 0:
        return Outcome(False, f"{fault.name}: NOT CAUGHT. {fault.sentence}")
    if failed is None or (failed[2] or "").startswith(BROKEN):
        return Outcome(False, f"{fault.name}: THE TESTS CANNOT RUN{_last(printed)}")
    return Outcome(True, f"{fault.name}: caught by {failed[1]}")


def _last(printed: str) -> str:
    lines = [line for line in printed.splitlines() if line.strip("! ")]
    return ": " + " | ".join(lines[-3:])


def every(jobs: Sequence[Callable[[Path], Outcome]], copies: Sequence[Path]) -> bool:
    """Do jobs, each in a copy that no other uses meanwhile; print a line as each ends. Whether all are good."""
    free: SimpleQueue[Path] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def one(job: Callable[[Path], Outcome]) -> bool:
        copy, began = free.get(), time.monotonic()
        try:
            outcome = job(copy)
        finally:
            free.put(copy)
        print(f"{time.monotonic() - began:5.0f} s  {outcome.line}", flush=True)
        return outcome.good

    with ThreadPoolExecutor(len(copies)) as pool:
        return all(list(pool.map(one, jobs)))


def main(names: Sequence[str] | None = None) -> int:
    """Try the faults named, or all: 0 if each is caught, 1 if one is not, 2 for a name that is not known."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.run", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="a fault, such as datasets-split-by-image; all if none"
    )
    asked, known = parser.parse_args(names).names, faults()
    if unknown := [name for name in asked if name not in known]:
        print(f"{unknown[0]}: there is no such fault. Known: {', '.join(known)}", file=sys.stderr)
        return 2
    chosen = [known[name] for name in asked or known]
    files = dict.fromkeys(file for fault in chosen for file in fault.tests)
    with tempfile.TemporaryDirectory(prefix="faults-") as place:
        copies = [Path(place) / str(k) / ROOT.name for k in range(min(AT_ONCE, len(chosen)))]
        for copy in copies:
            shutil.copytree(ROOT, copy, ignore=generated)
        print(f"{len(files)} test files without a fault", flush=True)
        if not every([partial(passes, file) for file in files], copies):
            print("A fault could seem to be caught by a test file that fails without it.", file=sys.stderr)
            return 1
        print(f"{len(chosen)} faults", flush=True)
        return 0 if every([partial(caught, fault) for fault in chosen], copies) else 1


if __name__ == "__main__":
    sys.exit(main())
