"""Slow tests: run them all, or those that a change concerns and the time left allows.

`python -m tests.slow all` runs every test marked `slow`, and keeps in `tests/slow.json` the commit at which all passed
and the seconds that each took. `python -m tests.slow changed --seconds 300` runs those of what has changed since.

A slow test concerns the rooms of `helpers` that its file imports by itself or through a module of tests, these files,
and `FOR_ALL`. It does not concern the rooms that those import: their own tests do. A file that names a study concerns
its notebook, and the rooms that the notebook imports; other files that it names, it concerns too.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RECORD = "tests/slow.json"
# What no slow test runs without.
FOR_ALL = {"tests/conftest.py", "tests/helpers/conftest.py", "tests/__init__.py", "requirements.lock"}
MOST = 300  # seconds
START = 20  # seconds until two processes have imported what they test
UNKNOWN = 60  # seconds for a test that has not been timed


def marked(source: str) -> list[str]:
    """Name the test functions of a file that are marked slow, as a whole or for some of their parameters."""
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return [f.name for f in functions if any("mark.slow" in ast.unparse(d) for d in f.decorator_list)]


def imported(source: str) -> set[str]:
    """Name what of `helpers` and `tests` a file imports, as dotted names."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith(("helpers.", "tests."))}


def named(source: str, root: Path = ROOT) -> tuple[list[str], list[str]]:
    """What a file names in its texts, as paths from the root.

    Returns
    -------
    notebooks, files : list of str
        Of studies, by a study's name alone or within a path; and files that are there.
    """
    constants = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    texts = [value for value in constants if isinstance(value, str)]
    found = sorted((root / "notebooks").glob("*.ipynb"))
    notebooks = [path for path in found if re.search(rf"\b{path.stem}\b", " ".join(texts))]
    files = [text for text in texts if re.fullmatch(r"\w[\w.-]*(/[\w.-]+)+", text) and (root / text).is_file()]
    return [path.relative_to(root).as_posix() for path in notebooks], files


def code(notebook: str) -> str:
    """Code of a notebook, as one source."""
    cells = json.loads(notebook)["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def concerns(file: str, root: Path = ROOT) -> set[str]:
    """Files and rooms that the tests of a file concern, as paths from the root; a room without its suffix."""
    found, todo = set(FOR_ALL), [file]
    while todo:
        found.add(file := todo.pop())
        text = (root / file).read_text(encoding="utf-8")
        if file.endswith(".ipynb"):
            text = code(text)
        else:
            notebooks, files = named(text, root)
            todo += [notebook for notebook in notebooks if notebook not in found]
            found.update(files)
        for name in imported(text):
            if name.startswith("helpers."):
                parts = name.split(".")
                found.add("/".join(["src", *parts[: 3 if parts[1] == "studies" else 2]]))
                continue
            # The name after `import` is a module, or something within one.
            for module in (name, name.rpartition(".")[0]):
                path = module.replace(".", "/") + ".py"
                if (root / path).is_file() and path not in found:
                    todo.append(path)
    return found


def touched(concerned: Iterable[str], changed: Iterable[str]) -> bool:
    """Say whether a changed file is among files and rooms, or lies in one of the rooms."""
    return any(
        file in (place, f"{place}.py") or file.startswith(f"{place}/") for place in concerned for file in changed
    )


def fitting(names: Iterable[str], seconds: Mapping[str, float], *, left: float, draw: object) -> list[str]:
    """Choose tests that two processes end in the seconds that are left, in an order that `draw` decides.

    Tests of one file run in one process. Two processes that each take the next file when they are free need at most
    half of all seconds and half of those of the longest file.
    """
    order = sorted(names)
    random.Random(str(draw)).shuffle(order)
    taken, of_files = [], Counter()
    for name in order:
        more = of_files + Counter({name.partition("::")[0]: seconds.get(name, UNKNOWN)})
        if START + (more.total() + max(more.values())) / 2 <= left:
            taken.append(name)
            of_files = more
    return taken


def tests(root: Path = ROOT) -> dict[str, set[str]]:
    """All slow tests, as `path::function`, each with what it concerns."""
    found = {}
    for path in sorted((root / "tests").rglob("test_*.py")):
        file = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        if "mark.slow" in text and (names := marked(text)):  # to parse every file takes seconds
            found |= dict.fromkeys([f"{file}::{name}" for name in names], concerns(file, root))
    return found


def git(*words: str) -> str | None:
    """What git prints, or None where it fails."""
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


class Seconds:
    """Plugin of pytest: adds up the seconds that each test took, its parameters and fixtures together."""

    def __init__(self) -> None:
        self.of: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.of[report.nodeid.partition("[")[0]] += report.duration


def run(names: Iterable[str]) -> tuple[int, dict[str, int]]:
    """Run slow tests in two processes; exit status of pytest, and whole seconds of each."""
    times = Seconds()
    status = pytest.main(["-n", "2", "--no-loadscope-reorder", "-m", "slow", *names], plugins=[times])
    return int(status), {name: max(round(took), 1) for name, took in sorted(times.of.items())}


def run_all() -> int:
    """Run all slow tests, and keep the commit where they passed on a checkout without changes."""
    status, seconds = run(tests())
    if status:
        return status
    commit, changes = git("rev-parse", "HEAD"), git("status", "--porcelain", "--", ".", f":!{RECORD}")
    if commit is None or changes:
        print(f"All slow tests passed. {RECORD} stays as it was: there are changes that no commit holds.")
        return 0
    record = {"passed": commit, "seconds": seconds}
    (ROOT / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"All slow tests passed. {RECORD} names the commit, {commit}: commit that file alone.")
    return 0


def run_changed(left: float) -> int:
    """Run slow tests of what has changed since all passed, as many as fit, and name those left out."""
    record = json.loads((ROOT / RECORD).read_text(encoding="utf-8"))
    changed, found = git("diff", "--name-only", "--no-renames", record["passed"], "--"), tests()
    if changed is None:
        print(f"Git does not know {record['passed'] or 'a commit'} at which all slow tests passed: all rooms count.")
        names = list(found)
    else:
        names = [name for name, concerned in found.items() if touched(concerned, changed.splitlines())]
    taken = fitting(names, record["seconds"], left=min(left, MOST), draw=git("rev-parse", "HEAD"))
    print(f"Slow tests: {len(found)}, of rooms that changed {len(names)}, run now {len(taken)}.")
    status = run(taken)[0] if taken else 0
    for name in sorted(set(names) - set(taken)):
        print(f"Left out for want of time: {name}")
    return status


def main(words: list[str] | None = None) -> int:
    """Command line; exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.slow", description=__doc__.partition("\n")[0])
    parser.add_argument("which", choices=["all", "changed"])
    parser.add_argument("--seconds", type=float, default=MOST, help=f"time left, at most {MOST} are taken")
    given = parser.parse_args(words)
    return run_all() if given.which == "all" else run_changed(given.seconds)


if __name__ == "__main__":
    sys.exit(main())
