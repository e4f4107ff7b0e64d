"""Recorded claims are judged again from the values of a record, which stay as they are."""

import json
import subprocess

import pytest
import yaml

from helpers import paths
from helpers.book import rejudging
from helpers.book.rejudging import _given
from helpers.errors import InputError
from helpers.report import claims

STUDY = "09_discs"
ESTIMATE = {"estimate": 0.3, "low": 0.1, "high": 0.5, "n": 40}
GAP = {"id": "gap", "statement": "s", "reference": "r", "statistic": "Dice", "published": "0.25", "scope": "effect"}
GAP |= {"kind": "effect", "estimate": "gap"}
ALIKE = {**GAP, "id": "alike", "published": "0", "kind": "none", "margin": 0.6, "unit": "Dice", "because": "b"}
OLD = {
    "id": "gap",
    "verdict": "not supported",
    "why": "our interval includes no effect; in simulation; p of a test: 0.6",
}
OLD |= {"source": "simulated", "ours": 0.3, "low": 0.1, "high": 0.5, "n": 40}
PROVENANCE = {"study": STUDY, "source": "simulated", "parameters": {"DATASET": "rings"}, "git": {"commit": "abc"}}


@pytest.fixture
def record(tmp_path, monkeypatch):
    """A function that commits a project with one record and a claims file, and returns the record's file."""
    monkeypatch.setattr(paths, "project", lambda: tmp_path)

    def git(*words):
        who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    def write(entries=(GAP,), rows=(OLD,), values=None, name=STUDY, commit=True, **provenance):
        file = tmp_path / "book" / "recorded" / STUDY / "full" / "results.json"
        sheet = tmp_path / "notebooks" / "claims" / f"{name}.yaml"
        for place in (file, sheet):
            place.parent.mkdir(parents=True, exist_ok=True)
        sheet.write_text(yaml.safe_dump(list(entries)))
        about = {"values": values or {"gap": ESTIMATE}, "claims": list(rows), "dropped": [], "figures": []}
        file.write_text(json.dumps({**about, "provenance": {**PROVENANCE, **provenance}}))
        git("init", "--quiet")
        if commit:
            git("add", "--all", ".")
            git("commit", "--quiet", "--allow-empty", "-m", "Record")
        return file

    return write


def test_verdicts_change_and_nothing_else(record):
    file = record()
    before = json.loads(file.read_text())
    (line,) = rejudging.told()
    after = json.loads(file.read_text())
    (row,), (stamp,) = after["claims"], after["provenance"].pop("rejudged")
    assert line.startswith(f"{STUDY}/full: judged again: abc and {stamp['to']}\n    gap: not supported, now reproduced")
    assert stamp["from"] == "abc" and len(stamp["to"]) == 12
    assert {**after, "claims": []} == {**before, "claims": []}
    assert (row["verdict"], row["where"]) == ("reproduced", "in simulation")
    assert row["why"] == "the published value is inside our interval; p of a test: 0.6"  # the remark of the run stays
    assert set(row) == set(claims.COLUMNS) and row["given"] == {"same_data": False, "note": "p of a test: 0.6"}
    for name in ("ours", "low", "high", "n"):
        assert row[name] == OLD[name]


def test_a_second_time_nothing_changes_and_a_new_margin_is_followed(record):
    values = {"gap": {**ESTIMATE, "low90": 0.15, "high90": 0.45}}
    file = record([ALIKE], [{**OLD, "id": "alike"}], values)
    assert "alike: not supported, now reproduced" in next(rejudging.told())
    again = json.loads(file.read_text())
    record([ALIKE], again["claims"], values, rejudged=again["provenance"]["rejudged"])
    assert list(rejudging.told()) == [f"{STUDY}/full: current: the rule of today gives the same"]
    record([{**ALIKE, "margin": 0.2}], again["claims"], values, rejudged=again["provenance"]["rejudged"])
    assert "alike: reproduced, now inconclusive" in next(rejudging.told())
    stamps = json.loads(file.read_text())["provenance"]["rejudged"]
    assert stamps[1]["from"] == stamps[0]["to"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"entries": [ALIKE], "rows": [{**OLD, "id": "alike"}]}, "claim alike: the value has no 90% interval"),
        ({"entries": [GAP, ALIKE]}, "it and the record differ in alike"),
        ({"rows": [{**OLD, "ours": 0.2}]}, "claim gap: ours is 0.3 by its values, and 0.2 in its claims"),
        ({"name": "08_other"}, "there is no file of its claims"),
    ],
)
def test_a_record_without_the_values_is_named_and_stays(given, says, record):
    file = record(**given)
    before = file.read_text()
    told = rejudging.told()
    assert says in (line := next(told)) and line.startswith(f"{STUDY}/full: to be recorded anew: ")
    with pytest.raises(InputError, match="1 records are to be recorded anew: 09_discs/full"):
        next(told)
    assert file.read_text() == before


def test_uncommitted_changes_are_refused(record):
    record(commit=False)
    with pytest.raises(InputError, match="rejudge: 2 files have uncommitted changes"):
        next(rejudging.told())


def test_the_claims_file_may_be_that_of_a_parameter(record):
    record(name=f"{STUDY}.rings")
    assert rejudging.claims_of(STUDY, PROVENANCE["parameters"]) == f"{STUDY}.rings"


@pytest.mark.parametrize(
    ("verdict", "why", "source", "given"),
    [
        ("impossible as printed", "1 + 1 = 2; 2 + 2 = 4", "real", {"impossible": "1 + 1 = 2; 2 + 2 = 4"}),
        ("reproduced", "equal to the printed digits", "real", {}),
        ("differs", "other digits; p of the F-test: 1.6", "real", {"note": "p of the F-test: 1.6"}),
        ("differs", "our interval excludes the published value; small beside the finest level, and more", "real", {}),
        ("reproduced", "the published value is inside our interval; on other data", "real", {"same_data": False}),
        ("not testable here", claims.OTHER, "real", {"same_data": False}),
        ("not testable here", claims.SIMULATED, "simulated", {"same_data": False}),
        ("not testable here", "reduced training: EFFORT 0.1 is below 0.5", "real", {}),
        ("not testable here", "missing: gap.low, which this cohort cannot give", "real", {}),
        ("not testable here", "missing: masks; read the width of our interval; x", "real", {"missing": "masks"}),
        (
            "not testable here",
            "missing: HD95, not public; R² fits n of 9",
            "real",
            {"missing": "HD95, not public; R² fits n of 9"},
        ),
    ],
)
def test_what_a_run_supplied_is_read_from_the_older_layout(verdict, why, source, given):
    assert _given({"verdict": verdict, "why": why, "source": source}) == {"same_data": True, **given}
