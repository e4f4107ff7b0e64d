"""Fairness of predictions and of scores, their change, and thresholds: by hand, against fairlearn, and at the edges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import equal_opportunity_difference, equalized_odds_difference

from helpers import metrics, stats
from helpers.errors import InputError

FINDINGS = ["edema", "fracture"]


def study(n: int = 400, patients: int = 150, seed: int = 0) -> dict:
    """Two findings, three arms, two attributes, several cases of a patient, labels and a group missing."""
    rng = np.random.default_rng(seed)
    patient = np.concatenate([np.arange(patients), rng.integers(0, patients, n - patients)])
    groups = {"sex": rng.choice(["F", "M"], patients), "race": rng.choice(["a", "b", "c"], patients)}
    attributes = pd.DataFrame({name: values[patient] for name, values in groups.items()})
    attributes.loc[patient == 0, "race"] = None
    y = pd.DataFrame(rng.integers(0, 2, (n, 2)).astype(float), columns=FINDINGS)
    y.iloc[:20, 0] = np.nan
    logit = rng.normal(size=(n, 2)) + 2 * np.nan_to_num(y) - 1
    noises = {"original": 0, "unet": 0.5, "sde": 1.5}
    probability = {
        arm: pd.DataFrame(1 / (1 + np.exp(-logit - rng.normal(0, 1, (n, 2)) * noise)), columns=FINDINGS)
        for arm, noise in noises.items()
    }
    half = dict.fromkeys(FINDINGS, 0.5)
    predictions = {arm: stats.predict_at(p, half) for arm, p in probability.items()}
    return {"y_true": y, "predictions": predictions, "attributes": attributes, "patient": patient}


@pytest.fixture(scope="module")
def data() -> dict:
    return study()


@pytest.fixture(scope="module")
def table(data) -> pd.DataFrame:
    return stats.prediction_fairness(**data, n_boot=80)


def test_estimates_are_those_of_the_metrics_and_of_fairlearn(data, table):
    assert len(table) == 2 * 2 * 2 * 2
    for row in table.itertuples():
        y, groups = data["y_true"][row.finding], data["attributes"][row.attribute]
        known = (y.notna() & groups.notna()).to_numpy()
        assert row.n == known.sum()
        for value, arm in ((row.value, row.arm), (row.baseline, "original")):
            predicted = data["predictions"][arm][row.finding]
            ours = {"eodd": metrics.equalized_odds_difference, "eop": metrics.equal_opportunity_difference}[row.metric]
            assert value == pytest.approx(ours(y, predicted, groups=groups), abs=1e-12)
        assert row.change == pytest.approx(row.value - row.baseline)
        assert row.low < row.high
        if row.arm == "sde":  # fairlearn is slow
            predicted = data["predictions"]["sde"][row.finding]
            cut = {"y_true": y[known], "y_pred": predicted[known], "sensitive_features": groups[known]}
            eodd, eop = equalized_odds_difference(**cut, agg="mean"), equal_opportunity_difference(**cut)
            assert row.value == pytest.approx({"eodd": eodd, "eop": eop}[row.metric], abs=1e-12)


def test_the_replicates_are_those_of_resampled_patients(data, table):
    """One row again, by drawing the cases of the patients one by one from the same generator."""
    finding, attribute, arm = "edema", "race", "sde"
    y, groups = data["y_true"][finding].to_numpy(), data["attributes"][attribute].to_numpy()
    cases = [np.flatnonzero(data["patient"] == k) for k in range(data["patient"].max() + 1)]
    rng, changes = np.random.default_rng(0), []
    for _ in range(80):
        rows = np.concatenate([cases[k] for k in rng.integers(0, len(cases), len(cases))])
        values = [
            metrics.equalized_odds_difference(
                y[rows], data["predictions"][name][finding].to_numpy()[rows], groups=groups[rows], minimum=1
            )
            for name in (arm, "original")
        ]
        changes.append(values[0] - values[1])
    keys = ["finding", "attribute", "arm", "metric"]
    row = table.set_index(keys).loc[(finding, attribute, arm, "eodd")]
    low, high = np.quantile(changes, [0.025, 0.975])
    assert (row["low"], row["high"], row["se"]) == pytest.approx((low, high, np.std(changes)), abs=1e-9)
    below, above = np.mean(np.array(changes) <= 1e-12), np.mean(np.array(changes) >= -1e-12)
    assert row["p"] == pytest.approx(min(1, 2 * (80 * min(below, above) + 1) / 81))
    assert row["p_as_published"] == pytest.approx(below if np.mean(changes) > 0 else above)


def test_q_is_over_the_whole_table(table):
    np.testing.assert_allclose(table["q"], stats.adjust_p(table["p"])["bh"])
    assert table.attrs["tests"] == len(table)


def test_the_order_of_rows_changes_nothing_but_which_patients_are_drawn(data, table):
    order = np.random.default_rng(1).permutation(len(data["patient"]))
    moved = stats.prediction_fairness(
        data["y_true"].iloc[order],
        {arm: frame.iloc[order] for arm, frame in data["predictions"].items()},
        attributes=data["attributes"].iloc[order],
        patient=data["patient"][order],
        n_boot=80,
    )
    pd.testing.assert_frame_equal(moved, table)


def test_equal_predictions_have_no_change_and_no_significance(data):
    same = {"original": data["predictions"]["original"], "copy": data["predictions"]["original"]}
    table = stats.prediction_fairness(**data | {"predictions": same}, n_boot=50)
    assert (table[["change", "low", "high"]] == 0).all(axis=None)
    assert (table[["p", "q", "p_as_published"]] == 1).all(axis=None)


def test_a_small_group_is_left_out_named_and_decides_the_published_number(data):
    attributes = data["attributes"].copy()
    few = data["patient"] == 3
    attributes.loc[few, "race"] = "tiny"
    y = data["y_true"].copy()
    y.loc[few, "fracture"] = 0.0
    changed = data | {"attributes": attributes, "y_true": y}
    ours, published = (
        stats.prediction_fairness(**changed, n_boot=50, as_published=flag).set_index(["finding", "attribute", "metric"])
        for flag in (False, True)
    )
    key = ("fracture", "race", "eop")
    assert ours.loc[key, "left_out"].eq("tiny (tpr, fpr)").all()
    assert ours.loc[key, "n_positive"].ge(10).all()
    assert published.loc[key, "left_out"].eq("").all()
    assert published.loc[key, "n_positive"].eq(0).all()
    rates = metrics.rates_by_group(
        y["fracture"], data["predictions"]["original"]["fracture"], groups=attributes["race"]
    )
    assert published.loc[key, "baseline"].iloc[0] == pytest.approx(1 - rates["tpr"].min())
    assert ours.loc[key, "baseline"].iloc[0] == pytest.approx(rates["tpr"].max() - rates["tpr"].min())


def test_too_few_of_all_groups_is_no_test(data):
    y = data["y_true"].copy()
    y["fracture"] = y["fracture"].where(np.arange(len(y)) < 15, 0.0)
    table = stats.prediction_fairness(**data | {"y_true": y}, n_boot=50)
    empty = table[table["finding"] == "fracture"]
    assert empty[["baseline", "change", "low", "p", "q"]].isna().all(axis=None)
    assert empty["left_out"].str.contains("tpr").all()
    assert table.attrs["tests"] == len(table) - len(empty) == table["q"].notna().sum()


def test_score_fairness_by_hand():
    """Slices first give a patient, then patients a group."""
    scores = pd.DataFrame({"original": [0.8, 0.6, 0.9, np.nan, 0.5], "unet": [0.8, 0.4, 0.9, np.nan, 0.5]})
    found = stats.score_fairness(
        scores,
        attributes=pd.DataFrame({"sex": ["F", "F", "M", "M", None]}),
        patient=[1, 1, 2, 3, 4],
        minimum=1,
        n_boot=20,
    ).set_index("metric")
    assert found["baseline"].to_dict() == pytest.approx({"delta": 0.2, "percent": 100 * 0.2 / 0.7, "ser": 3})
    assert found["value"].to_dict() == pytest.approx({"delta": 0.3, "percent": 50, "ser": 4})
    assert (found["n"] == 2).all()
    assert (found["dropped"] > 0).all()  # a patient alone in a group is often not drawn


def test_score_fairness_agrees_with_the_plain_functions_and_knows_what_is_no_dice():
    rng = np.random.default_rng(0)
    groups = pd.DataFrame({"age": rng.choice(["old", "young", "oldest"], 200)})
    scores = pd.DataFrame(rng.beta(5, 2, (200, 2)), columns=["original", "unet"])
    found = stats.score_fairness(scores, attributes=groups, patient=range(200), n_boot=50).set_index("metric")
    for name, arm in (("baseline", "original"), ("value", "unet")):
        assert found.loc["delta", name] == pytest.approx(stats.gap(scores[arm], groups=groups["age"]))
        error = 1 - scores[arm].groupby(groups["age"]).mean()
        assert found.loc["ser", name] == pytest.approx(error.max() / error.min())
    decibel = stats.score_fairness(30 + scores, attributes=groups, patient=range(200), n_boot=50)
    assert list(decibel["metric"]) == ["delta", "percent"]


def test_bad_input_is_said(data):
    def wrong(said, **changed):
        with pytest.raises(InputError, match=said):
            stats.prediction_fairness(**data | changed, n_boot=5)

    wrong("baseline: must be .*, got 'clean'", baseline="clean")
    wrong("only the baseline", predictions={"original": data["predictions"]["original"]})
    wrong("the first is 2", y_true=data["y_true"].replace(0.0, 2.0))
    wrong("other than 0 and 1", predictions=data["predictions"] | {"unet": data["predictions"]["unet"] / 2})
    wrong("rows for 400 labels", predictions=data["predictions"] | {"unet": data["predictions"]["unet"][:-1]})
    wrong("index", predictions=data["predictions"] | {"unet": data["predictions"]["unet"][::-1]})
    wrong("index is not that of the cases", attributes=data["attributes"][::-1])
    wrong("index is not that of the cases", patient=pd.Series(data["patient"])[::-1])
    wrong("are absent", predictions=data["predictions"] | {"unet": data["predictions"]["unet"][["edema"]]})
    wrong("sex: 1 group", attributes=data["attributes"].assign(sex="F"))
    wrong("399 labels for 400", patient=data["patient"][1:])
    wrong("missing in 1 of 400", patient=np.where(np.arange(400) == 9, np.nan, data["patient"]))
    alternating = np.where(np.arange(400) % 2, "F", "M")
    wrong("more than one value, the first in row", attributes=data["attributes"].assign(sex=alternating))
    with pytest.raises(InputError, match="n_boot: must be 1 or more"):
        stats.prediction_fairness(**data, n_boot=0)
    with pytest.raises(InputError, match="1 values are infinite, the first under 'unet'"):
        stats.score_fairness(
            pd.DataFrame({"original": [1.0, 2, 3], "unet": [1, np.inf, 3]}),
            attributes=pd.DataFrame({"sex": list("FMM")}),
            patient=[1, 2, 3],
        )


def test_the_threshold_balances_and_ties_go_to_the_lower():
    y = [0, 0, 0, 1, 1, 1, np.nan]
    assert stats.choose_threshold(y, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.35]) == 0.4
    # from 0.2 on: specificity 1/2, sensitivity 1; from 0.7 on: specificity 1, sensitivity 1/2
    assert stats.choose_threshold([0, 1, 0, 1], [0.1, 0.2, 0.2, 0.7]) == 0.2
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, 300), np.round(rng.random(300), 2)
    distance = {t: abs((p[y == 1] >= t).mean() - (p[y == 0] < t).mean()) for t in np.unique(p)}
    assert distance[stats.choose_threshold(y, p)] == min(distance.values())


def test_predictions_start_at_the_threshold():
    found = stats.predict_at(pd.DataFrame({"edema": [0.1, 0.2, 0.3]}, index=[7, 8, 9]), {"edema": 0.2})
    assert found["edema"].to_dict() == {7: 0, 8: 1, 9: 1}
    with pytest.raises(InputError, match="no threshold for"):
        stats.predict_at(pd.DataFrame({"edema": [0.1]}), {"fracture": 0.2})
    with pytest.raises(InputError, match="1 of 1 values are outside 0 to 1"):
        stats.predict_at(pd.DataFrame({"edema": [1.1]}), {"edema": 0.2})


def test_a_threshold_from_the_test_cases_looks_more_balanced_than_it_is():
    rng = np.random.default_rng(0)
    frames = []
    for _ in range(2):
        y = rng.integers(0, 2, 200).astype(float)
        p = 1 / (1 + np.exp(-rng.normal(size=200) - y))
        sex = rng.choice(["F", "M"], 200)
        frames.append(pd.DataFrame({"patient_id": np.arange(200), "y_true": y, "probability": p, "sex": sex}))
    test, validation = frames
    found = stats.threshold_optimism(test, validation, attribute="sex", n_boot=200)
    cuts = [stats.choose_threshold(f["y_true"], f["probability"]) for f in (validation, test)]
    assert found.loc["threshold", ["from_validation", "from_test"]].tolist() == cuts
    for column, cut in zip(("from_validation", "from_test"), cuts, strict=True):
        hit = (test["probability"] >= cut).astype(int)
        tpr, fpr = (f(test["y_true"], hit) for f in (metrics.true_positive_rate, metrics.false_positive_rate))
        eodd = metrics.equalized_odds_difference(test["y_true"], hit, groups=test["sex"])
        expected = [abs(1 - fpr - tpr), (hit == test["y_true"]).mean(), eodd]
        assert found.loc[["balance", "accuracy", "eodd"], column].tolist() == pytest.approx(expected)
    assert found.loc["balance", "high"] <= 0  # no threshold balances these cases better than the one chosen on them
    with pytest.raises(InputError, match="absent"):
        stats.threshold_optimism(test.drop(columns="sex"), validation, attribute="sex")
    with pytest.raises(InputError, match="0 positives and 200 negatives"):
        stats.threshold_optimism(test, validation.assign(y_true=0), attribute="sex")
