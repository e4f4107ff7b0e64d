"""The audit of the real rows gives the reference numbers, digit for digit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from helpers import stats
from helpers.book import renames

ROWS = Path(__file__).parents[2] / ".." / "shared" / "data" / "mamamia"
pytestmark = pytest.mark.skipif(
    not (ROWS / "expected_numbers.json").exists(), reason="the real rows are not on this machine"
)
NAMES = Path(__file__).with_name("printed_names.yaml")
BOOTSTRAP_TOLERANCE = 0.006


@pytest.fixture(scope="module")
def cohort() -> pd.DataFrame:
    frame = pd.read_excel(ROWS / "clinical_and_imaging_info.xlsx", sheet_name="dataset_info", dtype={"patient_id": str})
    frame["age_group"] = pd.cut(frame["age"], [0, 40, 55, np.inf], labels=["Young", "Middle", "Older"])
    named = {"caucasian": "Caucasian", "african american": "African American", "asian": "Asian"}
    known = frame["ethnicity"].map(named).fillna("Other")
    frame["ethnicity"] = known.where(frame["ethnicity"].notna(), "Missing")
    frame["site"] = frame["site"].fillna("unknown").astype(str).str.strip()
    return frame


@pytest.fixture(scope="module")
def silver(cohort: pd.DataFrame) -> pd.DataFrame:
    return cohort.merge(pd.read_csv(ROWS / "automatic_vs_expert_per_case.csv"), on="patient_id")


@pytest.fixture(scope="module")
def out_of_fold(cohort: pd.DataFrame) -> pd.DataFrame:
    return cohort.merge(pd.read_csv(ROWS / "nnunet_5fold_cv_vs_expert_per_case.csv"), on="patient_id")


def leaves(value: object, name: str = "") -> dict[str, object]:
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return {name: value}
    return {path: leaf for key, item in items for path, leaf in leaves(item, f"{name}.{key}".lstrip(".")).items()}


def printed_alike(ours: float, text: str) -> bool:
    """Whether a number, rounded to the digits of its printed form, is that form."""
    mantissa, _, exponent = text.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    scale = 10.0 ** int(exponent or 0)
    return abs(ours / scale - float(mantissa)) <= 0.5 * 10.0**-decimals * (1 + 1e-9)


@pytest.mark.parametrize("seed", [0, 7])
def test_every_expected_number(cohort, silver, out_of_fold, seed):
    values = stats.cohort_values(cohort) | {
        "silver_vs_gold_dice": stats.silver_values(silver, seed=seed),
        "nnunet_cv_vs_gold_dice": stats.out_of_fold_values(out_of_fold, seed=seed),
        "tumour_volume_cc_gold": stats.volume_values(silver),
    }
    text = (ROWS / "expected_numbers.json").read_text(encoding="utf-8")
    printed = leaves(json.loads(text, parse_float=str))  # as text: the printed digits are the tolerance
    printed.pop("note")
    known = renames.names_of("02_biased_ruler") | yaml.safe_load(NAMES.read_text(encoding="utf-8"))
    names = {name: renames.renamed(name, known) for name in printed}
    expected = {names[name]: reference for name, reference in printed.items()}
    drawn = {names[name] for name in printed if "bootstrap95" in name}
    ours = leaves(values)
    added = [renames.pattern(text) for text in (*renames.names_of("02_biased_ruler")["added"], "*.n")]
    assert [name for name in ours if not any(new.fullmatch(name) for new in added)] == list(expected)
    assert None not in ours.values()
    wrong = {}
    for name, reference in expected.items():
        if isinstance(reference, str) and isinstance(ours[name], float):
            close = abs(ours[name] - float(reference)) <= BOOTSTRAP_TOLERANCE
            good = close if name in drawn else printed_alike(ours[name], reference)
        else:
            good = ours[name] == reference and type(ours[name]) is type(reference)
        if not good:
            wrong[name] = (ours[name], reference)
    assert wrong == {}


def test_printed_alike_can_fail():
    assert printed_alike(0.05303, "0.0530")
    assert not printed_alike(0.05306, "0.0530")
    assert printed_alike(7.196e-5, "7.2e-05")
    assert not printed_alike(7.3e-5, "7.2e-05")


def test_interaction_trap(silver):
    """The term's p and the overall p are four orders of magnitude and one verdict apart."""
    found = stats.interaction(silver[silver["age_group"].notna()], score="dice", group="age_group", source="dataset")
    assert round(found.term.p, 3) == 0.171
    assert found.overall.p == pytest.approx(1.63e-8, rel=2e-3)
    assert list(found.table()["p"]) == [found.term.p, found.overall.p]


def test_age_effect_survives_adjustment(silver):
    by_site = stats.mixed_slope(silver, score="dice", on="age", cluster=["dataset", "site"])
    assert f"{by_site.p:.1e}" == "1.6e-04"
    assert by_site.dropped == 3
    volume = stats.slope(silver, score="dice", on="age", adjust=["dataset", "np.log(expert_cc)"])
    assert f"{volume.p:.0e}" == "6e-07"
    robust = stats.slope(silver, score="dice", on="age", adjust=["dataset"], robust=True)
    assert robust.p < 0.001
    assert round(stats.rank_biserial(silver["dice"], groups=silver["age_group"], a="Young", b="Older"), 3) == 0.147


def test_hidden_ethnic_gap_is_noise(silver):
    """The rate gap of ten points inside one source is what permuted labels give more often than not."""
    groups = stats.paper_ethnicity(silver["ethnicity"])
    top, _ = stats.success(silver["dice"], quantile=0.75)
    table = stats.within_source(top, groups=groups, sources=silver["dataset"], n_permutations=4000)
    largest = table["n"].drop([row for row in table.index if row.startswith("pooled")]).idxmax()
    row = table.loc[largest]
    assert row["gap"] == pytest.approx(0.0999, abs=5e-5)
    assert (row["a"], row["n_a"], row["b"], row["n_b"]) == ("Asian", 68, "African American", 116)
    assert row["p"] == pytest.approx(0.61, abs=0.03)
    assert row["low"] < 0 < row["high"]
    assert table.loc["pooled", "p"] == pytest.approx(0.94, abs=0.02)


def test_gaps_by_source(silver):
    table = stats.within_source(
        silver["dice"], groups=silver["age_group"], sources=silver["dataset"], a="Young", b="Older", n_boot=200,
        n_permutations=200,
    )  # fmt: skip
    assert table["contrast"].round(3).iloc[2:].tolist() == [0.047, 0.093, 0.037, 0.178]


def test_what_changes(silver, out_of_fold):
    ours = stats.choices(silver, n_boot=300, n_permutations=300).set_index("setting")
    assert (ours["verdict"] == "older higher").all()
    assert ours.loc["Dice exactly 1", "n"] == 1503 - 34
    theirs = stats.choices(out_of_fold, n_boot=300, n_permutations=300).set_index("setting")
    assert theirs.loc["groups as given, mean, ANOVA", "verdict"] == "older higher"
    assert theirs.loc["Kruskal-Wallis", "verdict"] == "not shown"
    assert theirs.loc["top 25%", "effect"] < 0 < theirs.loc["> 0.8", "effect"]
    assert theirs.loc["source", "p"] == pytest.approx(0.047, abs=5e-4)
    by_test = stats.ethnicity_choices(silver).set_index(["choice", "setting"])
    as_other, left_out = "missing counted as Other", "missing left out"
    assert by_test.loc[(as_other, "ANOVA"), "p"] == pytest.approx(0.0084, abs=5e-5)
    assert by_test.loc[(as_other, "Kruskal-Wallis"), "p"] == pytest.approx(0.1656, abs=5e-5)
    assert by_test.loc[(left_out, "Kruskal-Wallis"), "p"] == pytest.approx(0.146, abs=5e-4)
