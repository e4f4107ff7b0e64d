"""A sweep from its file to its table, and what is left when it is killed again and again.

More than continuous integration does: KILLS=10 RUNS=30 python -m pytest tests/test_sweeps.py
"""

import fcntl
import json
import os
import random
import re
import time

import pandas as pd
import pytest
import yaml

from tests import toy
from tests.conftest import Checkout, changed, descendants, kill, still

KILLS, RUNS = int(os.environ.get("KILLS", "2")), int(os.environ.get("RUNS", "2"))
STUDY, NAME = toy.STUDY, "restarts"
# Two runs at a time on any machine, each long enough to be killed.
SWEEP = f"""title: Does a sweep survive?
study: {STUDY}
profile: tiny
threads: {max(1, os.cpu_count() // 2)}
fixed: {{SECONDS: 2.0}}
grid: {{SEED: {list(range(RUNS))}}}
values: {{area of the shape: area}}
"""
WORDS = ("-m", "helpers.book.workflow", "sweep", NAME)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Checkout:
    """The small project, with a sweep that is described and not begun."""
    project = Checkout(tmp_path_factory.mktemp("sweeps") / "project")
    toy.make(project.folder)
    (project.folder / "notebooks" / "sweeps" / f"{NAME}.yaml").write_text(SWEEP)
    return project


@pytest.fixture(scope="module")
def runs(project):
    """Folder of the runs of the sweep."""
    return project.folder / "runs" / NAME / STUDY


def complete(runs) -> dict[str, int]:
    """Seeds whose results are there, each whole and its own, and when they were written."""
    found = {}
    for file in runs.glob("*/results.json"):
        results = json.loads(file.read_text())
        seed = results["provenance"]["parameters"]["SEED"]
        assert file.parent.name == f"SEED={seed}" and results["values"]["area"]
        assert (file.parent / f"{STUDY}.ipynb").is_file() and (file.parent / "cases.parquet").is_file()
        found[file.parent.name] = file.stat().st_mtime_ns
    return found


def working(project) -> list[str]:
    """Runs that a living process is making: their locks are held."""
    found = []
    for file in (project.folder / "runs" / ".scratch").glob(f".{NAME}-*.lock"):
        with file.open("rb") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found.append(file.name)
    return found


def begin(project, process) -> None:
    """Wait until a run is being made; a busy machine takes long until then."""
    deadline = time.monotonic() + 120
    while not working(project) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)


def test_a_sweep_that_is_killed_again_and_again_loses_nothing(project, runs):
    """Kill -9 at random moments, the whole workflow or its head alone; the same command goes on."""
    rng, refusals = random.Random(0), 0
    for k in range(KILLS):
        process = project.start(*WORDS)
        begin(project, process)
        time.sleep(rng.uniform(0, 3))
        if k % 2 == 0:
            begin(project, process)  # between two runs there is nothing that could live on
        jobs, before = descendants(process.pid), complete(runs)
        process.kill()
        process.wait()
        if k % 2 == 0:  # the head alone: what it started lives on, here held still for the time of the question
            still(jobs)
            if working(project):
                refused, refusals = project.run(*WORDS), refusals + 1
                assert refused.returncode == 2, refused.stdout[-4000:]
                assert "another process is running it" in refused.stdout
        kill(jobs)
        process.communicate()
        time.sleep(1)
        assert not working(project)
        assert before.items() <= complete(runs).items()
    assert refusals
    before = complete(runs)
    done = project.run(*WORDS)
    assert done.returncode == 0, done.stdout[-4000:]
    after = complete(runs)
    assert set(after) == {f"SEED={seed}" for seed in range(RUNS)}
    assert before.items() <= after.items()  # what was complete was not made again
    assert not [p for p in (project.folder / "runs" / ".scratch").glob(f"{NAME}-*") if p.is_dir()]


def test_a_complete_sweep_runs_nothing_and_is_kept(project, runs):
    before = complete(runs)
    again = project.run(*WORDS)
    assert again.returncode == 0 and f"sweep {NAME}: {RUNS} done (of {RUNS})" in again.stdout
    assert complete(runs) == before
    kept = project.run("-m", "helpers.book.workflow", "record-sweep", NAME)
    assert kept.returncode == 0, kept.stdout
    lines = (project.folder / "book" / "recorded" / "sweeps" / NAME / "runs.csv").read_text().splitlines()
    assert lines[0].startswith("instance,SEED,area of the shape,") and len(lines) == RUNS + 1


def test_a_stale_run_is_made_again_and_no_other(project, runs):
    before = complete(runs)
    file = runs / "SEED=1" / "results.json"
    results = json.loads(file.read_text())
    module = min(results["provenance"]["helpers"])
    results["provenance"]["helpers"][module] = "another"
    file.write_text(json.dumps(results))
    told = project.run("-m", "helpers.book.workflow", "status", "tiny").stdout
    assert f"SEED=1: changed since: {module}" in told
    done = project.run(*WORDS)
    assert done.returncode == 0, done.stdout[-4000:]
    after = complete(runs)
    assert {name for name in after if after[name] != before[name]} == {"SEED=1"}


def test_a_run_that_fails_stops_no_other_and_is_told(project, runs):
    def fails(text: str) -> str:
        notebook = json.loads(text)
        last = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"][-1]
        last["source"] = ["assert SEED != 90, 'no run of seed 90'\n", *last["source"]]
        return json.dumps(notebook)

    place = project.folder / "notebooks" / "sweeps" / f"{NAME}.yaml"
    place.write_text(SWEEP.replace(str(list(range(RUNS))), "[90, 91]"))
    with changed(project.folder / "notebooks" / f"{STUDY}.ipynb", fails):
        done = project.run(*WORDS)
        told = project.run("-m", "helpers.book.workflow", "status", "tiny").stdout
    assert done.returncode != 0
    assert (runs / "SEED=91" / "results.json").is_file() and not (runs / "SEED=90").exists()
    assert f"sweep {NAME}: 1 done, 1 failed (of 2)" in told
    assert re.search(r"failed  SEED=90: cell \d+: AssertionError: no run of seed 90", told)


@pytest.mark.slow
def test_a_sweep_of_a_study_of_the_book_becomes_a_table(checkout):
    described = {"title": "Do two runs differ?", "study": "07_your_own_scores", "profile": "tiny"}
    described |= {"grid": {"SEED": [0, 1]}, "values": {"gap by sex": "overall.sex.gap"}}
    (checkout.folder / "notebooks" / "sweeps" / "two.yaml").write_text(yaml.safe_dump(described))
    done = checkout.run("-m", "helpers.book.workflow", "sweep", "two")
    assert done.returncode == 0, done.stdout[-4000:]
    kept = checkout.run("-m", "helpers.book.workflow", "record-sweep", "two")
    assert kept.returncode == 0, kept.stdout
    table = pd.read_csv(checkout.folder / "book" / "recorded" / "sweeps" / "two" / "runs.csv")
    assert table["SEED"].tolist() == [0, 1] and table["gap by sex"].nunique() == 2
