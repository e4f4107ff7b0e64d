"""What the audit says in words, from numbers that are given."""

import pandas as pd
import pytest

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
        ((0.02, -0.01, 0.05), (0.01, -0.02, 0.04), (-0.01, -0.02, -0.001), "explains it is not shown"),
        ((0.05, 0.01, 0.09), (0.01, -0.03, 0.05), (-0.04, float("nan"), float("nan")), "explains it is not shown"),
    ],
)
def test_the_source_is_said_to_account_for_a_contrast_only_where_it_changes_it(alone, given, change, says):
    words = said(**of(alone, given, change))
    endings = {"can account for it", "turns round", "It stays", "is not shown"}
    assert says in words and sum(end in words for end in endings) == 1
    for estimate, *_ in (alone, given):  # both, each with its interval
        assert f"{estimate:.3f} [".replace("-", "\N{MINUS SIGN}") in words


def test_what_could_be_seen_is_that_of_one_uncorrected_test():
    one, three = said(p_holm=0.4), said(p_holm=0.4, family=3)
    assert "one t test at 5%, not corrected, finds a true difference of 0.07 in four of five" in one
    assert "larger" not in one and "corrected for the 3 questions asked here, it would have to be larger" in three


def test_the_interval_of_a_picked_group_is_called_optimistic():
    assert "optimistic" in said(groups=2) and "optimistic" not in said()
