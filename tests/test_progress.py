"""Time left while the book is made, and the first page before the others."""

import json
import os
import subprocess
import sys
import time

import pytest

from helpers import paths
from helpers.book import progress, running, status, workflow
from helpers.report import recording
from tests import toy
from tests.conftest import Checkout

RUNS = {
    f"runs/quick/{name}/default/{recording.RESULTS}": usual for name, usual in {"a": 2.0, "b": 6.0, "c": 4.0}.items()
}


@pytest.fixture
def project(monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "project", lambda: tmp_path)
    for name in RUNS:
        (tmp_path / name).parent.mkdir(parents=True)
    return tmp_path


def end(project, name: str, began: float = 0.0) -> str:
    """Let a run end, so many seconds after the start of the workflow, and return the line on it."""
    file = project / ".snakemake" / "to-do.json"
    if began and file.is_file():
        file.write_text(json.dumps(json.loads(file.read_text()) | {"began": time.time() - began}))
    place = project / "runs" / "quick" / name / "default"
    (place / recording.RESULTS).write_text("{}")
    return progress.after(place)


def test_minutes_are_shared_by_those_that_run_at_a_time(project):
    assert progress.begin(RUNS, 2, measured=True) == "3 studies run; about 7 minutes left"
    assert progress.begin(RUNS, 1, measured=True) == "3 studies run; about 13 minutes left"


def test_the_pace_of_what_has_run_counts(project):
    progress.begin(RUNS, 1, measured=True)
    assert end(project, "a", began=230) == "a done, 1 of 3; about 21 minutes left"  # two minutes took four
    assert end(project, "b", began=950) == "b done, 2 of 3; about 9 minutes left"


def test_a_run_that_is_being_made_counts_half(project):
    progress.begin(RUNS, 2, measured=True)
    running.lock(status.lock_file(project / "runs" / "quick" / "b" / "default"), "run")
    assert end(project, "a", began=145) == "a done, 1 of 3; about 5 minutes left"  # 2 + 6 / 2 of 12


def test_sizes_without_measured_minutes_are_estimated_after_the_first_run(project):
    assert progress.begin(RUNS, 1, measured=False) == "3 studies run"
    assert end(project, "a", began=5) == "a done, 1 of 3; about 2 minutes left"


def test_results_of_an_earlier_workflow_are_not_counted(project):
    old = project / next(iter(RUNS))
    old.write_text("{}")
    os.utime(old, (1, 1))
    progress.begin(RUNS, 1, measured=True)
    assert end(project, "b").startswith("b done, 1 of 3")


def test_a_single_run_and_a_run_of_a_sweep_are_not_announced(project):
    progress.begin(RUNS, 1, measured=True)
    assert progress.begin(dict([*RUNS.items()][:1]), 1, measured=True) == ""
    assert end(project, "a") == ""
    progress.begin(RUNS, 1, measured=True)
    (project / "runs" / "quick" / "d" / "default").mkdir(parents=True)
    assert end(project, "d") == ""


def test_a_page_that_is_not_measured_gets_the_median(monkeypatch):
    known = progress.contents.entries()
    asked = [entry.page for entry in known]
    found = progress.minutes(asked)
    assert list(found) == [page.name for page in asked]
    assert all(value > 0 for value in found.values())
    unknown = [entry._replace(minutes=entry.minutes | {"quick": "not yet measured"}) for entry in known]
    monkeypatch.setattr(progress.contents, "entries", lambda: unknown)
    assert set(progress.minutes(asked).values()) == {progress.UNKNOWN}
    monkeypatch.setattr(progress.contents, "entries", lambda: [*known[:2], *unknown[2:]])
    some = progress.minutes(asked)
    assert some[asked[-1].name] == pytest.approx(sum([*some.values()][:2]) / 2)


@pytest.mark.parametrize(
    ("study", "threads", "words", "workers"),
    [
        ("05_six_worlds", 1, [], 1),
        ("05_six_worlds", 8, [], 2),
        ("05_six_worlds", 1, ["WORKERS=3"], 3),
        ("07_your_own_scores", 1, [], None),
    ],
)
def test_a_run_starts_no_more_workers_than_it_has_threads(monkeypatch, tmp_path, study, threads, words, workers):
    given = []
    monkeypatch.setattr(running, "run_study", lambda study, place, values: given.append(values))
    assert workflow.main(["run", study, "quick", *words, "--place", str(tmp_path), "--threads", str(threads)]) == 0
    assert given[0].get("WORKERS") == workers


def test_the_snakefile_waits_for_no_library_of_tables():
    """It is read by every `make book`, also if nothing has changed."""
    code = "import sys; from helpers.book import contents, inputs, progress, workflow; print('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_the_first_page_can_be_read_before_the_book_is_made(tmp_path):
    toy.make(tmp_path / "toy")
    project = Checkout(tmp_path / "toy")
    words = ["pages", "first_page", "--cores", "2", "--quiet", "host", "rules", "progress", "--config", "profile=tiny"]
    done = project.snakemake(*words)
    assert done.returncode == 0, done.stdout
    lines = [line for line in done.stdout.splitlines() if "studies run" in line or " done, " in line or "file:" in line]
    assert lines[0] == "2 studies run"
    assert {line.partition(";")[0] for line in lines[1:] if "file:" not in line} in (
        {f"{toy.STUDY} done, 1 of 2", f"{toy.STUDY} DATASET=square done, 2 of 2"},
        {f"{toy.STUDY} DATASET=square done, 1 of 2", f"{toy.STUDY} done, 2 of 2"},
    )
    page = project.folder / "_build" / "first" / "_build" / "html" / "index.html"
    assert f"The first page is at file://{page}" in done.stdout
    assert "How large is a disc?" in (page.parent / "studies" / f"{toy.STUDY}.html").read_text()
