"""The rule of verdicts by interval, its power, and what it refuses."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from helpers.errors import InputError
from helpers.report import claims, verdicts

NONE = {"kind": "none", "margin": 0.1, "unit": "dice", "published": "0"}
LESS = {**NONE, "kind": "not_worse", "worse": "lower"}
MORE = {**NONE, "kind": "not_worse", "worse": "higher"}
EFFECT = {"kind": "effect", "published": "0.10"}
SIDE = {"kind": "effect", "published": "> 0", "comparable": False}


def judged(**given):
    """A claim about the Dice, judged on other real data."""
    about = {"statement": "s", "reference": "r", "statistic": "mean Dice", "source": "real", "scope": "effect"}
    return claims.claim("x", **{**about, **given})


def ends(low, high, low90=None, high90=None):
    return {"ours": (low + high) / 2, "low": low, "high": high, "low90": low90, "high90": high90}


@pytest.mark.parametrize(
    ("claim", "found", "verdict"),
    [
        (EFFECT, ends(0.02, 0.2), "reproduced"),
        (EFFECT, ends(-0.02, 0.2), "inconclusive"),
        (EFFECT, ends(0, 0.2), "inconclusive"),  # an end on no effect includes it
        (EFFECT, ends(-0.2, -0.02), "contradicted"),
        (EFFECT, ends(0.2, 0.4), "differs"),
        (EFFECT, ends(0.01, 0.05), "differs"),
        ({**EFFECT, "comparable": False}, ends(0.2, 0.4), "direction"),
        (SIDE, ends(0.1, 0.3), "direction"),
        (SIDE, ends(-0.1, 0.5), "inconclusive"),
        (SIDE, ends(-0.3, -0.1), "contradicted"),
        ({**SIDE, "published": "< 0"}, ends(-0.3, -0.1), "direction"),
        ({**SIDE, "published": "< 0.07", "no_effect": 0.07}, ends(0.01, 0.03), "direction"),
        ({"kind": "effect", "published": "0.9", "no_effect": 1.0}, ends(0.8, 1.1), "inconclusive"),
        ({"kind": "effect", "published": "0.9", "no_effect": 1.0}, ends(0.8, 0.95), "reproduced"),
        (NONE, ends(-0.12, 0.09, -0.10, 0.08), "reproduced"),  # the 90% interval decides, not the 95% interval
        (NONE, ends(-0.13, 0.09, -0.11, 0.08), "inconclusive"),
        (NONE, ends(0.01, 0.06, 0.02, 0.05), "reproduced"),  # an effect that does not matter
        (NONE, ends(0.09, 0.3, 0.11, 0.28), "differs"),
        (NONE, ends(-0.3, -0.09, -0.28, -0.11), "differs"),
        (NONE, ends(-0.8, 0.4, -0.7, 0.3), "inconclusive"),  # holds 0, however wide
        ({**NONE, "no_effect": 0.5, "published": "0.5"}, ends(0.4, 0.6, 0.42, 0.58), "reproduced"),
        (LESS, ends(-0.12, 0.9, -0.09, 0.8), "reproduced"),  # a gain is no loss
        (LESS, ends(-0.12, 0.05, -0.11, 0.04), "inconclusive"),
        (LESS, ends(-0.4, -0.1, -0.3, -0.11), "differs"),
        (MORE, ends(-0.9, 0.12, -0.8, 0.09), "reproduced"),
        (MORE, ends(0.1, 0.4, 0.11, 0.3), "differs"),
    ],
)
def test_verdicts_follow_the_rule(claim, found, verdict):
    row = judged(**claim, **found)
    assert row["verdict"] == verdict and row["why"]


# A printed uncertainty: 0.10 with an SE, or an interval, of which the difference from ours takes its share.
@pytest.mark.parametrize(
    ("printed", "found", "verdict"),
    [
        ({}, ends(0.12, 0.28), "differs"),
        ({"published_se": 0.04}, ends(0.12, 0.28), "direction"),  # 0.10 ± 0.112, beyond the printed effect of 0.10
        ({"published_se": 0.02}, ends(0.11, 0.17), "reproduced"),  # 0.04 ± 0.049: to 0.089
        ({"published_se": 0.01}, ends(0.12, 0.20), "differs"),  # 0.06 ± 0.045
        ({"published_se": 0.02}, ends(-0.01, 0.17), "inconclusive"),  # ours has to exclude no effect by itself
        ({"published_se": 0.02}, ends(-0.17, -0.01), "contradicted"),
        ({"published_low": 0.06, "published_high": 0.14}, ends(0.11, 0.17), "reproduced"),  # 0.04 ± 0.05
        ({"published_low": 0.03, "published_high": 0.17}, ends(0.11, 0.17), "direction"),  # up to 0.04 + 0.076
        ({"published_low": 0.09, "published_high": 0.12}, ends(0.11, 0.17), "differs"),  # from 0.04 - 0.036
        ({"published_n": 400, "n": 100}, ends(0.05, 0.13), "reproduced"),  # theirs is half as wide
        ({"published_n": 16, "n": 100}, ends(0.05, 0.13), "direction"),  # 2.5 times as wide: down to -0.01 - 0.108
    ],
)
def test_the_uncertainty_of_the_paper_counts_too(printed, found, verdict):
    """Ends by hand: the squares of the distances from value to end are added (for normal errors, of both SE)."""
    assert judged(**EFFECT, **printed, **found)["verdict"] == verdict


def test_the_difference_is_the_prediction_interval_of_normal_values():
    """Patil, Peng and Leek (2016): the printed value plus or minus 1.96 times the root of both squared SE."""
    ours = verdicts.Ours(0.3, *(0.3 + np.array([-1, 1]) * 1.959963984540054 * 0.03))
    low, high = verdicts.printed_interval("x", 0.2, ours, se=0.04)
    asked = verdicts.Asked("effect", 0.2, low=low, high=high)
    assert verdicts.difference(asked, ours) == pytest.approx(0.1 + np.array([-1, 1]) * 1.959963984540054 * 0.05)


# By hand: with 40 patients, 20 a group, a distance of 0.1 becomes sqrt(20 / 19) 2.093 / 1.960 = 1.0956 times as long.
@pytest.mark.parametrize(
    ("claim", "low", "n", "verdict"),
    [
        (SIDE, 0.008, 40, "inconclusive"),
        (SIDE, 0.010, 40, "direction"),  # 0.1 - 0.09 x 1.0956 = 0.0014
        (SIDE, 0.008, 4000, "direction"),
        (SIDE, 0.008, 5.0, "direction"),  # seeds: the interval has Student's quantile already
        (SIDE, 0.008, None, "direction"),
        ({**EFFECT, "published": "0.005"}, 0.006, 40, "inconclusive"),
        ({**EFFECT, "published": "0.185"}, 0.02, 40, "reproduced"),  # beyond 0.18, before 0.1 + 0.08 x 1.0956
        ({**EFFECT, "published": "0.19", "resampled": False}, 0.02, 40, "differs"),
    ],
)
def test_percentiles_of_a_bootstrap_are_widened_for_few_patients(claim, low, n, verdict):
    found = {"ours": 0.1, "low": low, "high": 0.2 - low, "n": n}
    row = judged(**{"resampled": True, **claim}, **found)
    assert row["verdict"] == verdict and (row["low"], row["high"]) == (low, 0.2 - low)
    plain = judged(**{**claim, "resampled": False}, **found)
    assert (plain["verdict"] != verdict) == ("once widened for 40 patients" in row["why"])


FINITE = st.floats(-3, 3)
WIDTH = st.floats(0, 3)
KINDS = st.sampled_from(
    [
        verdicts.Asked("effect", 0.5),
        verdicts.Asked("effect", math.inf, comparable=False),
        verdicts.Asked("effect", 0.5, low=0.3, high=0.9),
        verdicts.Asked("none", 0.0, margin=0.4),
        verdicts.Asked("not_worse", 0.0, margin=0.4, worse="lower"),
        verdicts.Asked("not_worse", 0.1, margin=0.4, worse="higher"),
    ]
)


def interval(value, below, above, share):
    """Our value with a 95% interval, and a 90% interval that is a share of it."""
    return verdicts.Ours(value, value - below, value + above, value - share * below, value + share * above, 50)


@settings(max_examples=1000, deadline=None)
@given(KINDS, FINITE, WIDTH, WIDTH, st.floats(0.5, 1), WIDTH, WIDTH)
def test_a_wider_interval_never_turns_inconclusive_into_reproduced(asked, value, below, above, share, more, further):
    narrow = interval(value, below, above, share)
    wide = narrow._replace(low=narrow.low - more, high=narrow.high + further)
    wide = wide._replace(low90=narrow.low90 - more, high90=narrow.high90 + further)
    if verdicts.rule(asked, narrow)[0] == "inconclusive":
        assert verdicts.rule(asked, wide)[0] == "inconclusive"


@settings(max_examples=1000, deadline=None)
@given(KINDS, FINITE, WIDTH, WIDTH, st.floats(0.5, 1))
def test_reproduced_and_differs_keep_their_promise(asked, value, below, above, share):
    """No effect outside its margin is called none, and no effect claim holds whose interval includes none."""
    ours = interval(value, below, above, share)
    verdict, _ = verdicts.rule(asked, ours)
    if asked.kind == "effect":
        assert (verdict == "inconclusive") == (ours.low <= asked.no_effect <= ours.high)
        assert verdict != "contradicted" or ours.high < asked.no_effect
        return
    lowest, highest = asked.region
    assert (verdict == "reproduced") == (lowest <= ours.low90 and ours.high90 <= highest)
    assert verdict != "differs" or ours.high90 < lowest or ours.low90 > highest
    assert (verdict == "reproduced") == (verdicts.detectable(asked, ours) <= asked.margin) or math.isclose(
        verdicts.detectable(asked, ours), asked.margin
    )


@settings(max_examples=300, deadline=None)
@given(KINDS, FINITE, WIDTH, WIDTH, st.floats(0.5, 1))
def test_a_verdict_does_not_depend_on_the_sign_of_the_statistic(asked, value, below, above, share):
    turned = asked._replace(printed=-asked.printed, worse={"lower": "higher", "higher": "lower"}.get(asked.worse))
    if asked.low is not None:
        turned = turned._replace(low=-asked.high, high=-asked.low)
    ours = interval(value, below, above, share)
    other = verdicts.Ours(-value, -ours.high, -ours.low, -ours.high90, -ours.low90, 50)
    assert verdicts.rule(asked, ours) == verdicts.rule(turned, other)


# By hand: an SE of 0.05 gives a 95% interval of 0.098 on both sides, a 90% interval of 0.0822.
SE = {"low": -0.097998, "high": 0.097998, "low90": -0.082243, "high90": 0.082243, "ours": 0.0}


@pytest.mark.parametrize(
    ("claim", "n", "detectable", "needed", "short"),
    [
        (EFFECT, 100, 2.80159 * 0.05, 197, "patients"),  # 100 (2.80159 x 0.05 / 0.1)^2 = 196.2
        ({**EFFECT, "published": "-0.2"}, 100, 2.80159 * 0.05, 50, "neither"),
        (EFFECT, 5.0, 2.80159 * 0.05, 10, "seeds"),
        (EFFECT, None, 2.80159 * 0.05, None, None),
        (SIDE, 100, 2.80159 * 0.05, None, "patients"),  # no size is printed
        ({**EFFECT, "seeds": 3.0, "seeds_share": 0.8}, 100, 2.80159 * 0.05, 6, "seeds"),  # 3 x 1.962 = 5.9
        ({**EFFECT, "seeds": 3.0, "seeds_share": 0.2}, 100, 2.80159 * 0.05, 197, "patients"),
        ({**NONE, "margin": 0.05}, 100, 0.082243, 857, "patients"),  # 100 x 2.92641^2 = 856.4
        ({**LESS, "margin": 0.05}, 100, 0.082243, 619, "patients"),  # 100 x 2.48648^2 = 618.3
        (NONE, 100, 0.082243, None, None),  # reproduced: nothing is needed
    ],
)
def test_the_power_beside_a_verdict(claim, n, detectable, needed, short):
    row = judged(**claim, **SE, n=n)
    assert row["detectable"] == pytest.approx(detectable, rel=1e-4)
    assert (row["needed"], row["short"]) == (needed, short)


@pytest.mark.parametrize("kind", ["effect", "none", "not_worse"])
def test_the_n_needed_settles_four_studies_in_five(kind):
    """Means of normal values: an effect of the printed size, or a true claim of no effect, with an SD of 1."""
    asked = verdicts.Asked(kind, 0.3, 0.0) if kind == "effect" else verdicts.Asked(kind, 0.0, margin=0.3)
    asked = asked._replace(worse="lower") if kind == "not_worse" else asked
    first = verdicts.Ours(0, *np.array([-1.959964, 1.959964, -1.644854, 1.644854]) / np.sqrt(25), 25)
    n = verdicts.needed(asked, first)
    means = np.random.default_rng(7).normal(asked.printed, 1 / np.sqrt(n), 4000)
    reach = np.array([-1.959964, 1.959964, -1.644854, 1.644854]) / np.sqrt(n)
    settled = sum(verdicts.rule(asked, verdicts.Ours(m, *(m + reach)))[0] in ("reproduced", "differs") for m in means)
    low, high = scipy_stats.binomtest(settled, 4000).proportion_ci(0.999)
    assert low <= 0.81 and high >= 0.8  # n is rounded up


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({**NONE, "kind": None}, "claim x: it has no kind. Write kind: effect, none or not_worse"),
        ({**NONE, "kind": "null"}, "claim x: its kind is 'null'. Write kind: effect, none or not_worse"),
        ({**NONE, "no_effect": None}, "claim x, no_effect: must be a number, got None. Give a finite number"),
        ({**NONE, "margin": 0}, "claim x, margin: 0 is not above 0"),
        ({**NONE, "margin": -0.1}, "claim x, margin: -0.1 is not above 0"),
        ({**NONE, "margin": math.nan}, "claim x, margin: must be a number, got nan"),
        ({**NONE, "margin": "0.1"}, "claim x, margin: must be a number, got '0.1'"),
        ({**NONE, "margin": None, "unit": None}, "claim x: a claim of no effect has no margin"),
        ({**NONE, "unit": None}, "claim x: the margin has no unit. Give margin and unit together"),
        ({**NONE, "unit": "dB"}, "claim x, unit: the margin is in dB, which the statistic is not: mean Dice"),
        ({**NONE, "published": "0.15"}, "margin: 0.1 is less than the slight effect that is printed, 0.15"),
        ({**LESS, "published": "-0.15"}, "margin: 0.1 is less than the slight effect that is printed, 0.15"),
        ({**NONE, "published": "> 0"}, "claim x: a claim of no effect prints a direction"),
        ({**NONE, "worse": "lower"}, "claim x: worse is 'lower' for kind none"),
        ({**LESS, "worse": None}, "claim x: worse is None for kind not_worse"),
        ({**LESS, "worse": "down"}, "claim x, worse: must be lower or higher, got 'down'"),
        ({**EFFECT, "margin": 0.1, "unit": "Dice"}, "claim x: an effect has no margin"),
        ({**EFFECT, "unit": "Dice"}, "claim x: a unit, Dice, without a margin"),
        ({**SIDE, "no_effect": 0.5}, "claim x: > 0 is published, and no effect is 0.5"),
        ({**EFFECT, "by": "digits", "scope": "cohort"}, "claim x: a claim by digits has no kind and no margin"),
        ({**NONE, "resampled": True}, "claim x: resampled widens the interval of an effect alone"),
        ({**EFFECT, "published_se": 0}, "claim x, published_se: 0 is not above 0"),
        ({**EFFECT, "published_se": math.nan}, "claim x, published_se: must be a number, got nan"),
        ({**EFFECT, "published_se": 0.1, "published_n": 9}, "published_se, published_n are given for one uncertainty"),
        ({**EFFECT, "published_low": 0.05}, "claim x: published_low are given for one uncertainty"),
        ({**EFFECT, "published_low": 0.2, "published_high": 0.05}, "0.1 is not inside its interval, 0.2 to 0.05"),
        ({**EFFECT, "published_n": 50}, "claim x, published_n: our value has no n to compare it with"),
        ({**SIDE, "published_se": 0.1}, "claim x: only the direction is published, so it has no uncertainty"),
        ({**NONE, "published_se": 0.1}, "claim x: a printed uncertainty is used for an effect alone"),
        ({**EFFECT, "low": 0.3, "high": 0.1}, "claim x: low 0.3 is above high 0.1. Give the lower end first"),
        ({**EFFECT, "low": math.nan}, "claim x, low: must be a number, got nan"),
        ({**EFFECT, "ours": math.nan}, "claim x, value: must be a number, got nan"),
        ({**NONE, "low90": 0.2, "high90": 0.1}, "claim x: low90 0.2 is above high90 0.1. Give the lower end first"),
        ({**NONE, "low90": None}, "claim x: the value has no 90% interval. Write it by stats.estimate(..., null=True)"),
        ({**NONE, "low90": -0.5}, "claim x: the 90% interval, -0.5 to 0.25, leaves the 95% interval"),
    ],
)
def test_bad_input_is_one_line(given, says):
    found = {"ours": 0.2, "low": 0.1, "high": 0.3, "low90": 0.15, "high90": 0.25}
    with pytest.raises(InputError) as error:
        judged(**{**found, **given})
    assert says in str(error.value) and "\n" not in str(error.value)
