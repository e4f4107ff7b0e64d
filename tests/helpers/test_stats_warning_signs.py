"""Signs that warn of errors: measures by hand and by other packages, and their intervals."""

import numpy as np
import pandas as pd
import pytest
import scipy
from sklearn.metrics import roc_auc_score

from helpers import stats
from tests.helpers.repeats import GROUPS, at_most, world


def pooled(rows, sign, n_boot=200):
    """Measures of both groups together."""
    found = stats.compare_signs(rows, [sign], error="nmse", n_boot=n_boot, **GROUPS)
    return found[found["scope"] == "pooled"]


def test_a_perfect_sign_warns_perfectly():
    rows = world(9)
    noise = 0.01 * np.random.default_rng(0).random(len(rows))
    rows["sign"], rows["side"] = 3 * rows["nmse"] - 1, (rows["group"] == "dark") + noise
    found = pooled(rows, "sign", n_boot=20).set_index("measure")
    for measure in ("rank correlation", "AUROC, served badly"):
        assert found.loc[measure, ["estimate", "low", "high"]].to_numpy(float) == pytest.approx(1)
    by_group = pooled(rows, "side", n_boot=20)
    assert (by_group.loc[by_group["measure"] == "AUROC, dark", "estimate"] == 1).all()
    against = pooled(rows.assign(sign=-rows["nmse"]), "sign", n_boot=20)
    worst = against.set_index("measure")["estimate"]
    assert worst["rank correlation"].to_numpy() == pytest.approx(-1) and (worst["AUROC, served badly"] == 0).all()


def test_a_random_sign_does_not_warn():
    rows, runs, tested = world(10, runs=8), 8, 30
    rows["sign"] = np.random.default_rng(1).normal(size=len(rows))
    found = pooled(rows, "sign", n_boot=60)
    for _, row in found.iterrows():
        if row["measure"] == "rank correlation":
            null, error = 0, np.sqrt(1 / (tested - 1) / runs)
        else:
            hits = 8 if "badly" in row["measure"] else 15
            null, error = 0.5, np.sqrt((tested + 1) / (12 * hits * (tested - hits)) / runs)
        assert abs(row["estimate"] - null) < 4 * error
        assert row["high"] - row["low"] > error
    null = found["measure"].ne("rank correlation") / 2
    assert ((found["low"] > null) | (found["high"] < null)).sum() <= at_most(len(found), 0.05)
    assert found["runs"].eq(runs).all() and found["n_images"].eq(rows["image"].nunique()).all()


def test_measures_are_those_of_scikit_learn_and_scipy_with_ties():
    rows = world(11)
    rows["sign"] = (rows["nmse"] + np.random.default_rng(2).normal(0, 0.1, len(rows))).round(1)
    found = pooled(rows, "sign", n_boot=20)
    found = found.set_index(["training", "measure"])["estimate"]
    for training, part in rows.groupby("training"):
        direct = []
        for _, p in part.groupby("run"):
            large = p["nmse"] > p["nmse"].quantile(0.75)
            ranks = scipy.stats.spearmanr(p["nmse"], p["sign"]).statistic
            direct.append((ranks, roc_auc_score(large, p["sign"]), roc_auc_score(p["group"] == "dark", p["sign"])))
        assert found[training].to_list() == pytest.approx(np.mean(direct, axis=0).tolist())


@pytest.mark.slow
def test_intervals_of_a_sign_are_those_of_other_images():
    """Where all runs are alike; by the placements of DeLong et al."""
    rng, n = np.random.default_rng(5), 60
    group = np.repeat(["light", "dark"], n // 2)
    images = pd.DataFrame({"image": range(n), "group": group, "nmse": rng.random(n), "sign": rng.normal(size=n)})
    images["sign"] += group == "dark"
    rows = images.merge(pd.DataFrame({"run": range(4)}), "cross").merge(
        pd.DataFrame({"training": list("ABC")}), "cross"
    )
    found = pooled(rows, "sign", n_boot=400).set_index("measure")
    direct = np.array(stats.rank_biserial_interval(images["sign"], groups=images["group"], **GROUPS))
    area = found.loc["AUROC, dark"]
    assert area["estimate"].to_list() == pytest.approx([(1 + direct[0]) / 2] * 3)
    assert (area["high"] - area["low"]).to_list() == pytest.approx([(direct[2] - direct[1]) / 2] * 3, rel=0.15)


@pytest.mark.slow
def test_intervals_of_a_sign_are_those_of_other_runs():
    """Every second run turns the sign, so that what varies is which runs there are."""
    rows = world(15, runs=8)
    rows["sign"] = rows["nmse"] * np.where(rows["run"] % 2, -1, 1)
    found = pooled(rows, "sign").set_index("measure").loc["rank correlation"]
    half = scipy.stats.t.ppf(0.975, 7) * np.std([1, -1] * 4, ddof=1) / np.sqrt(8)
    assert found["estimate"].to_numpy() == pytest.approx(0)
    np.testing.assert_allclose((found["high"] - found["low"]) / 2, half, rtol=0.2)


def test_intervals_of_a_sign_stay_where_its_measures_can_be():
    rows = world(12, runs=3, tested=10)
    rows["sign"] = rows["nmse"] + np.random.default_rng(3).normal(0, 0.02 * (1 + 4 * rows["run"]))
    found = pooled(rows, "sign", n_boot=60).set_index("measure")
    assert found["high"].max() == 1 and (found["low"] <= found["estimate"]).all()
    lowest = pooled(rows.assign(sign=-rows["sign"]), "sign", n_boot=60)
    assert lowest["low"].min() >= -1 and lowest.loc[lowest["measure"] != "rank correlation", "low"].min() == 0


def test_no_interval_where_replicates_often_draw_no_image_of_a_small_run():
    rows = world(13, runs=3, pool=100, tested=2)
    rows["sign"] = np.random.default_rng(4).normal(size=len(rows))
    found = pooled(rows, "sign")
    assert found["estimate"].notna().all() and found[["low", "high"]].isna().all(axis=None)
