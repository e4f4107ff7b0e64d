"""Contests of speed and memory: contenders take turns, the median of pairs counts, and each result is kept as a row.

A contender is a function of this process or, where memory or a start counts, a process that `process` launches. Other
work on the machine falls on both sides of a pair, and who begins changes from round to round. What is compared is a
ratio, the peer's cost divided by ours: 2 means that ours takes half.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import math
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = ROOT / "_build" / "bench"
UNITS = {"seconds": "s", "peak_mb": "MB"}
# Since ru_maxrss survives fork and exec, a child of a large process has that process's peak. This launcher is small.
LAUNCH = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
peak = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
print(json.dumps([done.returncode, done.stdout, done.stderr, used.ru_utime + used.ru_stime, peak]))
"""

Turns = dict[str, list[dict[str, Any]]]  # of each contender: a dictionary a round


class Launched(NamedTuple):
    """How a process ended, what it printed, the processor's seconds of it and its children, and its peak memory."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    peak_mb: float


def processor() -> float:
    """Return the seconds of the processor that this process and its ended children have taken."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def launch(words: Iterable[str], *, cwd: Path = ROOT, **variables: str) -> Launched:
    """Run Python with some words, and measure the process."""
    known = os.environ | variables
    command = [sys.executable, "-I", "-S", "-c", LAUNCH, sys.executable, *words]
    done = subprocess.run(command, cwd=cwd, env=known, capture_output=True, text=True, check=True)
    return Launched(*json.loads(done.stdout))


def process(module: str, *words: str) -> Callable[[], dict[str, Any]]:
    """Return a contender: a module that is run as a script, and prints what it found as JSON.

    Its turn has ``seconds``, of the processor from start to end, and ``peak_mb``; what it prints comes first.
    """

    def contender() -> dict[str, Any]:
        done = launch(["-W", "ignore", "-m", module, *words])
        assert done.code == 0, done.stderr
        return {"seconds": done.seconds, "peak_mb": done.peak_mb} | json.loads(done.stdout)

    return contender


def take_turns(
    contenders: Mapping[str, Callable[[], Any]],
    *,
    rounds: int = 5,
    clock: Callable[[], float] = processor,
    warm: bool = True,
) -> Turns:
    """Time each contender once a round.

    A turn has ``seconds`` by the clock, and what the contender returns: as ``found``, or as its keys if it is a
    dictionary, which may have other ``seconds``. With `warm` each runs once before.
    """
    turns: Turns = {name: [] for name in contenders}
    for number in range(-warm, rounds):
        for name in list(contenders)[:: -1 if number % 2 else 1]:
            began = clock()
            found = contenders[name]()
            turn = {"seconds": clock() - began} | (found if isinstance(found, dict) else {"found": found})
            if number >= 0:
                turns[name].append(turn)
    return turns


def wall() -> float:
    """Return the clock of the wall, for contenders that share their work out over threads or processes."""
    return time.perf_counter()


def commit(name: str, folder: Path) -> Path:
    """Write the files of an earlier commit into a folder, or skip the benchmark where git does not know it."""
    archive = subprocess.run(["git", "archive", name], cwd=ROOT, capture_output=True)
    if archive.returncode:
        pytest.skip(f"commit {name} is not in this copy's history; git fetch --unshallow brings it")
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    return folder


def medians(turns: Turns, what: str = "seconds") -> dict[str, float]:
    """Return the median of a measure over the rounds, for each contender."""
    return {name: statistics.median(turn[what] for turn in rounds) for name, rounds in turns.items()}


def ratios(turns: Turns, peer: str, *, ours: str = "ours", what: str = "seconds") -> list[float]:
    """Return the peer's cost divided by ours, of each round."""
    return [theirs[what] / mine[what] for mine, theirs in zip(turns[ours], turns[peer], strict=True)]


def table(turns: Turns, peer: str, **shown: str) -> str:
    """Return a line a contender: its speed against the peer, and medians; `shown` has a format for each."""
    lines = [f"{'contender':32} speed  " + "  ".join(f"{name:>10}" for name in shown)]
    for name in turns:
        speed = statistics.median(ratios(turns, peer, ours=name))
        columns = "  ".join(f"{medians(turns, what)[name]:10{how}}" for what, how in shown.items())
        lines.append(f"{name:32} {speed:5.2f}  {columns}")
    return "\n".join(lines)


def exponent(sizes: Iterable[float], costs: Iterable[float]) -> float:
    """Return the slope of the logarithm of a cost on that of a size: 1 where the cost grows in proportion."""
    pairs = [(math.log(size), math.log(cost)) for size, cost in zip(sizes, costs, strict=True)]
    return statistics.linear_regression(*zip(*pairs, strict=True)).slope


def at_least(
    asked: float, work: str, turns: Turns, peer: str, *, package: str = "", ours: str = "ours", what: str = "seconds"
) -> None:
    """Keep and print a row, and fail if the median ratio of a round is below what is asked.

    Parameters
    ----------
    asked : float
        A ratio, with the margin for noise taken off: see the README.
    work : str
        Work that both did, in the words of the book's table.
    turns : dict
        As from `take_turns`.
    peer : str
        Name of the other contender.
    package : str
        Installed package of the peer, whose version is kept; none for a peer that is written out in the benchmark.
    """
    every = ratios(turns, peer, ours=ours, what=what)
    cost = medians(turns, what)
    row = {
        "work": work,
        "peer": peer,
        "version": version(package) if package else "",
        "ratio": statistics.median(every),
        "lowest": min(every),
        "highest": max(every),
        "asked": asked,
        "ours": cost[ours],
        "theirs": cost[peer],
        "unit": UNITS[what],
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": machine(),
    }
    ROWS.mkdir(parents=True, exist_ok=True)
    file = re.search(r"(\w+)\.py", os.environ["PYTEST_CURRENT_TEST"])[1]
    with (ROWS / f"{file}.jsonl").open("a", encoding="utf-8") as rows:
        rows.write(json.dumps(row) + "\n")
    told = f"{work}: {row['ratio']:.3g} times ({row['lowest']:.3g} to {row['highest']:.3g}), asked {asked:g}"
    print(f"\n{told}; ours {cost[ours]:.3g} {UNITS[what]}, {peer} {row['version']} {cost[peer]:.3g} {UNITS[what]}")
    assert row["ratio"] >= asked, told


def version(package: str) -> str:
    """Return the installed version of a peer's package, or skip the benchmark and name the version to install."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"the peer is not installed: pip install --no-deps {pinned(package)}", allow_module_level=True)


def pinned(package: str) -> str:
    """Return the requirement of a peer's package: its line in requirements.lock, or in the extra ``bench``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    lines += project["optional-dependencies"].get("bench", [])
    return next((line for line in lines if re.split(r"[=<>~! ]", line.lower())[0] == package.lower()), package)


def machine() -> str:
    """Return the processor's name, its cores, and the version of Python."""
    info = Path("/proc/cpuinfo")
    known = re.search(r"model name\s*:\s*(.+)", info.read_text(encoding="utf-8")) if info.is_file() else None
    name = known[1] if known else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}"
