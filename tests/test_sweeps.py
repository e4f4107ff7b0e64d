"""A sweep from its file to its table, and what is left when it is killed again and again.

More than continuous integration does: KILLS=10 RUNS=30 python -m pytest tests/test_sweeps.py
"""

import contextlib
import fcntl
import json
import os
import random
import re
import shutil
import signal
import time

import pytest

from tests.conftest import changed, descendants, kill

KILLS, RUNS = int(os.environ.get("KILLS", "3")), int(os.environ.get("RUNS", "8"))
STUDY, NAME = "00_calibration", "restarts"
SWEEP = f"""title: Does a sweep survive?
study: {STUDY}
profile: tiny
fixed: {{WORKERS: 1}}
grid: {{SEED: {list(range(RUNS))}}}
values: {{size of the test: null.size_welch}}
"""
WORDS = ("-m", "helpers.workflow", "sweep", NAME)


@pytest.fixture(scope="module")
def runs(checkout):
    """Folder of the runs of a sweep that is described and not begun."""
    place = checkout.folder / "notebooks" / "sweeps" / f"{NAME}.yaml"
    place.write_text(SWEEP)
    yield checkout.folder / "runs" / NAME / STUDY
    place.unlink()
    shutil.rmtree(checkout.folder / "runs" / NAME)
    shutil.rmtree(checkout.folder / "book" / "recorded" / "sweeps" / NAME, ignore_errors=True)


def complete(runs) -> dict[str, int]:
    """Seeds whose results are there, each whole and its own, and when they were written."""
    found = {}
    for file in runs.glob("*/results.json"):
        results = json.loads(file.read_text())
        seed = results["provenance"]["parameters"]["SEED"]
        assert file.parent.name == f"SEED={seed}" and results["values"]["null"]
        assert (file.parent / f"{STUDY}.ipynb").is_file() and (file.parent / "cases.parquet").is_file()
        found[file.parent.name] = file.stat().st_mtime_ns
    return found


def working(checkout) -> list[str]:
    """Runs that a living process is making: their locks are held."""
    found = []
    for file in (checkout.folder / "runs" / ".scratch").glob(f".{NAME}-*.lock"):
        with file.open("rb") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found.append(file.name)
    return found


def begin(checkout, process) -> None:
    """Wait until a run is being made; a busy machine takes long until then."""
    deadline = time.monotonic() + 120
    while not working(checkout) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)


def test_a_sweep_that_is_killed_again_and_again_loses_nothing(checkout, runs):
    """Kill -9 at random moments, the whole workflow or its head alone; the same command goes on."""
    rng, refusals = random.Random(0), 0
    for k in range(KILLS):
        process = checkout.start(*WORDS)
        begin(checkout, process)
        time.sleep(rng.uniform(0, 12))
        if k % 2:
            begin(checkout, process)  # between two runs there is nothing that could live on
        jobs, before = descendants(process.pid), complete(runs)
        process.kill()
        process.wait()
        if k % 2:  # the head alone: what it started lives on, here held still for the time of the question
            for pid in jobs:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            if working(checkout):
                refused, refusals = checkout.run(*WORDS), refusals + 1
                assert refused.returncode == 2, refused.stdout[-4000:]
                assert "another process is at work on it" in refused.stdout
        kill(jobs)
        process.communicate()
        time.sleep(1)
        assert not working(checkout)
        assert before.items() <= complete(runs).items()
    assert refusals
    before = complete(runs)
    done = checkout.run(*WORDS)
    assert done.returncode == 0, done.stdout[-4000:]
    after = complete(runs)
    assert set(after) == {f"SEED={seed}" for seed in range(RUNS)}
    assert before.items() <= after.items()  # what was complete was not made again
    assert not [p for p in (checkout.folder / "runs" / ".scratch").glob(f"{NAME}-*") if p.is_dir()]


def test_a_complete_sweep_runs_nothing_and_is_kept(checkout, runs):
    before = complete(runs)
    again = checkout.run(*WORDS)
    assert again.returncode == 0 and f"sweep {NAME}: {RUNS} done (of {RUNS})" in again.stdout
    assert complete(runs) == before
    kept = checkout.run("-m", "helpers.workflow", "record-sweep", NAME)
    assert kept.returncode == 0, kept.stdout
    lines = (checkout.folder / "book" / "recorded" / "sweeps" / NAME / "runs.csv").read_text().splitlines()
    assert lines[0].startswith("instance,SEED,size of the test,") and len(lines) == RUNS + 1


def test_a_stale_run_is_made_again_and_no_other(checkout, runs):
    before = complete(runs)
    file = runs / "SEED=1" / "results.json"
    results = json.loads(file.read_text())
    results["provenance"]["helpers"]["helpers.metrics.rates"] = "another"
    file.write_text(json.dumps(results))
    told = checkout.run("-m", "helpers.workflow", "status", "tiny").stdout
    assert "SEED=1: changed since: helpers.metrics.rates" in told
    done = checkout.run(*WORDS)
    assert done.returncode == 0, done.stdout[-4000:]
    after = complete(runs)
    assert {name for name in after if after[name] != before[name]} == {"SEED=1"}


def test_a_run_that_fails_stops_no_other_and_is_told(checkout, runs):
    def fails(text: str) -> str:
        notebook = json.loads(text)
        last = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"][-1]
        last["source"] = ["assert SEED != 90, 'no run of seed 90'\n", *last["source"]]
        return json.dumps(notebook)

    place = checkout.folder / "notebooks" / "sweeps" / f"{NAME}.yaml"
    place.write_text(SWEEP.replace(str(list(range(RUNS))), "[90, 91]"))
    with changed(checkout.folder / "notebooks" / f"{STUDY}.ipynb", fails):
        done = checkout.run(*WORDS)
        told = checkout.run("-m", "helpers.workflow", "status", "tiny").stdout
    assert done.returncode != 0
    assert (runs / "SEED=91" / "results.json").is_file() and not (runs / "SEED=90").exists()
    assert f"sweep {NAME}: 1 done, 1 failed (of 2)" in told
    assert re.search(r"failed  SEED=90: cell \d+: AssertionError: no run of seed 90", told)


def test_bad_requests_are_refused_in_one_line(checkout, runs):
    for words, says in [
        (["sweep", "nothing"], "SWEEP=nothing: there is no such sweep"),
        (["sweep", NAME, "--cluster", "slurmm"], "CLUSTER=slurmm: there is no such profile"),
        (["record-sweep", "nothing"], "there is no such sweep"),
    ]:
        done = checkout.run("-m", "helpers.workflow", *words)
        assert done.returncode == 2 and says in done.stdout.splitlines()[-1]
