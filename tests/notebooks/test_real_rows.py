"""The label audit on the real rows gives every reference number to its printed digits."""

import json

import papermill
import pytest
import yaml

from helpers import report
from helpers.book import renames
from helpers.report.recording import CASE_ID
from helpers.report.values import flatten
from tests.conftest import ROOT

BOOTSTRAP_TOLERANCE = 0.006  # between seeds and schemes, for ends of bootstrap intervals alone
NOTEBOOK = ROOT / "notebooks" / "01_label_audit.ipynb"
RULER = ROOT / "notebooks" / "02_biased_ruler.ipynb"
NAMES = yaml.safe_load((ROOT / "tests" / "notebooks" / "reference_names.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def run(real_rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    parameters = {"SOURCE": "real", "DATA_ROOT": str(real_rows), "RUN_DIR": str(folder)}
    papermill.execute_notebook(NOTEBOOK, folder / "out.ipynb", parameters, progress_bar=False)
    return folder


@pytest.fixture(scope="module")
def values(run):
    return json.loads((run / "results.json").read_text())["values"]


@pytest.fixture(scope="module")
def ruler_run(real_rows, tmp_path_factory):
    """The study of the biased ruler on a folder that holds tables and no images."""
    folder = tmp_path_factory.mktemp("ruler")
    parameters = {"SOURCE": "real", "DATA_ROOT": str(real_rows), "RUN_DIR": str(folder), "N_BOOTSTRAP": 10_000}
    papermill.execute_notebook(RULER, folder / "out.ipynb", parameters, progress_bar=False)
    return folder


@pytest.mark.slow
def test_every_reference_number(values, real_rows):
    expected = reference_numbers(real_rows, "01_label_audit")
    assert len(expected) > 80
    assert not differing(expected, values)


@pytest.mark.slow
def test_the_biased_ruler_gives_the_same_numbers_where_it_has_them(ruler_run, real_rows):
    values = json.loads((ruler_run / "results.json").read_text())["values"]
    parts = ("tumour_volume_cc_gold.", "silver_vs_gold_dice.", "nnunet_cv_vs_gold_dice.")
    expected = {k: v for k, v in reference_numbers(real_rows, "02_biased_ruler").items() if k.startswith(parts)}
    assert len(expected) > 60
    assert not differing(expected, values)


@pytest.mark.slow
def test_claims_of_the_biased_ruler(ruler_run):
    results = json.loads((ruler_run / "results.json").read_text())
    verdicts = {c["id"]: c["verdict"] for c in results["claims"]}
    assert verdicts["volume-variance"] == verdicts["baseline-dpd"] == "differs"
    assert verdicts["gold-trained-gap"] == "direction"  # with the printed SE the sizes cannot be compared
    assert verdicts["ruler-inflates"] == verdicts["amplified"] == "not testable here"
    assert verdicts["swap-older"] == verdicts["diff-bal"] == "impossible as printed"
    assert results["values"]["diagnosis"] == {"ours": "no images", "paper": "no images"}
    assert not CASE_ID.search((ruler_run / "out.ipynb").read_text())


def reference_numbers(real_rows, study):
    """Reference values by today's names; a number with a point as "float <digits>", an end by bootstrap as "end"."""
    text = (real_rows / "expected_numbers.json").read_text()
    expected = flatten(json.loads(text, parse_float=lambda t: f"float {t}"))
    expected.pop("note")
    names = NAMES[study]
    return {
        renames.renamed(k, names): v.replace("float", "end") if "bootstrap95" in k else v for k, v in expected.items()
    }


def differing(expected, values):
    ours = flatten(values)
    wrong = []
    for name, reference in expected.items():
        value = ours.get(name, "absent")
        if isinstance(reference, str) and reference.startswith(("float ", "end ")):
            kind, digits = reference.split()
            if kind == "end":
                same = abs(value - float(digits)) <= BOOTSTRAP_TOLERANCE
            else:
                same = report.same_digits(value, digits)
        else:
            same = value == reference
        if not same:
            wrong.append((name, reference, value))
    return wrong


@pytest.mark.slow
def test_values_are_nested_as_the_reference(values, real_rows):
    expected = json.loads((real_rows / "expected_numbers.json").read_text())
    expected.pop("note")
    names = NAMES["01_label_audit"]
    nested = renames.with_names({"values": expected, "claims": []}, names)["values"]

    def within(small, large):
        return all(k in large and (not isinstance(v, dict) or within(v, large[k])) for k, v in small.items())

    assert within(nested, values)


@pytest.mark.slow
def test_claims_and_what_was_dropped(run):
    results = json.loads((run / "results.json").read_text())
    verdicts = {c["id"]: c["verdict"] for c in results["claims"]}
    assert verdicts["age-gap"] == "reproduced"
    assert verdicts["interaction-p"] == "differs"
    assert verdicts["ispy2-gap"] == "inconclusive"
    assert verdicts["swap-older"] == verdicts["diff-bal"] == "impossible as printed"
    assert verdicts["hd95"] == verdicts["hd95-dir"] == "not testable here"
    replaced = [d["n"] for d in results["dropped"] if "HD95 replaced" in d["reason"]]
    assert replaced == [2]


@pytest.mark.slow
def test_executed_notebook_names_no_case(run):
    assert not CASE_ID.search((run / "out.ipynb").read_text())


@pytest.mark.slow
def test_recorded_run_is_what_the_notebook_gives_today(values):
    recorded = json.loads((ROOT / "book" / "recorded" / "01_label_audit" / "real" / "results.json").read_text())
    kept = flatten(recorded["values"])
    for name in (
        "silver_vs_gold_dice.gap_O_minus_Y.estimate",
        "silver_vs_gold_dice.anova_p",
        "nnunet_cv_vs_gold_dice.gap_O_minus_Y.estimate",
    ):
        assert kept[name] == pytest.approx(flatten(values)[name], rel=1e-9)
