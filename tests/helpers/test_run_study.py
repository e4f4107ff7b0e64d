"""One run of a study: its parameters, and what is taken for its result."""

import papermill
import pytest

from helpers import paths
from helpers.book import running, workflow
from helpers.errors import InputError
from helpers.report import parameters

STUDY = "01_label_audit"


def test_what_is_given_goes_before_the_profile():
    tiny = parameters.profile(STUDY, "tiny")
    assert tiny["N_BOOTSTRAP"] != 321 and tiny["SEED"] != 7
    assert workflow.settle(STUDY, "tiny", ["N_BOOTSTRAP=321", "SEED=7"]) == {**tiny, "N_BOOTSTRAP": 321, "SEED": 7}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where a run is to stand, in a project of its own that holds a whole run there already."""
    monkeypatch.setattr(paths, "project", lambda: tmp_path)
    place = tmp_path / "runs" / "quick" / STUDY / "default"
    place.mkdir(parents=True)
    (place / "results.json").write_text('"of before"')
    return place


def test_a_run_that_ends_without_results_leaves_the_last_whole_one(place, monkeypatch):
    monkeypatch.setattr(papermill, "execute_notebook", lambda source, executed, *_, **__: executed.write_text("{}"))
    with pytest.raises(InputError, match="the run ended without results"):
        running.run_study(STUDY, place, {})
    assert (place / "results.json").read_text() == '"of before"'


def test_a_whole_run_takes_the_place_of_the_last(place, monkeypatch):
    def run(source, executed, *_, **options):
        assert options["iopub_timeout"] >= 60  # else a busy machine fails a run by a late message
        executed.write_text("{}")
        executed.with_name("results.json").write_text('"of now"')

    monkeypatch.setattr(papermill, "execute_notebook", run)
    running.run_study(STUDY, place, {})
    assert (place / "results.json").read_text() == '"of now"'
    assert (place / f"{STUDY}.ipynb").is_file()
