"""Thirty pictures of nine patients are not enough for a group: every measure counts patients."""

import numpy as np
import pandas as pd
import pytest

from helpers import stats
from helpers.studies import mitigation


def study(patients_of_few: int) -> dict:
    """Group a has 60 positives and 60 negatives, each of another patient; b 40 negatives, and 30 positives of few."""
    rng = np.random.default_rng(1)
    patient = np.concatenate([np.arange(160), 160 + np.arange(30) % patients_of_few])
    y = np.concatenate([np.repeat([1.0, 0.0], 60), np.zeros(40), np.ones(30)])
    group = np.repeat(["a", "b"], [120, 70])
    score = {arm: 1 / (1 + np.exp(-(y - 0.5 + rng.normal(size=190)))) for arm in ("original", "unet")}
    return {"y": y, "group": group, "patient": patient, "score": score}


def frames(data: dict) -> tuple[pd.DataFrame, dict, dict, dict]:
    y = pd.DataFrame({"finding": data["y"]})
    score = {arm: pd.DataFrame({"finding": values}) for arm, values in data["score"].items()}
    decided = {arm: (values > 0.5).astype(int) for arm, values in score.items()}
    return y, score, decided, {"attributes": pd.DataFrame({"g": data["group"]}), "patient": data["patient"]}


@pytest.mark.parametrize(("few", "enough"), [(9, False), (10, True)])
def test_positives_of_fewer_than_ten_patients_are_not_compared(few, enough):
    data = study(few)
    y, score, decided, who = frames(data)
    rates = stats.harm_in_rates(y, decided, **who).set_index("rate")
    areas = stats.harm_in_auroc(y, score, **who).iloc[0]
    assert (rates.loc["tpr", "note"] == "too few") != enough and rates.loc["fpr", "note"] != "too few"
    assert (areas["note"] == "too few") != enough and areas["n"] == 30
    odds = stats.prediction_fairness(y, decided, **who, n_boot=20).set_index("metric")
    assert odds["left_out"].eq("" if enough else "b (tpr)").all() and odds["value"].notna().eq(enough).all()
    table = pd.DataFrame({"patient_id": data["patient"], "y_true": data["y"], "g": data["group"]})
    table["probability"] = data["score"]["original"]
    chosen = stats.threshold_optimism(table, table, attribute="g", n_boot=20)
    assert np.isfinite(chosen.loc["eodd", "from_test"]) == enough
    given = {arm: values[None] for arm, values in data["score"].items()}
    hits = {arm: (values > 0.5).astype(int) for arm, values in given.items()}
    asked = {"groups": data["group"], "patient": data["patient"], "baseline": "original", "n_boot": 20}
    methods = mitigation.compare_methods(data["y"], given, hits, **asked)
    of_groups = methods[methods["metric"] != "auroc"]
    assert of_groups["left_out"].eq("" if enough else "b").all() and of_groups["value"].notna().eq(enough).all()


def test_no_value_of_a_group_of_few_patients_is_given():
    y, score, decided, who = frames(study(9))
    rates = stats.harm_in_rates(y, decided, **who).set_index("rate")
    for row in (rates.loc["tpr"], stats.harm_in_auroc(y, score, **who).iloc[0]):
        assert row[["change", "change_against", "difference", "low", "high", "p"]].isna().all()
    assert rates.loc["fpr", ["change", "change_against", "difference", "low"]].notna().all()
