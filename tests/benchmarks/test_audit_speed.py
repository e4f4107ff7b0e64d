"""What an audit of a table costs against an earlier commit, from the command to the HTML report, as ratios of one run.

The table has 1,506 rows, a score and its successes, two attributes and a source of four sites. The earlier commit is
taken from Git's history into a folder for a while. Each audit is a command with its children, in seconds of the
processor. Successes are compared with a later commit than scores. Run with
``python -m pytest -s tests/benchmarks/test_audit_speed.py``.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.benchmarks import contest
from tests.conftest import ROOT

# For each score: the earlier commit, the module of its command, and the least ratio.
BEFORE = {"dice": ("6b19812", "helpers.workflow", 2.0), "correct": ("4caf0c6", "helpers.book.workflow", 1.5)}
ROWS = 1506
EXACT = ("gap", "estimate", "n", "n_reference")
DRAWN = ("expected", "p", "p_holm", "low", "high")  # from other draws at each commit


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


def audit(project: Path, module: str, words: list[str]) -> dict:
    """Audit by one commit: seconds of the processor of command and children, and the values."""
    done = contest.launch(
        ["-m", module, "audit", *words], cwd=project, PYTHONPATH=str(project / "src"), OMP_NUM_THREADS="1"
    )
    assert done.code == 0, done.stderr
    report = project / done.stdout.split()[-1]
    assert "<figure>" in report.read_text(encoding="utf-8")
    values = json.loads((report.parent / "results.json").read_text(encoding="utf-8"))["values"]
    shutil.rmtree(report.parent)  # a working copy keeps no run of a benchmark
    return {"seconds": done.seconds, "found": {"leading": values["leading"], **values["overall"]}}


def numbers(found: dict, names: tuple[str, ...]) -> dict[tuple[str, str], float]:
    """Numbers of some names by attribute; the sentences about them were worded anew."""
    return {(attribute, name): of[name] for attribute, of in found.items() for name in names if name in of}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("score", BEFORE)
def test_an_audit_takes_less_of_the_processor(score, table, tmp_path):
    commit, module, asked = BEFORE[score]
    words = [f"SCORES={table}", f"SCORE={score}", "GROUPS=sex,age_group", "SOURCE_COLUMN=site"]
    then = contest.commit(commit, tmp_path)
    peer = f"commit {commit}"
    contenders = {"ours": lambda: audit(ROOT, "helpers.book.workflow", words), peer: lambda: audit(then, module, words)}
    turns = contest.take_turns(contenders, rounds=3)
    ours, theirs = (rounds[0]["found"] for rounds in turns.values())
    assert numbers(ours, EXACT) == pytest.approx(numbers(theirs, EXACT), rel=1e-9)
    assert numbers(ours, DRAWN) == pytest.approx(numbers(theirs, DRAWN), rel=0.05, abs=0.005)  # Monte-Carlo errors
    contest.at_least(asked, f"audit of {score}, 1,506 rows, from the command to the report", turns, peer)
