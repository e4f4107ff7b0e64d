"""What the book records keeps the promises that were made before it was run."""

import json

import pytest

from helpers import report
from helpers.book import rejudging, renames, small_runs
from helpers.report import entries, parameters, sweeps
from tests.conftest import ROOT
from tests.notation import lacking_parts

RECORDED = sorted((ROOT / "book" / "recorded").glob("*/*/results.json"))


CLAIMS = sorted((ROOT / "notebooks" / "claims").glob("*.yaml"))


@pytest.fixture(scope="module")
def calibration():
    return json.loads((ROOT / "book" / "recorded" / "00_calibration" / "full" / "results.json").read_text())["values"]


def test_calibration_has_enough_cohorts(calibration):
    assert calibration["n_cohorts"] >= 2000


@pytest.mark.parametrize("world", ["null", "planted", "confounded"])
@pytest.mark.parametrize("contrast", ["mean", "rate", "ratio"])
def test_intervals_cover(calibration, world, contrast):
    assert 0.93 <= calibration[world][f"coverage_{contrast}"]["estimate"] <= 0.97


@pytest.mark.parametrize("test", ["anova", "welch", "kruskal", "permutation"])
def test_null_cohorts_are_rejected_at_the_level_promised(calibration, test):
    assert 0.035 <= calibration["null"][f"size_{test}"]["estimate"] <= 0.065


def test_planted_effect_is_recovered(calibration):
    planted = calibration["planted"]
    assert planted["estimate_mean"] == pytest.approx(planted["truth_mean"], abs=0.002)
    assert planted["power_anova"]["estimate"] > 0.8


def test_five_worlds_have_ten_studies_each_or_more():
    results = json.loads((ROOT / "book" / "recorded" / "02_five_worlds" / "full" / "results.json").read_text())
    values = results["values"]
    assert int(values["seeds"]) >= 10 and int(values["studies"]) == 5 * int(values["seeds"])
    readings = [name.rpartition(", ")[0] for name in values["confusion"]]
    assert {reading: readings.count(reading) for reading in readings} == dict.fromkeys(values["right"], 5)
    for shares in values["confusion"].values():
        assert sum(shares.values()) == pytest.approx(1)


def test_worlds_of_skin_are_named_as_the_study_promises():
    """At least four hits in five and at most one false alarm in twenty, over twenty data sets of each world."""
    results = json.loads((ROOT / "book" / "recorded" / "03_four_worlds" / "full" / "results.json").read_text())
    values = results["values"]
    assert int(values["seeds"]) >= 20
    assert values["false"]["estimate"] <= 0.05
    for world in ("representation", "tone", "condition"):
        assert values["rates"][world][world] >= 0.8


def test_unfair_reconstructions_are_told_from_fair_ones_as_the_study_promises():
    """At least four hits in five and at most one false alarm in twenty, over twenty studies of each data set."""
    results = json.loads((ROOT / "book" / "recorded" / "04_two_worlds" / "full" / "results.json").read_text())
    values = results["values"]
    assert int(values["seeds"]) >= 20
    for part in ("brain", "chest"):
        assert values["rates"][part]["fair"]["signed"]["estimate"] <= 0.05
        assert values["rates"][part]["unfair"]["signed"]["estimate"] >= 0.8


@pytest.mark.parametrize("path", RECORDED, ids=lambda p: "/".join(p.parts[-3:-1]))
def test_an_interval_is_written_in_one_notation(path):
    results = json.loads(path.read_text())
    declared = renames.names_of(results["provenance"]["study"])["added"]  # what the run of this record did not have
    lacking = lacking_parts(results["values"])
    assert not [name for name in lacking if not any(renames.pattern(text).fullmatch(name) for text in declared)]


@pytest.mark.parametrize("path", RECORDED, ids=lambda p: "/".join(p.parts[-3:-1]))
def test_no_cell_under_ten(path):
    def counts(value):
        if isinstance(value, dict):
            return [n for v in value.values() for n in counts(v)]
        if isinstance(value, list):
            return [n for v in value for n in counts(v)]
        return [value] if isinstance(value, int) and not isinstance(value, bool) else []

    results = json.loads(path.read_text())
    published = [results[k] for k in ("values", "claims", "dropped")]
    assert not [n for n in counts(published) if 0 < n < 10]


@pytest.mark.parametrize("file", CLAIMS, ids=lambda p: p.stem)
def test_every_claim_is_complete_and_names_parameters_of_its_study(file):
    known = parameters.read(ROOT / "notebooks" / f"{file.name.partition('.')[0]}.ipynb")
    for entry in entries.read(file).values():
        assert set(entry.get("least", {})) <= set(known.types), entry["id"]
    judged = report.judge(file.stem, {**known.defaults, "SOURCE": "real"}, {}, missing="values")
    assert {row["verdict"] for row in judged} == {"not testable here"}  # and none is refused


@pytest.mark.parametrize("path", RECORDED, ids=lambda p: "/".join(p.parts[-3:-1]))
def test_a_recorded_verdict_is_that_of_the_rule_today(path):
    results = json.loads(path.read_text())
    if results["claims"]:
        assert rejudging.judge_again(results) == results["claims"]


@pytest.mark.parametrize("path", RECORDED, ids=lambda p: "/".join(p.parts[-3:-1]))
def test_no_effect_is_reproduced_only_inside_its_margin(path):
    for row in json.loads(path.read_text())["claims"]:
        if row["verdict"] == "reproduced" and row.get("kind") in ("none", "not_worse"):
            assert row["detectable"] <= row["margin"], row["id"]


@pytest.mark.parametrize("path", RECORDED, ids=lambda p: "/".join(p.parts[-3:-1]))
def test_figures_are_there_and_nothing_else(path):
    named = {f"{name}.png" for name in json.loads(path.read_text())["figures"]}
    assert {p.name for p in path.parent.iterdir()} == named | {"results.json"}


def test_six_worlds_have_five_of_each_cause_or_more():
    """Every method meets every cause in both data sets, and every cell has an interval and a verdict."""
    results = json.loads((ROOT / "book" / "recorded" / "05_six_worlds" / "full" / "results.json").read_text())
    values = results["values"]
    assert int(values["seeds"]) >= 5 and results["provenance"]["parameters"]["TASKS"] == "both"
    verdicts = {"helps", "does nothing", "harms", "not shown"}
    for name, methods in (("worst_auroc", 7), ("eodd", 8)):
        found = values[name]
        assert len(found["cell"]) == 6 and {len(cause) for cause in found["cell"].values()} == {methods}
        for cause in found["cell"].values():
            for cell in cause.values():
                assert cell["low"] <= cell["estimate"] <= cell["high"] and cell["verdict"] in verdicts
        assert sum(found[verdict]["estimate"] for verdict in verdicts) == pytest.approx(1)
        assert found["cells"] == 5 * methods


@pytest.mark.parametrize("name", [name for name in sweeps.names() if name != "trial"])
def test_a_recorded_sweep_has_every_run_that_its_file_asks_for(name):
    asked, kept = sweeps.read(name), report.recorded_sweep(name)
    assert set(kept.runs["instance"]) == set(asked.runs) and len(kept.runs) == len(asked.runs)
    assert kept.values == list(asked.values) and kept.fixed == asked.fixed
    assert kept.runs["SEED"].nunique() >= 5
    for value in kept.values:
        known = kept.runs[kept.runs[value].notna()]
        assert len(known) >= 0.9 * len(kept.runs), f"{value} is missing in too many runs"
        assert known[value].between(known[f"{value} low"], known[f"{value} high"]).mean() > 0.9


def test_uncertainty_was_recorded_from_half_to_a_hundredth_of_dark_skin():
    """Over repeats and an ensemble; every sign has both correlations, between and within groups."""
    results = json.loads((ROOT / "book" / "recorded" / "06_vae_uncertainty" / "full" / "results.json").read_text())
    values, parameters = results["values"], results["provenance"]["parameters"]
    shares = parameters["SHARES"].split(",")
    assert (shares[0], shares[-1]) == ("50", "1") and parameters["RUNS"] >= 5 and parameters["MEMBERS"] >= 3
    for sign in ("slug", "diagonal", "last layer", "encoder", "dropout", "ensemble"):
        for measure in ("pooled", "within", "rises"):
            found = values[sign][measure]
            assert found["low"] <= found["estimate"] <= found["high"]


OF_TABLES = [path for path in RECORDED if json.loads(path.read_text())["provenance"]["parameters"].get("IMAGES")]


@pytest.mark.parametrize("path", OF_TABLES, ids=lambda p: "/".join(p.parts[-3:-1]))
def test_the_table_of_a_recorded_run_is_found_again(path, real):
    """A stamp looks for it by the fingerprint of the table and its pictures."""
    known = json.loads(path.read_text())["provenance"]
    found = small_runs._table("a record", known["data"], known["parameters"], str(real("pad_ufes_20").parent))
    assert found.name == "images.csv"
