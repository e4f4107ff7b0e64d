"""Rates of predictions and their gaps: by hand, against scikit-learn and fairlearn, and at the edges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import equal_opportunity_difference, equalized_odds_difference
from sklearn.metrics import roc_auc_score

from helpers import metrics
from helpers.errors import InputError


def cases(n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y, groups = rng.integers(0, 2, n).astype(float), rng.choice(["a", "b", "c"], n)
    return y, (rng.random(n) < 0.2 + 0.5 * y - 0.1 * (groups == "c")).astype(int), groups


def test_rates_by_hand():
    y, predicted = [1, 1, 1, 0, 0, np.nan], [1, 1, 0, 1, 0, 1]
    assert metrics.true_positive_rate(y, predicted) == pytest.approx(2 / 3)
    assert metrics.false_positive_rate(y, predicted) == 0.5
    assert np.isnan(metrics.true_positive_rate([0, 0], [0, 1]))
    assert np.isnan(metrics.false_positive_rate([1, np.nan], [0, 1]))


def test_rates_of_each_group_by_hand():
    y, predicted = [1, 1, 1, 0, 0, 1, 0, 0, np.nan], [1, 1, 0, 1, 0, 1, 0, 0, 1]
    table = metrics.rates_by_group(y, predicted, groups=[*"aaaaabbb", "b"], minimum=1)
    assert list(table.columns) == ["n", "n_positive", "n_negative", "tpr", "fpr", "left_out"]
    assert table.loc["a"].tolist() == [5, 3, 2, pytest.approx(2 / 3), 0.5, ""]
    assert table.loc["b"].tolist() == [3, 1, 2, 1, 0, ""]
    few = metrics.rates_by_group(y, predicted, groups=[*"aaaaabbb", None], minimum=2)
    assert few.loc["b", ["n_positive", "left_out"]].tolist() == [1, "tpr"]
    assert few.attrs["missing"] == 1


@pytest.mark.parametrize("seed", range(3))
def test_differences_agree_with_fairlearn(seed):
    y, predicted, groups = cases(seed=seed)
    theirs = equalized_odds_difference(y, predicted, sensitive_features=groups, agg="mean")
    assert metrics.equalized_odds_difference(y, predicted, groups=groups) == pytest.approx(theirs, abs=1e-12)
    theirs = equal_opportunity_difference(y, predicted, sensitive_features=groups)
    assert metrics.equal_opportunity_difference(y, predicted, groups=groups) == pytest.approx(theirs, abs=1e-12)


def test_missing_labels_and_groups_are_left_out_and_counted():
    y, predicted, groups = cases()
    gone = np.arange(len(y)) < 50
    groups = groups.astype(object)
    with_gaps = np.where(gone[:25].tolist() + [False] * 375, np.nan, y)
    holes = np.where(gone & ~np.isnan(with_gaps), None, groups)
    table = metrics.rates_by_group(with_gaps, predicted, groups=holes)
    assert table.attrs["missing"] == 50
    pd.testing.assert_frame_equal(table, metrics.rates_by_group(y[50:], predicted[50:], groups=groups[50:]))


def test_a_small_group_is_left_out_and_named_unless_as_published():
    y = [1.0] * 12 + [0.0] * 12 + [1.0] * 12 + [0.0] * 12 + [0.0] * 11
    predicted = [1] * 9 + [0] * 3 + [1] * 3 + [0] * 9 + [1] * 6 + [0] * 18 + [1] * 11
    groups = ["a"] * 24 + ["b"] * 24 + ["none"] * 11
    table = metrics.rates_by_group(y, predicted, groups=groups)
    assert table["left_out"].tolist() == ["", "", "tpr"]
    assert np.isnan(table.loc["none", "tpr"])
    assert table.loc["none", "fpr"] == 1
    assert metrics.equal_opportunity_difference(y, predicted, groups=groups) == 0.25
    published = metrics.equal_opportunity_difference(y, predicted, groups=groups, as_published=True)
    assert published == 0.5  # the group without a positive counts as perfect
    assert metrics.rates_by_group(y, predicted, groups=groups, as_published=True)["left_out"].eq("").all()
    assert metrics.equalized_odds_difference(y, predicted, groups=groups) == (0.25 + 1) / 2
    assert metrics.rates_by_group(y, predicted, groups=groups, minimum=12).loc["none", "left_out"] == "tpr, fpr"
    with pytest.raises(InputError, match="have 13 positives or more"):
        metrics.equalized_odds_difference(y, predicted, groups=groups, minimum=13)


def test_too_few_negatives_are_said_as_such():
    y = [1.0] * 20 + [0.0] * 4
    with pytest.raises(InputError, match=r"0 of 2 .* 5 negatives"):
        metrics.equalized_odds_difference(y, y, groups=["a", "b"] * 12, minimum=5)
    assert metrics.equal_opportunity_difference(y, y, groups=["a", "b"] * 12, minimum=5) == 0


def test_a_group_without_negatives_has_a_rate_of_zero_as_published():
    table = metrics.rates_by_group([1, 1, 0, 1], [1, 1, 1, 0], groups=list("aabb"), as_published=True)
    assert table.loc["a", "fpr"] == 0
    assert table.loc["b", ["tpr", "fpr"]].tolist() == [0, 1]


def test_auroc_agrees_with_scikit_learn_and_masks():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200).astype(float)
    score = np.round(rng.random(200) + 0.2 * y, 1)  # many ties
    found = metrics.auroc(np.where(np.arange(200) < 20, np.nan, y), score)
    assert found.value == pytest.approx(roc_auc_score(y[20:], score[20:]), abs=1e-12)
    assert (found.n, found.n_positive, found.note) == (180, int(y[20:].sum()), "")
    assert metrics.auroc([0, 1, 0, 1], [0.5] * 4).value == 0.5


@pytest.mark.parametrize(
    ("y", "note"), [([1, 1, np.nan], "no negative"), ([0, 0, np.nan], "no positive"), ([np.nan] * 3, "no case")]
)
def test_auroc_says_which_class_is_absent(y, note):
    found = metrics.auroc(y, [0.1, 0.2, 0.3])
    assert np.isnan(found.value)
    assert found.note == note


@pytest.mark.parametrize(
    ("y", "predicted", "groups", "said"),
    [
        ([0, 1, 2], [0, 1, 0], list("aab"), "1 of 3 labels are not 0, 1 or NaN, the first is 2"),
        ([0, 1, -1], [0, 1, 0], list("aab"), "the first is -1"),
        ([0, 1, 1], [0, 0.5, 0], list("aab"), "other than 0 and 1"),
        ([0, 1, 1], [0, np.nan, 0], list("aab"), "1 of 3 values are NaN"),
        ([0, 1, 1], [0, 1], list("aab"), "2 values for 3 labels"),
        ([0, 1, 1], [0, 1, 0], list("aa"), "2 labels for 3 cases"),
        (["yes", "no"], [0, 1], list("ab"), "not numbers"),
        ([0, 1] * 20, [0, 1] * 20, ["a"] * 40, "2 are needed"),
        ([], [], [], "n > 0"),
    ],
)
def test_bad_input_is_said(y, predicted, groups, said):
    with pytest.raises(InputError, match=said):
        metrics.equalized_odds_difference(y, predicted, groups=groups)


# Labels as lists, tables and older files hold them; the last of each is missing.
@pytest.mark.parametrize(
    "labels",
    [
        [0, 1, 1, None],
        np.array([0, 1, 1, None], object),
        pd.Series([0, 1, 1, None], dtype="Int64"),
        pd.Series([False, True, True, None], dtype=object),
        np.float32([0, 1, 1, np.nan]),
    ],
    ids=lambda v: type(v).__name__,
)
def test_a_missing_label_is_left_out_however_it_is_stored(labels):
    assert metrics.true_positive_rate(labels, [0, 1, 0, 1]) == 0.5
    assert metrics.auroc(labels, [0.1, 0.2, 0.3, 0.4]) == (1.0, 3, 2, "")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.array([0, 1, 1j]), "complex values"),
        (np.ma.masked_equal([0, 1, 1], 0), "masked array"),
        (["0", "1", "1"], "not numbers"),
        (np.array(["0", 1, 1], object), "not numbers"),
        (np.array([0, 1, 1j], object), "not numbers"),
        (np.array([0, 1, 1], "M8[D]"), "not numbers"),
        ([[0, 1], [1]], "not an array of numbers"),
        ([[0, 1, 1]], r"shape \(1, 3\), expected \(n,\)"),
        (None, r"shape \(\), expected \(n,\)"),
    ],
)
def test_what_is_no_row_of_numbers_is_refused_in_one_line(values, said):
    calls = [
        ("y_true", lambda v: metrics.auroc(v, [0.1, 0.2, 0.3])),
        ("score", lambda v: metrics.auroc([0, 1, 1], v)),
        ("y_true", lambda v: metrics.true_positive_rate(v, [0, 1, 1])),
        ("y_pred", lambda v: metrics.false_positive_rate([0, 1, 1], v)),
        ("y_pred", lambda v: metrics.rates_by_group([0, 1, 1], v, groups=list("aab"))),
    ]
    for name, call in calls:
        with pytest.raises(InputError, match=f"^{name}: .*{said}") as found:
            call(values)
        assert "\n" not in str(found.value)


def test_groups_of_texts_with_a_missing_one():
    y, predicted = [0, 1] * 30, [1, 0] * 30
    with_missing = np.array(["a", "b", np.nan] * 20)  # NumPy writes the text "nan"
    found = metrics.rates_by_group(y, predicted, groups=with_missing)
    assert list(found.index) == ["a", "b"] and found.attrs["missing"] == 20


@pytest.mark.parametrize("groups", [np.array([["a", "b", "b"]]), pd.DataFrame({"sex": list("aab")}), "aab", None])
def test_groups_that_are_no_row_are_refused(groups):
    with pytest.raises(InputError, match=r"groups: shape .*, expected \(n,\)"):
        metrics.rates_by_group([0, 1, 1], [0, 1, 1], groups=groups)


@pytest.mark.parametrize("minimum", ["10", None, -1, np.nan, True, [10]])
def test_a_minimum_that_is_no_number_is_refused(minimum):
    with pytest.raises(InputError, match=r"minimum = .*: expected a number of cases"):
        metrics.rates_by_group([0, 1], [0, 1], groups=["a", "b"], minimum=minimum)


def test_a_score_that_is_not_finite_is_said():
    with pytest.raises(InputError, match="1 of 2 values are NaN or infinite"):
        metrics.auroc([0, 1], [0.5, np.inf])
    with pytest.raises(InputError, match="3 values for 2 labels"):
        metrics.auroc([0, 1], [0.5, 0.1, 0.2])
