"""Descriptions, gaps and rates: values, edges, and agreement with fairlearn, statsmodels and numpy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    demographic_parity_ratio,
    selection_rate,
)

from helpers import stats
from helpers.errors import InputError
from helpers.studies import biased_ruler

RNG = np.random.default_rng(1)
SCORE = pd.Series(RNG.beta(5, 2, 300))
GROUPS = pd.Series(RNG.choice(["x", "y", "z"], 300))


def test_by_group_agrees_with_pandas():
    table = stats.by_group(SCORE, groups=GROUPS)
    described = SCORE.groupby(GROUPS).describe()
    for ours, theirs in {"n": "count", "mean": "mean", "sd": "std", "q1": "25%", "median": "50%", "q3": "75%"}.items():
        np.testing.assert_allclose(table[ours], described[theirs])
    half = table["high"] - table["mean"]
    assert (half > 1.96 * table["sd"] / np.sqrt(table["n"])).all()  # t, not normal
    np.testing.assert_allclose(table["mean"] - table["low"], half)


def test_a_description_by_hand():
    table = stats.by_group([1.0, 2.0, 3.0, 4.0, 10.0, 7.0], groups=["a"] * 4 + ["b", None])
    assert list(table.columns) == ["n", "mean", "sd", "low", "high", "median", "q1", "q3", "note"]
    half = 3.182446 * np.sqrt(5 / 3) / 2  # t at 0.975 with three degrees of freedom
    assert table.loc["a", "n":"q3"].tolist() == pytest.approx(
        [4, 2.5, np.sqrt(5 / 3), 2.5 - half, 2.5 + half, 2.5, 1.75, 3.25]
    )
    assert table.loc["b", ["n", "mean", "median", "q1", "q3"]].tolist() == [1, 10, 10, 10, 10]
    assert table.loc["b", ["sd", "low", "high"]].isna().all()
    assert table.attrs["missing"] == 1
    narrow = stats.by_group([1.0, 2.0, 3.0, 4.0], groups=["a"] * 4, level=0.5).loc["a"]
    assert narrow["high"] - 2.5 == pytest.approx(0.764892 * np.sqrt(5 / 3) / 2)


def test_labels_of_several_types_are_in_order_within_each():
    assert list(stats.by_group([1.0, 2.0, 3.0, 4.0], groups=[2, "b", 1, "a"]).index) == [1, 2, "a", "b"]


def test_category_order_is_kept_and_empty_levels_are_left_out():
    groups = pd.Categorical(["b", "a", "b"], ["c", "b", "a"], ordered=True)
    assert list(stats.by_group([1.0, 2.0, 3.0], groups=groups).index) == ["b", "a"]


def test_missing_groups_are_left_out_and_counted():
    groups = GROUPS.where(GROUPS.index >= 7)
    table = stats.by_group(SCORE, groups=groups, show_missing=True)
    assert table.attrs["missing"] == 7
    assert table.loc["(missing)", "n"] == 7
    assert stats.gap(SCORE, groups=groups) == stats.gap(SCORE[7:], groups=GROUPS[7:])
    assert "(missing)" not in stats.by_group(SCORE, groups=groups).index


def test_a_group_of_one_is_too_few():
    table = stats.by_group([0.1, 0.2, 0.3], groups=["a", "a", "b"])
    assert np.isnan(table.loc["b", "sd"])
    assert list(table["note"]) == ["", "too few"]


def test_gap_and_contrast():
    score, groups = [1.0, 3.0, 5.0, 7.0], ["a", "a", "b", "c"]
    assert stats.gap(score, groups=groups) == 5
    assert stats.contrast(score, groups=groups, a="a", b="b") == 3
    assert stats.contrast(score, groups=groups, a="b", b="a") == -3


def test_rates_agree_with_fairlearn():
    good, threshold = stats.success(SCORE, threshold=0.8)
    assert threshold == 0.8
    theirs = MetricFrame(metrics=selection_rate, y_true=good, y_pred=good, sensitive_features=GROUPS)
    np.testing.assert_allclose(stats.success_rates(good, groups=GROUPS)["rate"], theirs.by_group)
    dpd = demographic_parity_difference(good, good, sensitive_features=GROUPS)
    assert stats.demographic_parity_difference(good, groups=GROUPS) == pytest.approx(dpd)
    dir_ = demographic_parity_ratio(good, good, sensitive_features=GROUPS)
    assert stats.disparate_impact_ratio(good, groups=GROUPS) == pytest.approx(dir_)


def test_a_best_quarter_that_ties_make_everybody_is_undefined():
    dice = [0.0] * 83 + list(np.linspace(0.1, 0.9, 27))
    groups = ["x", "y"] * 55
    with pytest.raises(InputError, match="the best 25% is undefined, because 83 of 110 scores tie at 0, the lowest"):
        stats.success(dice, quantile=0.75)
    table = stats.threshold_sweep(dice, groups=groups, a="x", b="y", quantiles=[0.75, 0.9])
    assert np.isnan(table.loc[0, "ratio"]) and "83 of 110 scores tie" in table.loc[0, "note"]
    assert table.loc[1, ["n_a", "n_b"]].tolist() == [55, 55] and table.loc[1, "ratio"] > 0
    frame = pd.DataFrame({"dice": dice, "dataset": (["p", "q"] * 55)[::-1], "age": np.linspace(30, 70, 110)})
    frame["age_group"] = pd.cut(frame["age"], [0, 40, 55, 99], labels=["Young", "Middle", "Older"])
    frame["ethnicity"] = ["Asian", "Caucasian"] * 55
    found = stats.out_of_fold_values(frame, n_boot=100)
    assert found["top25_DIR_Y_over_O"] is None and found["fixed_0.8"]["DPD_YO"] is not None
    values = stats.silver_values(frame, n_boot=100)
    assert [values[name] for name in ("top25_threshold", "top25_counts", "DPD_YO", "DIR_YO")] == [None] * 4
    assert values["ethnicity_top25"]["DIR"] is None and values["gap"] > 0


def test_success_takes_ties_as_defined():
    score = [0.1, 0.8, 0.8, 0.9]
    assert stats.success(score, threshold=0.8)[0].tolist() == [False, False, False, True]
    good, cut = stats.success(score, quantile=0.5)
    assert cut == 0.8
    assert good.tolist() == [False, True, True, True]
    for bad in ({}, {"threshold": 0.8, "quantile": 0.75}, {"quantile": 1.5}):
        with pytest.raises(InputError):
            stats.success(score, **bad)


def test_ratios_at_their_edges():
    groups = ["a", "a", "b", "b"]
    assert stats.disparate_impact_ratio([0, 0, 1, 0], groups=groups) == 0
    assert stats.rate_ratio([1, 0, 0, 0], groups=groups, a="a", b="b") == np.inf
    assert stats.rate_ratio([0, 0, 1, 0], groups=groups, a="a", b="b") == 0
    with pytest.raises(InputError, match="no case"):
        stats.disparate_impact_ratio([0, 0, 0, 0], groups=groups)


def test_rates_by_hand_count_cases_without_a_label():
    table = stats.success_rates([1, 0, 1, 1, 0], groups=["a", "a", "b", "b", None])
    assert table[["count", "n", "rate"]].to_numpy().tolist() == [[1, 2, 0.5], [2, 2, 1]]
    assert table.attrs["missing"] == 1
    assert table.loc["b", "high"] == 1
    assert table.loc["b", "low"] == pytest.approx(2 / (2 + 1.959964**2))  # Wilson's where all succeed
    narrow = stats.success_rates([1, 1], groups=["b", "b"], level=0.5)
    assert narrow.loc["b", "low"] == pytest.approx(2 / (2 + 0.67449**2), abs=1e-5)
    with pytest.raises(InputError, match="other than 0 and 1"):
        stats.success_rates([0.5, 1], groups=["a", "b"])


@pytest.mark.parametrize("of", [stats.demographic_parity_difference, stats.disparate_impact_ratio])
def test_rates_of_one_group_have_nothing_to_be_compared_with(of):
    with pytest.raises(InputError, match="at least 2"):
        of([1, 0, 1], groups=["a", "a", None])
    assert of([1, 0, 1, 0], groups=["a", "a", "b", "b"]) in (0, 1)


def test_wilson_interval():
    row = stats.success_rates([1] * 2 + [0] * 8 + [1], groups=["a"] * 10 + ["b"]).loc["a"]
    z, p, n = 1.959963985, 0.2, 10
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert (row["low"], row["high"]) == pytest.approx((middle - half, middle + half))


def test_sweep_flags_saturation_and_agrees_with_the_plain_functions():
    groups = GROUPS.replace({"z": "y"})
    table = stats.threshold_sweep(SCORE, groups=groups, a="x", b="y", thresholds=[0.0, 0.7, 0.99, 2.0])
    good, _ = stats.success(SCORE, threshold=0.7)
    row = table.iloc[1]
    assert row["ratio"] == pytest.approx(stats.rate_ratio(good, groups=groups, a="x", b="y"))
    assert row["difference"] == pytest.approx(stats.contrast(good, groups=groups, a="x", b="y"))
    assert row["ratio_low"] < row["ratio"] < row["ratio_high"]
    assert table["saturated"].tolist() == [True, False, True, True]
    assert table["note"].iloc[3] == "no success in a and b"
    assert np.isnan(table["ratio"].iloc[3])
    top = stats.threshold_sweep(SCORE, groups=groups, a="x", b="y", quantiles=[0.75]).iloc[0]
    assert top["threshold"] == np.quantile(SCORE, 0.75)


def test_a_sweep_by_hand():
    score, groups = [0.6, 0.9, 0.7, 0.95, 0.1], ["a", "a", "b", "b", None]
    table = stats.threshold_sweep(score, groups=groups, a="a", b="b", thresholds=[0.5, 0.65, 0.92])
    assert table[["count_a", "n_a", "count_b", "n_b"]].to_numpy().tolist() == [[2, 2, 2, 2], [1, 2, 2, 2], [0, 2, 1, 2]]
    assert table["rate_a"].tolist() == [1, 0.5, 0]
    assert table["rate_b"].tolist() == [1, 1, 0.5]
    assert table["difference"].tolist() == [0, 0.5, 0.5]
    assert table["ratio"].tolist() == [1, 0.5, 0]
    assert table.loc[0, ["ratio_low", "ratio_high"]].tolist() == [1, 1]
    assert table.loc[2, ["ratio_low", "ratio_high"]].isna().all()
    assert table["quantile"].isna().all()
    assert [bool(note) for note in table["note"]] == [True, False, True]
    turned = stats.threshold_sweep(score, groups=groups, a="b", b="a", thresholds=[0.92])
    assert turned.loc[0, ["difference", "ratio"]].tolist() == [-0.5, np.inf]


def test_a_sweep_has_the_intervals_of_newcombe_and_of_the_log_ratio():
    good, groups = [1] * 3 + [0] * 7 + [1] * 6 + [0] * 4, ["a"] * 10 + ["b"] * 10
    for level, z in ((0.95, 1.959964), (0.5, 0.674490)):
        row = stats.threshold_sweep(good, groups=groups, a="a", b="b", thresholds=[0.5], level=level).iloc[0]
        wilson = stats.success_rates(good, groups=groups, level=level)
        (la, ua), (lb, ub) = (wilson.loc[group, ["low", "high"]] for group in "ab")
        assert row["difference_low"] == pytest.approx(0.3 - np.hypot(0.6 - lb, ua - 0.3))
        assert row["difference_high"] == pytest.approx(0.3 + np.hypot(ub - 0.6, 0.3 - la))
        spread = np.exp(z * np.sqrt(0.7 / 3 + 0.4 / 6))
        assert row[["ratio_low", "ratio_high"]].tolist() == pytest.approx([0.5 / spread, 0.5 * spread], rel=1e-5)


def test_a_sweep_goes_from_a_half_to_nearly_one_unless_told():
    table = stats.threshold_sweep(SCORE, groups=GROUPS, a="x", b="y")
    assert table["threshold"].tolist() == [k / 100 for k in range(50, 97, 2)]


def test_saturation_begins_beyond_95_and_below_5_percent():
    groups = ["a"] * 50 + ["b"] * 50
    for successes, saturated in ((96, True), (95, False), (5, False), (4, True)):
        good = np.arange(100) % 50 * 2 + np.arange(100) // 50 < successes  # shared out between both
        row = stats.threshold_sweep(good.astype(float), groups=groups, a="a", b="b", thresholds=[0.5]).iloc[0]
        assert row["count_a"] + row["count_b"] == successes
        assert row["saturated"] == saturated
        assert bool(row["note"]) == saturated


def test_equity_scaling():
    score, groups = [0.8, 0.8, 0.9, 0.9], ["a", "a", "b", "b"]
    assert stats.equity_scaled(score, groups=groups) == pytest.approx(0.85 / 1.1)
    assert stats.equity_scaled(score, groups=groups, alpha=0) == pytest.approx(0.85)


def test_equity_scaling_leaves_out_cases_without_a_label():
    score, groups = [0.8, 0.8, 0.9, 0.9, 0.1], ["a", "a", "b", "b", None]
    assert stats.equity_scaled(score, groups=groups) == pytest.approx(0.85 / 1.1)
    assert stats.equity_scaled([0.8, 0.6, 0.1], groups=["a", "a", None]) == pytest.approx(
        0.7
    )  # one group has no spread


@pytest.mark.parametrize(
    ("score", "groups", "said"),
    [
        ([0.1, np.nan, np.nan], ["a", "b", "b"], "2 of 3 values are NaN"),
        ([0.1, np.inf], ["a", "b"], "1 of 2"),
        ([0.1, 0.2], ["a", "a"], "at least 2 are needed"),
        ([0.1, 0.2], [None, None], "at least 2 are needed"),
        ([0.1, 0.2], ["a", "b", "c"], "3 labels for 2 scores"),
        (["high", "low"], ["a", "b"], "not numbers"),
        ([], [], "n > 0"),
        ([[0.1], [0.2]], ["a", "b"], "shape"),
    ],
)
def test_bad_input_is_said(score, groups, said):
    with pytest.raises(InputError, match=said):
        stats.gap(score, groups=groups)


def test_unknown_group_and_foreign_index_are_said():
    with pytest.raises(InputError, match="no case has it"):
        stats.contrast(SCORE, groups=GROUPS, a="x", b="w")
    with pytest.raises(InputError, match="index"):
        stats.gap(SCORE, groups=GROUPS.sample(frac=1, random_state=0))


def spread_of(n_a: int, n_b: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Positive values of two groups, shuffled, and their labels; a is twice as large and varies more."""
    rng = np.random.default_rng(seed)
    values = np.concatenate([2 * rng.gamma(4, 1, n_a), rng.gamma(9, 0.5, n_b)])
    order = rng.permutation(n_a + n_b)
    return values[order], np.repeat(["a", "b"], [n_a, n_b])[order]


def test_ratios_agree_with_numpy():
    values, groups = spread_of(70, 40)
    a, b = values[groups == "a"], values[groups == "b"]
    found = biased_ruler.ratios(values, groups=groups, a="a", b="b", n_boot=500)
    assert list(found) == ["n_a", "n_b", "mean_ratio", "low", "high", "sd_ratio", "variance_ratio"]
    assert (found["n_a"], found["n_b"]) == (70, 40)
    assert found["mean_ratio"] == pytest.approx(a.mean() / b.mean())
    assert found["sd_ratio"] == pytest.approx(np.std(a, ddof=1) / np.std(b, ddof=1))
    assert found["variance_ratio"] == pytest.approx(np.var(a, ddof=1) / np.var(b, ddof=1))
    interval = stats.bootstrap(values, groups=groups, a="a", b="b", statistic="ratio", n_boot=500)
    assert (found["low"], found["high"]) == (interval.low, interval.high)
    # The delta method's standard error of a ratio of means.
    relative = np.sqrt(a.var(ddof=1) / (70 * a.mean() ** 2) + b.var(ddof=1) / (40 * b.mean() ** 2))
    assert found["high"] - found["low"] == pytest.approx(2 * 1.96 * relative * found["mean_ratio"], rel=0.2)


def test_ratios_of_the_groups_the_other_way_round_are_the_inverse():
    values, groups = spread_of(30, 30)
    first, second = (
        biased_ruler.ratios(values, groups=groups, a=a, b=b, n_boot=50) for a, b in (("a", "b"), ("b", "a"))
    )
    for name in ("mean_ratio", "sd_ratio", "variance_ratio"):
        assert first[name] * second[name] == pytest.approx(1)


def test_ratios_leave_out_cases_without_a_value():
    values, groups = spread_of(30, 20)
    with_gaps = np.append(values, [np.nan, np.nan]), np.append(groups, ["a", "b"])
    found = [biased_ruler.ratios(v, groups=g, a="a", b="b", n_boot=50) for v, g in ((values, groups), with_gaps)]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("values", "groups", "words"),
    [
        ([1, 2, 3, 4], ["a", "b", "b", "b"], "a has 1 and b 3 cases"),
        ([1, 2, 3, 4], ["a", "a", "a", "b"], "a has 3 and b 1 cases"),
        ([1, np.nan, 3, 4], ["a", "a", "b", "b"], "a has 1 and b 2 cases"),
        ([1, 2, 3, 3], ["a", "a", "b", "b"], "b does not vary"),
        ([1, 2, 3, 4], ["a", "a", "c", "c"], "no case has it"),
    ],
)
def test_ratios_need_two_cases_of_each_group_that_vary(values, groups, words):
    with pytest.raises(InputError, match=words):
        biased_ruler.ratios(values, groups=groups, a="a", b="b", n_boot=50)
