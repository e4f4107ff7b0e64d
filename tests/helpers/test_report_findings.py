"""What the audit says in words, from numbers that are given."""

import pandas as pd
import pytest

from helpers import report, stats
from helpers.errors import InputError
from helpers.studies import own_scores


def said(p_holm=0.01, family=1, groups=1, **given):
    """The finding of the first of `family` attributes; its groups by what is given of the source."""
    overall = {"gap": 0.05, "expected": 0.01, "p": p_holm, "p_holm": p_holm, "groups": groups + 1, "n": 200}
    overall = pd.DataFrame([overall] * family, index=["sex", *range(family - 1)])
    row = {"reference": "m", "n": 100, "n_reference": 100, "estimate": 0.05, "low": 0.01, "high": 0.1}
    table = pd.DataFrame([row | {"detectable": 0.07}] * groups, index=["f", "x"][:groups])
    model = {"given": {"sex": pd.DataFrame(given, index=["f"])}, "source": "hospital"} if given else {}
    return own_scores.findings("dice", overall, {"sex": table}, **model).loc["sex", "finding"]


def of(alone, given, change):
    """A row of `stats.given_source`."""
    ends = {"alone": ["alone", "alone_low", "alone_high"], "given": ["given", "low", "high"]}
    ends["change"] = ["change", "change_low", "change_high"]
    numbers = {"alone": alone, "given": given, "change": change}
    return {name: value for key in ends for name, value in zip(ends[key], numbers[key], strict=True)}


@pytest.mark.parametrize(
    ("alone", "given", "change", "says"),
    [
        ((0.05, 0.001, 0.10), (0.048, -0.002, 0.098), (-0.002, -0.01, 0.006), "explains it is not shown"),
        ((0.05, 0.01, 0.09), (0.01, -0.03, 0.05), (-0.04, -0.06, -0.02), "hospital can account for it"),
        ((0.05, 0.01, 0.09), (-0.06, -0.09, -0.03), (-0.11, -0.15, -0.07), "it turns round"),
        ((0.05, 0.01, 0.09), (0.04, 0.01, 0.07), (-0.01, -0.02, -0.001), "It stays given hospital"),
        ((0.02, -0.01, 0.05), (0.01, -0.02, 0.04), (-0.01, -0.02, -0.001), "matters, but neither"),
        ((0.02, -0.01, 0.05), (0.06, 0.02, 0.10), (0.04, 0.02, 0.06), "hospital can hide it"),
        ((0.02, -0.01, 0.05), (0.06, 0.02, 0.10), (0.04, -0.01, 0.09), "explains it is not shown"),
        ((0.05, 0.01, 0.09), (0.01, -0.03, 0.05), (-0.04, float("nan"), float("nan")), "explains it is not shown"),
    ],
)
def test_the_source_is_said_to_account_for_a_contrast_only_where_it_changes_it(alone, given, change, says):
    words = said(**of(alone, given, change))
    endings = {"can account for it", "turns round", "It stays", "explains it is not shown", "matters", "can hide it"}
    assert says in words and sum(end in words for end in endings) == 1
    for estimate, *_ in (alone, given):  # both, each with its interval
        assert f"{estimate:.3f} [".replace("-", "\N{MINUS SIGN}") in words


def test_a_score_of_0_and_1_is_spoken_of_as_a_rate():
    overall = pd.DataFrame([{"gap": 0.1, "expected": 0.02, "p": 0.01, "p_holm": 0.01, "groups": 2, "n": 200}], ["sex"])
    for p, says in (
        (0.01, "The rate of right differs between groups"),
        (0.5, "No difference of the rate of right was"),
    ):
        words = own_scores.findings("right", overall.assign(p_holm=p), {}, binary=True).loc["sex", "finding"]
        assert words.startswith(says) and "difference of group rates is 0.1" in words and "ean" not in words


@pytest.mark.parametrize(
    ("kind", "verdict", "says"),
    [
        ("ruler", "hides", "By other it changes by −0.030 [−0.050, −0.010]: that ruler shows less of it."),
        ("model", "hides", "With the model other it changes by −0.030 [−0.050, −0.010]: its gap is smaller."),
        ("model", "not shown", "With the model other it changes by −0.030 [−0.050, −0.010]: it changes within noise."),
    ],
)
def test_a_second_model_hides_nothing(kind, verdict, says):
    overall = pd.DataFrame([{"gap": 0.1, "expected": 0.02, "p": 0.01, "p_holm": 0.01, "groups": 2, "n": 200}], ["sex"])
    row = {
        "reference": "m",
        "n": 100,
        "n_reference": 100,
        "estimate": 0.05,
        "low": 0.01,
        "high": 0.1,
        "detectable": 0.07,
    }
    change = pd.DataFrame([{"change": -0.03, "low": -0.05, "high": -0.01, "verdict": verdict}], ["f"])
    asked = {"changed": {"sex": change}, "second": "other", "second_is": kind}
    words = own_scores.findings("dice", overall, {"sex": pd.DataFrame([row], ["f"])}, **asked).loc["sex", "finding"]
    assert words.endswith(says)


@pytest.mark.parametrize(
    ("hidden", "says"),
    [
        ({"x": 3}, "Suppressed, not absent: x (under 10 cases)."),
        ({"x": 3, "y": 4}, "Suppressed, not absent: x; y (each under 10 cases)."),
        ({"x": 3, "y": None}, "x (under 10 cases) and 1 more, which would give the size of a small one away."),
    ],
)
def test_a_suppressed_group_is_not_called_absent(hidden, says):
    overall = pd.DataFrame([{"gap": 0.1, "expected": 0.02, "p": 0.01, "p_holm": 0.01, "groups": 2, "n": 200}], ["sex"])
    words = own_scores.findings("dice", overall, {}, suppressed={"sex": hidden}).loc["sex", "finding"]
    assert words.endswith(says)


def test_suppressed_groups_have_a_row_in_every_table():
    groups = pd.DataFrame({"sex": ["f"] * 40 + ["m"] * 35, "skin": ["I"] * 33 + ["II"] * 7 + ["I"] * 20 + ["II"] * 15})
    groups = groups.astype("category")
    crossed = stats.intersections(groups)
    hidden = own_scores.suppressed_cells(groups, crossed)["sex and skin"]
    assert hidden["f, II"] == 7 and None in hidden.values()  # and those that would give the seven away
    sizes = {"skin": pd.DataFrame({"n": [60, 4, 9]}, index=["I", "III", stats.NOT_RECORDED])}
    assert own_scores.suppressed(sizes) == {"skin": {"III": 4}}
    shown, hide = own_scores.with_suppressed({"skin": pd.DataFrame({"n": [60], "mean": [0.5]}, index=["I"])},
                                             {"skin": {"III": 4, "IV": None}})  # fmt: skip
    table = report.show(shown, hide=hide)
    assert table.loc[("skin", "III")].tolist() == ["<10", "suppressed"]
    assert table.loc[("skin", "IV")].tolist() == ["suppressed", "suppressed"]


def test_an_attribute_whose_groups_are_suppressed_is_not_said_to_have_one_group():
    groups = pd.Series(["f"] * 40 + ["m"] * 5 + ["x"] * 3, dtype="category", name="sex")
    with pytest.raises(InputError, match=r"2 are needed; 2 smaller group\(s\) suppressed"):
        stats.comparable(groups)


def test_what_could_be_seen_is_that_of_one_uncorrected_test():
    one, three = said(p_holm=0.4), said(p_holm=0.4, family=3)
    assert "one t test at 5%, not corrected, finds a true difference of 0.07 in four of five" in one
    assert "larger" not in one and "corrected for the 3 questions asked here, it would have to be larger" in three


def test_a_shown_interval_is_named_where_no_test_shows_it():
    """The interval of the row is above zero, and p is not under 5%; with one question there are no others."""
    one, three = said(p_holm=0.4), said(p_holm=0.4, family=3)
    assert "better for f, by the bootstrap, unlike the permutation test." in one and "other questions" not in one
    assert "by the bootstrap, which is of this contrast alone, not of the other questions." in three


@pytest.mark.parametrize("size", [0.0, 1.11e-16])
def test_equal_scores_have_no_detectable_difference(size):
    overall = {"gap": size, "expected": size, "p": 1.0, "p_holm": 1.0, "groups": 2, "n": 200}
    row = {"reference": "m", "n": 99, "n_reference": 101, "estimate": 0.0, "low": 0.0, "high": 0.0, "detectable": size}
    words = own_scores.findings("dice", pd.DataFrame([overall], ["sex"]), {"sex": pd.DataFrame([row], ["f"])})
    words = words.loc["sex", "finding"]
    assert "is 0, and chance alone gives 0" in words and "e-1" not in words
    assert "true difference of 0" not in words and "all scores are equal" in words


def test_a_contrast_given_the_source_has_the_reference_of_the_contrast():
    table = {"reference": "f", **of((0.05, 0.01, 0.09), (0.01, -0.03, 0.05), (-0.04, -0.06, -0.02))}
    assert "another largest group" in said(**table) and "account" not in said(**table)
    assert "account for it" in said(**table | {"reference": "m"})


def test_the_interval_of_a_picked_group_is_called_optimistic():
    assert "optimistic" in said(groups=2) and "optimistic" not in said()
