"""Sweeps: what their file may ask for, the state of every run, and the table that is kept."""

import fcntl
import json
import os

import nbformat
import numpy as np
import pytest

from helpers import paths, report
from helpers.book import status, workflow
from helpers.errors import InputError
from helpers.keep import fingerprint
from helpers.report import sweep_records, sweeps

STUDY = "09_discs"
PARAMETERS = """SEED: int = 0  # seed
RATE: float = 0.5  # rate
KIND: str = "round"  # which
DATA_ROOT: str = ""  # where
DEVICE: str = "auto"  # where
"""
ASKED = {
    "title": "How round are discs?",
    "study": STUDY,
    "fixed": {"RATE": 0.25},
    "grid": {"KIND": ["round", "flat"], "SEED": [1, 2]},
    "values": {"gap": "gap.{KIND}", "size": "size"},
}


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    """A project with one study, and a function that writes a sweep of it."""
    monkeypatch.setattr(paths, "project", lambda: tmp_path)
    for folder in ("sweeps", "params"):
        (tmp_path / "notebooks" / folder).mkdir(parents=True)
    (tmp_path / "notebooks" / "params" / f"{STUDY}.huge.yaml").write_text("RATE: 0.9\n")
    cells = [
        nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell('report.start("x", globals(), limits={"KIND": ["round", "flat"], "RATE": (0, 1)})'),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "notebooks" / f"{STUDY}.ipynb")

    def write(name="discs", **fields):
        asked = {k: v for k, v in {**ASKED, **fields}.items() if v is not None}
        (tmp_path / "notebooks" / "sweeps" / f"{name}.yaml").write_text(json.dumps(asked))
        return name

    return write


def finish(instance, parameters, *, commit="abc", **values):
    """A complete run of the sweep."""
    place = paths.runs() / "discs" / STUDY / instance
    place.mkdir(parents=True)
    known = {
        "study": STUDY,
        "parameters": {"RATE": 0.25, **parameters},
        "source": "simulated",
        "started": "2026-01-01 00:00 UTC",
        "git": {"commit": commit, "dirty": False},
        "versions": {},
        "device": "CPU",
        "wall_seconds": 2.0,
        "helpers": {},
        "notebook": fingerprint.notebook(paths.notebooks() / f"{STUDY}.ipynb"),
    }
    (place / "results.json").write_text(json.dumps({"values": values, "provenance": known}))
    return place


def finish_all(sweep):
    sweep()
    for instance, varied in sweeps.read("discs").runs.items():
        own = {"estimate": varied["SEED"] + 0.1, "low": varied["SEED"] + 0.0, "high": varied["SEED"] + 0.2}
        finish(instance, varied, gap={varied["KIND"]: own}, size=2.5)


def test_a_grid_is_all_combinations(sweep):
    asked = sweeps.read(sweep())
    assert asked.runs == {
        f"KIND={kind}+SEED={seed}": {"KIND": kind, "SEED": seed} for kind in ("round", "flat") for seed in (1, 2)
    }
    assert asked.words("KIND=flat+SEED=2") == ["RATE=0.25", "KIND=flat", "SEED=2"]
    assert (asked.profile, asked.threads) == ("quick", 1)
    settled = workflow.settle(STUDY, "huge", asked.words("KIND=flat+SEED=2"))
    assert settled == {"RATE": 0.25, "KIND": "flat", "SEED": 2}


def test_a_table_is_a_line_a_run(sweep):
    (paths.notebooks() / "sweeps" / "lines.csv").write_text("SEED,KIND,RATE\n1,flat,1e-5\n2,,0.5\n")
    asked = sweeps.read(sweep(grid=None, table="lines.csv", fixed=None))
    assert list(asked.runs.values()) == [{"SEED": 1, "KIND": "flat", "RATE": 1e-5}, {"SEED": 2, "RATE": 0.5}]
    for instance, varied in asked.runs.items():
        assert workflow.settle(STUDY, "quick", asked.words(instance)) == varied


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"study": None}, "study is missing"),
        ({"values": None}, "values is missing"),
        ({"study": "09_disks"}, "study 09_disks: there is no such study. Studies here: 09_discs"),
        ({"gird": {}}, "unknown field gird"),
        ({"grid": ["SEED"]}, "grid is ['SEED'], expected lines of NAME: value"),
        ({"grid": {"SEED": 3}}, "grid, SEED is 3, expected a list of values"),
        ({"grid": {}}, "either a grid or a table"),
        ({"table": "x.csv"}, "either a grid or a table"),
        ({"grid": None, "table": "x.csv"}, "sweeps/x.csv: there is no such file"),
        ({"threads": 0}, "threads is 0. Give 1 or more"),
        ({"threads": True}, "threads is True, expected a whole number"),
        ({"grid": {"SEED": [1, 1]}}, "SEED=1: this run is listed twice"),
        ({"grid": {"SEDE": [1]}}, "parameter SEDE: the study has no such parameter. Did you mean SEED?"),
        ({"grid": {"SEED": ["one"]}}, "'one' is of type str, expected int"),
        ({"fixed": {"KIND": "oval"}, "grid": {"SEED": [1]}}, "got 'oval'"),
        ({"fixed": {"SEED": 1}}, "SEED is both fixed and varied"),
        ({"fixed": {"DATA_ROOT": "x"}}, "DATA_ROOT names where a run is made"),
        ({"values": {"gap": "gap.{KND}"}}, "value gap: gap.{KND} cannot be filled in ('KND')"),
        ({"values": {"gap": "gap.{KIND.x}"}}, "value gap: gap.{KIND.x} cannot be filled in"),
        ({"values": {"gap": 3}}, "value gap: 3 is not text"),
        ({"profile": "hug"}, "PROFILE=hug: 09_discs has no such profile. Choose from quick, huge"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(sweep, fields, says):
    with pytest.raises(InputError) as error:
        sweeps.read(sweep(**fields))
    assert says in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["quick", "huge", "by-hand"])
def test_a_sweep_is_not_called_like_a_profile(sweep, name):
    with pytest.raises(InputError, match=f"'{name}' is reserved for other runs"):
        sweeps.read(sweep(name))


@pytest.mark.parametrize("name", ["2024", "a b", ".x"])
def test_a_sweep_has_a_name_that_goes_into_folders(sweep, name):
    with pytest.raises(InputError, match="cannot be the name of a sweep"):
        sweeps.read(sweep(name))


def test_an_unknown_sweep_and_one_that_is_no_yaml_are_refused(sweep):
    sweep()
    with pytest.raises(InputError, match=r"SWEEP=disks: there is no such sweep\. Sweeps here: discs"):
        sweeps.read("disks")
    (paths.notebooks() / "sweeps" / "discs.yaml").write_text("study: [")
    with pytest.raises(InputError, match="not readable as YAML"):
        sweeps.read("discs")


def test_every_state_is_told_with_its_reason(sweep):
    asked = sweeps.read(sweep())
    first, second, third, fourth = asked.runs
    finish(first, asked.runs[first])
    finish(second, {**asked.runs[second], "RATE": 0.75})
    cell = nbformat.v4.new_code_cell("1 / 0", execution_count=3)
    cell.outputs = [nbformat.v4.new_output("error", ename="ZeroDivisionError", evalue="division by zero\nmore")]
    failed = status.failed_notebook(asked.folder / third)
    failed.parent.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), failed)
    held = status.lock_file(asked.folder / fourth)
    held.parent.mkdir(parents=True)
    handle = os.open(held, os.O_CREAT | os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        states = status.sweep_runs(asked)
    finally:
        os.close(handle)
    assert states == {
        first: ("done", ""),
        second: ("stale", "changed since: RATE was 0.75, is 0.25"),
        third: ("failed", "cell 3: ZeroDivisionError: division by zero"),
        fourth: ("running", ""),
    }
    assert status.sweep_runs(asked)[fourth] == ("to do", "")
    text = "\n".join(status.summary("sweep discs", states))
    assert text.startswith("sweep discs: 1 done, 1 running, 1 failed, 1 stale (of 4)")
    assert f"failed  {third}: cell 3: ZeroDivisionError: division by zero" in text


def test_code_makes_a_run_stale_and_prose_does_not(sweep):
    finish_all(sweep)
    asked = sweeps.read("discs")
    file = paths.notebooks() / f"{STUDY}.ipynb"
    notebook = nbformat.read(file, as_version=4)
    notebook.cells.append(nbformat.v4.new_markdown_cell("More words."))
    nbformat.write(notebook, file)
    assert {state.state for state in status.sweep_runs(asked).values()} == {"done"}
    notebook.cells.append(nbformat.v4.new_code_cell("more = 1"))
    nbformat.write(notebook, file)
    assert set(status.sweep_runs(asked).values()) == {("stale", f"changed since: notebooks/{STUDY}.ipynb")}
    with pytest.raises(InputError, match=f"changed since this run: notebooks/{STUDY}"):
        sweep_records.keep("discs")


def test_runs_with_other_parameters_than_asked_now_are_not_kept(sweep):
    finish_all(sweep)
    sweep(fixed={"RATE": 0.75})
    with pytest.raises(InputError, match=r"changed since this run: RATE was 0\.25, is 0\.75"):
        sweep_records.keep("discs")


def test_many_runs_of_one_state_are_not_all_listed():
    runs = {f"SEED={k}": status.State("to do") for k in range(30)}
    lines = status.summary("sweep", runs)
    assert len(lines) == 1 + status.MOST + 1 and lines[-1].endswith("and 20 more")


def test_a_kept_sweep_is_a_line_a_run(sweep):
    finish_all(sweep)
    place = sweep_records.keep("discs")
    assert place == paths.recorded() / "sweeps" / "discs"
    kept = report.recorded_sweep("discs")
    assert kept.values == ["gap", "size"] and kept.fixed == {"RATE": 0.25} and kept.study == STUDY
    first = kept.runs.iloc[0].to_dict()
    assert first == {
        "instance": "KIND=round+SEED=1",
        "KIND": "round",
        "SEED": 1,
        "gap": 1.1,
        "gap low": 1,
        "gap high": 1.2,
        "size": 2.5,
        "wall_seconds": 2.0,
    }
    assert len(kept.runs) == 4
    notice = kept.notice()["recorded sweep"]
    assert notice["size"] == "4 runs at the quick profile" and notice["code changed since"] == "nothing"
    assert notice["took"] == "8 s on CPU" and notice["commit"] == "abc"


def test_what_is_kept_is_compared_with_what_is_asked_now(sweep):
    finish_all(sweep)
    sweep_records.keep("discs")
    assert status.recorded() == ["recorded: 1 done (of 1)"]
    sweep(grid={"KIND": ["round"], "SEED": [1, 2]})
    assert status.recorded()[1].endswith("sweeps/discs: changed since: notebooks/sweeps/discs.yaml")


def test_a_parameter_that_only_some_runs_set_is_kept_of_all(sweep):
    (paths.notebooks() / "sweeps" / "lines.csv").write_text("KIND,RATE\nflat,\n,0.5\n")
    sweep(grid=None, table="lines.csv", fixed=None, values={"size": "size"})
    finish("KIND=flat", {"KIND": "flat", "RATE": 0.5, "SEED": 0}, size=1.5)
    finish("RATE=0.5", {"KIND": "NA", "RATE": 0.5, "SEED": 0}, size=2.5)
    sweep_records.keep("discs")
    kept = report.recorded_sweep("discs").runs
    assert kept["KIND"].tolist() == ["flat", "NA"] and kept["SEED"].tolist() == [0, 0]
    assert kept["RATE"].tolist() == [0.5, 0.5]


def test_an_incomplete_sweep_is_not_kept(sweep):
    finish_all(sweep)
    (paths.runs() / "discs" / STUDY / "KIND=flat+SEED=2" / "results.json").unlink()
    with pytest.raises(InputError, match=r"1 of 4 runs are not complete, KIND=flat\+SEED=2 for one"):
        sweep_records.keep("discs")
    assert not (paths.recorded() / "sweeps").exists()


def test_a_value_that_a_run_does_not_have_is_named(sweep):
    finish_all(sweep)
    sweep(values={"gap": "gap.round.estimat"})
    with pytest.raises(InputError, match=r"value gap\.round\.estimat.*Near: gap\.round\.estimate"):
        sweep_records.keep("discs")
    sweep(values={"gap": "gap"})
    with pytest.raises(InputError, match="not in the results of the run"):
        sweep_records.keep("discs")


def test_small_groups_and_identifiers_are_not_kept(sweep):
    sweep(grid={"SEED": [1]}, values={"gap": "gap"})
    place = finish("SEED=1", {"SEED": 1}, gap={"estimate": 0.5, "low": 0.1, "high": 0.9, "n": 4})
    sweep_records.keep("discs")
    assert np.isnan(report.recorded_sweep("discs").runs["gap"]).all()
    results = json.loads((place / "results.json").read_text())
    results["provenance"]["device"] = "DUKE_000"
    (place / "results.json").write_text(json.dumps(results))
    with pytest.raises(InputError, match="names a case of the data set"):
        sweep_records.keep("discs")


def test_nothing_recorded_yet_is_said(sweep):
    sweep()
    nothing = report.recorded_sweep("discs")
    assert nothing.runs.empty and nothing.changed == []
    assert "not yet; make record SWEEP=discs" in nothing.notice().iloc[0, 0]
    with pytest.raises(InputError, match="there is no such sweep"):
        report.recorded_sweep("disks")


@pytest.mark.parametrize("name", sweeps.names())
def test_the_sweeps_of_the_book_can_be_run(name):
    asked = sweeps.read(name)
    for instance in asked.runs:
        assert workflow.settle(asked.study, asked.profile, asked.words(instance)) == asked.asked(instance)
    assert len(asked.runs) >= 6
