"""What an audit of a table costs against an earlier commit, from the command to the HTML report, as ratios of one run.

The table has 1,506 rows, a score and its successes, two attributes and a source of four sites. The earlier commit is
taken from Git's history into a folder for a while. Each audit is a command with its children; the two commits take
turns, and the median of the ratios of pairs counts, in seconds of the processor. Successes are compared with a later
commit than scores, because their permutations are drawn by another method since. Run with
``python -m pytest -s tests/benchmarks/test_audit_speed.py``.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import ROOT

# For each score: the earlier commit, the module of its command, and the largest ratio.
BEFORE = {
    "dice": ("6b19812", "helpers.workflow", 0.67),  # measured: 0.59, before the statistics were faster
    "correct": ("4caf0c6", "helpers.book.workflow", 0.92),  # measured: 0.76, likewise
}
PAIRS, ROWS = 3, 1506
NUMBERS = {"gap", "expected", "p", "p_holm", "estimate", "low", "high", "n", "n_reference"}


def checked_out(commit: str, place: Path) -> Path:
    """Write the files of a commit into a folder."""
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True)
    if archive.returncode:
        pytest.skip(f"commit {commit} is not in this copy's history; git fetch --unshallow brings it")
    subprocess.run(["tar", "-x", "-C", place], input=archive.stdout, check=True)
    return place


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    rng = np.random.default_rng(2026)
    cases = pd.DataFrame({"sex": rng.choice(["female", "male"], ROWS), "site": rng.choice(list("ABCD"), ROWS)})
    cases["age_group"] = rng.choice(["under 40", "40 to 60", "over 60"], ROWS, p=[0.3, 0.4, 0.3])
    harm = 0.03 * (cases["sex"] == "female") + 0.04 * (cases["site"] == "C") + 0.03 * (cases["age_group"] == "over 60")
    cases["dice"] = np.clip(rng.beta(8, 2, ROWS) - harm, 0, 1).round(4)
    cases["correct"] = (rng.random(ROWS) < cases["dice"]).astype(int)
    place = tmp_path_factory.mktemp("table") / "scores.csv"
    cases.to_csv(place, index=False)
    return place


def audit(project: Path, module: str, words: list[str]) -> tuple[float, dict]:
    """Audit by one commit: seconds of the processor of command and children, and the results."""
    known = os.environ | {"PYTHONPATH": str(project / "src"), "OMP_NUM_THREADS": "1"}
    old = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", module, "audit", *words], cwd=project, env=known, capture_output=True, text=True
    )
    new = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    report = project / done.stdout.split()[-1]
    assert "<figure>" in report.read_text(encoding="utf-8")
    results = json.loads((report.parent / "results.json").read_text(encoding="utf-8"))
    shutil.rmtree(report.parent)  # a working copy keeps no run of a benchmark
    return new.ru_utime + new.ru_stime - old.ru_utime - old.ru_stime, results


def numbers(values: dict) -> dict[str, dict]:
    """Numbers of the result by attribute; the sentences about them were worded anew."""
    found = {"leading": values["leading"], **values["overall"]}
    return {name: {k: v for k, v in of.items() if k in NUMBERS} for name, of in found.items()}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("score", BEFORE)
def test_an_audit_takes_less_of_the_processor(score, table, tmp_path, record_property):
    commit, module, least = BEFORE[score]
    words = [f"SCORES={table}", f"SCORE={score}", "GROUPS=sex,age_group", "SOURCE_COLUMN=site"]
    commits = {"before": (checked_out(commit, tmp_path), module), "now": (ROOT, "helpers.book.workflow")}
    seconds = {"before": [], "now": []}
    for pair in range(PAIRS + 1):
        found = {}
        for name in list(commits)[:: 1 if pair % 2 else -1]:
            took, found[name] = audit(*commits[name], words)
            seconds[name].append(took)
        assert numbers(found["before"]["values"]) == numbers(found["now"]["values"])
    pairs = list(zip(seconds["now"][1:], seconds["before"][1:], strict=True))  # the first writes what Python compiles
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    theirs, ours = (statistics.median(seconds[name][1:]) for name in ("before", "now"))
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("papermill", "ipykernel", "matplotlib"))
    kernel = found["now"]["provenance"]["cpu_seconds"]
    print(f"\naudit of {score}: {commit} {theirs:.1f} s, now {ours:.1f} s of the processor, ratio {ratio:.2f}")
    print(f"of the last audit, {kernel:.1f} s in the notebook; {versions}")
    record_property("ratio", round(ratio, 2))
    assert ratio <= least
