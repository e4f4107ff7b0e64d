"""Tests agree with scipy and statsmodels where they define the same thing, and have defined edges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy
from statsmodels.stats.oneway import anova_oneway

from helpers import stats
from helpers.errors import InputError

RNG = np.random.default_rng(5)
PARTS = [RNG.normal(0, 1, 40), RNG.normal(0.5, 2, 60), RNG.normal(0.2, 1, 50)]
SCORE, GROUPS = np.concatenate(PARTS), np.repeat(["a", "b", "c"], [40, 60, 50])


def test_against_statsmodels_and_scipy():
    equal, welch = (anova_oneway(PARTS, use_var=kind, welch_correction=True) for kind in ("equal", "unequal"))
    table = stats.compare(SCORE, groups=GROUPS)
    assert table.loc["ANOVA", ["statistic", "p", "df2"]].tolist() == pytest.approx(
        [equal.statistic, equal.pvalue, equal.df[1]]
    )
    assert table.loc["Welch", ["statistic", "p", "df2"]].tolist() == pytest.approx(
        [welch.statistic, welch.pvalue, welch.df[1]]
    )
    assert table.loc["Kruskal-Wallis", ["statistic", "p"]].tolist() == pytest.approx([*scipy.stats.kruskal(*PARTS)])
    between = sum(len(p) * (p.mean() - SCORE.mean()) ** 2 for p in PARTS)
    assert table.loc["ANOVA", "effect"] == pytest.approx(between / ((SCORE - SCORE.mean()) ** 2).sum())


def test_names_sizes_and_effects_of_the_three_tests():
    table = stats.compare(SCORE, groups=GROUPS)
    assert list(table.index) == ["ANOVA", "Welch", "Kruskal-Wallis"]
    assert (table["n"] == 150).all()
    assert (table["df1"] == 2).all()
    assert table.loc["ANOVA", "df2"] == 147
    assert table["effect_name"].tolist() == ["eta2", "eta2", "epsilon2"]
    assert table.loc["Welch", "effect"] == table.loc["ANOVA", "effect"]
    assert table.loc["Kruskal-Wallis", "effect"] == pytest.approx(table.loc["Kruskal-Wallis", "statistic"] / 149)
    assert (table["note"] == "").all()


def test_analysis_of_variance_by_hand():
    found = stats.anova([1.0, 2.0, 3.0, 6.0, 9.0], groups=["a", "a", "b", "b", None])
    # means 1.5 and 4.5 about 3: 9 between, 5 within
    assert (found.statistic, found.effect) == (pytest.approx(9 / (5 / 2)), pytest.approx(9 / 14))
    assert (found.n, found.df1, found.df2) == (4, 1, 2)
    assert found.p == pytest.approx(scipy.stats.f.sf(3.6, 1, 2))
    assert "1 cases without a group" in found.note
    welch = stats.welch([1.0, 2.0, 3.0, 6.0], groups=["a", "a", "b", "b"])
    # two groups: the square of Welch's t, (4.5 - 1.5) ** 2 / (0.5 / 2 + 4.5 / 2), with its degrees of freedom
    assert (welch.statistic, welch.df2) == (pytest.approx(3.6), pytest.approx(2.5**2 / (0.25**2 + 2.25**2)))


def test_posthoc():
    for method, equal_var in (("tukey", True), ("games-howell", False)):
        table = stats.posthoc(SCORE, groups=GROUPS, method=method)
        reference = scipy.stats.tukey_hsd(*PARTS, equal_var=equal_var)
        ends, pairs = reference.confidence_interval(0.95), ([0, 0, 1], [1, 2, 2])
        assert table["p"].tolist() == reference.pvalue[pairs].tolist()  # to the last bit, as are the ends
        assert table["low"].tolist() == ends.low[pairs[::-1]].tolist()
        assert table["high"].tolist() == ends.high[pairs[::-1]].tolist()
        assert table["difference"].iloc[0] == pytest.approx(PARTS[1].mean() - PARTS[0].mean())
        assert (table["low"] < table["difference"]).all()
        assert (table["difference"] < table["high"]).all()
    two = GROUPS != "c"
    dunn = stats.posthoc(SCORE[two], groups=GROUPS[two], method="dunn")
    assert dunn["p"].item() == pytest.approx(scipy.stats.kruskal(*PARTS[:2]).pvalue)  # two groups: the same test
    with pytest.raises(InputError, match="method: must be games-howell, tukey or dunn, got"):
        stats.posthoc(SCORE, groups=GROUPS, method="scheffe")


def test_assumptions_and_choice():
    table = stats.assumptions(SCORE, groups=GROUPS)
    assert table.loc["Brown-Forsythe", "p"] == pytest.approx(scipy.stats.levene(*PARTS, center="median").pvalue)
    assert table.loc["Levene", "p"] == pytest.approx(scipy.stats.levene(*PARTS, center="mean").pvalue)
    residuals = np.concatenate([p - p.mean() for p in PARTS])
    assert table.loc["Shapiro-Wilk", "p"] == pytest.approx(scipy.stats.shapiro(residuals).pvalue)
    chosen, why = stats.choose_test(SCORE, groups=GROUPS)
    assert chosen.name == "Welch"
    assert "unequal" in why
    same = RNG.normal(size=150)
    assert stats.choose_test(same, groups=np.tile(["a", "b", "c"], 50))[0].name == "ANOVA"
    skewed = RNG.exponential(size=30) ** 2
    chosen, why = stats.choose_test(skewed, groups=["a", "b"] * 15)
    assert chosen.name == "Kruskal-Wallis"
    assert "15 cases" in why


def test_assumptions_by_hand():
    table = stats.assumptions([0.0, 2.0, 0.0, 3.0, 6.0], groups=list("aabbb"))
    assert table.loc["SD ratio", "statistic"] == pytest.approx(3 / np.sqrt(2))
    assert table.loc["smallest group", "statistic"] == 2
    assert table.loc[["SD ratio", "smallest group"], "p"].isna().all()
    assert list(table.index) == ["Shapiro-Wilk", "Levene", "Brown-Forsythe", "SD ratio", "smallest group"]


def test_assumptions_where_groups_do_not_vary():
    flat = stats.assumptions([1.0, 1.0, 2.0, 2.0], groups=list("aabb"))
    assert flat.loc["SD ratio", "statistic"] == 1
    tests = ["Shapiro-Wilk", "Levene", "Brown-Forsythe"]
    assert flat.loc[tests, "statistic"].isna().all()
    assert (flat.loc[tests, "p"] == 1).all()
    one = stats.assumptions([1.0, 1.0, 1.0, 2.0, 3.0], groups=list("aaabb"))
    assert one.loc["SD ratio", "statistic"] == np.inf
    assert one.loc[tests, "p"].between(0, 1, inclusive="left").all()


def test_of_many_residuals_5000_evenly_spaced_are_tested():
    score = np.random.default_rng(2).exponential(size=6001)
    score[-1] = 1 - score[-2]  # two in a group of its own, so that the residuals are not the scores
    groups = np.where(np.arange(6001) < 5999, "a", "b")
    residuals = np.sort(np.concatenate([score[:-2] - score[:-2].mean(), score[-2:] - score[-2:].mean()]))
    kept = residuals[[int(6000 * k / 4999) for k in range(5000)]]
    found = stats.assumptions(score, groups=groups).loc["Shapiro-Wilk", "statistic"]
    assert found == pytest.approx(scipy.stats.shapiro(kept).statistic, rel=1e-9)


def test_thirty_cases_in_each_group_are_enough_to_compare_means():
    skewed = np.random.default_rng(4).exponential(size=30) ** 3
    both = np.concatenate([skewed, skewed])
    chosen, why = stats.choose_test(both, groups=["a"] * 30 + ["b"] * 30)
    assert chosen.name == "ANOVA"
    assert "normal" not in why
    assert stats.choose_test(both[1:], groups=["a"] * 29 + ["b"] * 30)[0].name == "Kruskal-Wallis"


def test_a_group_that_does_not_vary_leaves_analysis_of_variance():
    varied = np.random.default_rng(1).normal(size=40)
    chosen, why = stats.choose_test([*np.zeros(40), *varied], groups=["a"] * 40 + ["b"] * 40)
    assert chosen.name == "ANOVA"
    assert "unequal" in why


def test_the_level_of_a_check_decides_the_choice():
    score, groups = [*PARTS[0], *PARTS[1]], ["a"] * 40 + ["b"] * 60
    p = stats.assumptions(score, groups=groups).loc["Brown-Forsythe", "p"]
    assert stats.choose_test(score, groups=groups, alpha=p / 2)[0].name == "ANOVA"
    assert stats.choose_test(score, groups=groups, alpha=2 * p)[0].name == "Welch"


def test_pairs_are_named_and_dunn_has_no_interval():
    dunn = stats.posthoc(SCORE, groups=GROUPS, method="dunn")
    assert dunn[["a", "b"]].to_numpy().tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    assert dunn[["low", "high"]].isna().all(axis=None)
    raw = stats.posthoc(SCORE, groups=GROUPS, method="dunn", adjust=None)["p"]
    assert dunn["p"].tolist() == pytest.approx(stats.adjust_p(raw)["holm"].tolist())


def test_of_two_groups_the_pair_is_that_of_welchs_t_test():
    two = GROUPS != "c"
    row = stats.posthoc(SCORE[two], groups=GROUPS[two], level=0.8).iloc[0]
    test = scipy.stats.ttest_ind(PARTS[1], PARTS[0], equal_var=False)
    ends = test.confidence_interval(0.8)
    assert (row["p"], row["low"], row["high"]) == pytest.approx((test.pvalue, ends.low, ends.high), rel=1e-4)


def test_rank_biserial_interval_by_hand():
    score, groups = [1, 2, 3, 2, 3, 4, 0], [*"aaabbb", "c"]
    # of nine pairs five net ones are greater; the placements of either group vary by 7 / 108
    half = 2 * np.sqrt(2 * 7 / 108 / 3)
    found = stats.rank_biserial_interval(score, groups=groups, a="a", b="b")
    assert found == pytest.approx((5 / 9, 5 / 9 - 1.959964 * half, 1))  # cut at 1
    turned = stats.rank_biserial_interval(score, groups=groups, a="b", b="a")
    assert turned == pytest.approx((-5 / 9, -1, 1.959964 * half - 5 / 9))
    narrow = stats.rank_biserial_interval(score, groups=groups, a="a", b="b", level=0.5)
    assert narrow == pytest.approx((5 / 9, 5 / 9 - 0.67449 * half, 5 / 9 + 0.67449 * half), abs=1e-6)
    two = stats.rank_biserial_interval([1, 2, 1, 3], groups=list("aabb"), a="a", b="b")
    assert two[0] == 0.25
    with pytest.raises(InputError, match="two"):
        stats.rank_biserial_interval([1, 2, 3], groups=list("aab"), a="a", b="b")


def test_rank_biserial():
    estimate = stats.rank_biserial([1, 2, 3, 4], groups=list("aabb"), a="a", b="b")
    assert estimate == 1
    assert stats.rank_biserial([1, 1, 1, 1], groups=list("aabb"), a="a", b="b") == 0
    found, low, high = stats.rank_biserial_interval(SCORE, groups=GROUPS, a="a", b="b")
    signs = np.sign(PARTS[1][:, None] - PARTS[0][None]).mean()
    assert found == pytest.approx(signs)

    def by_sign(score, groups):
        return np.sign(score[groups == "b"][:, None] - score[groups == "a"][None]).mean()

    boot = stats.bootstrap(SCORE, groups=GROUPS, statistic=by_sign, n_boot=1000)
    np.testing.assert_allclose([low, high], [boot.low, boot.high], atol=0.04)


def test_chi_square_and_fisher():
    outcome = pd.Series(np.where(SCORE > 0.4, "good", "poor"))
    found = stats.chi_square(outcome, groups=GROUPS)
    reference = scipy.stats.chi2_contingency(pd.crosstab(outcome, GROUPS), correction=False)
    assert (found.statistic, found.p, found.df1) == pytest.approx((reference.statistic, reference.pvalue, 2))
    missing = stats.chi_square(outcome.where(outcome.index > 3), groups=GROUPS)
    assert missing.n == len(outcome) - 4
    assert "4 cases" in missing.note
    fisher = stats.two_rate_test([1, 1, 1, 0, 0, 0], groups=list("aaabbb"), a="a", b="b")
    assert fisher.p == pytest.approx(0.1)


def test_chi_square_by_hand():
    outcome = [1] * 8 + [0] * 2 + [1] * 2 + [0] * 8
    found = stats.chi_square(outcome, groups=["a"] * 10 + ["b"] * 10)
    assert (found.statistic, found.effect) == (pytest.approx(4 * 3**2 / 5), pytest.approx(0.6))
    assert (found.n, found.df1, found.note) == (20, 1, "")
    fewer = stats.chi_square(outcome[1:], groups=["a"] * 9 + ["b"] * 10)
    assert "under 5" in fewer.note
    for outcome, groups in (([1, 1, 1], list("aab")), ([1, 0, 1], list("aaa"))):
        with pytest.raises(InputError, match="two of each"):
            stats.chi_square(outcome, groups=groups)


def test_two_rates_by_hand():
    outcome, groups = [1, 0, 0, 0, 1, 1, 1, 0, 1], [*"aaaabbbb", "c"]
    found = stats.two_rate_test(outcome, groups=groups, a="a", b="b")
    assert (found.name, found.statistic, found.effect, found.effect_name) == ("Fisher", 9, 9, "odds ratio")
    assert found.n == 8
    assert found.p == pytest.approx(2 * (16 + 1) / 70)
    assert stats.two_rate_test(outcome, groups=groups, a="b", b="a").effect == pytest.approx(1 / 9)
    with pytest.raises(InputError, match="other than 0 and 1"):
        stats.two_rate_test([0.5, 1], groups=["a", "b"], a="a", b="b")


def test_multiplicity():
    p = pd.Series({"x": 0.01, "y": 0.04, "z": 0.03})
    table = stats.adjust_p(p)
    assert table["holm"].tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert table["bh"].tolist() == pytest.approx([0.03, 0.04, 0.04])
    assert table["reject_holm"].tolist() == [True, False, False]
    assert list(table.index) == ["x", "y", "z"]
    for bad in ([0.1, np.nan], [1.2], []):
        with pytest.raises(InputError):
            stats.adjust_p(bad)


@pytest.mark.parametrize("test", [stats.anova, stats.welch, stats.kruskal])
def test_constant_scores_are_defined(test):
    found = test([0.5] * 6, groups=list("aabbcc"))
    assert (found.statistic, found.p) == (0, 1)
    assert "all scores are equal" in found.note


def test_constant_scores_keep_their_sizes_and_have_no_effect():
    for test, df2, effect in ((stats.anova, 4, "eta2"), (stats.welch, 4, "eta2"), (stats.kruskal, None, "epsilon2")):
        found = test([0.5] * 7, groups=[*"aabbccc"])
        assert (found.n, found.df1, found.effect, found.effect_name) == (7, 2, 0, effect)
        assert found.df2 == df2 or (df2 is None and np.isnan(found.df2))
    apart = stats.anova([1, 1, 2, 2, 2], groups=list("aabbb"))
    assert (apart.n, apart.df1, apart.df2, apart.effect, apart.effect_name) == (5, 1, 3, 1, "eta2")


@pytest.mark.parametrize("test", [stats.anova, stats.welch, stats.kruskal])
def test_tiny_groups_are_left_out_and_said(test):
    with_tiny = test([*SCORE, 3.0], groups=[*GROUPS, "d"])
    assert with_tiny.p == pytest.approx(test(SCORE, groups=GROUPS).p)
    assert "left out: d" in with_tiny.note
    with pytest.raises(InputError, match="two cases or more"):
        test([1.0, 2.0, 3.0], groups=list("aab"))


def test_groups_that_are_each_constant():
    score, groups = [1, 1, 2, 2], list("aabb")
    found = stats.anova(score, groups=groups)
    assert (found.statistic, found.p) == (np.inf, 0)
    with pytest.raises(InputError, match="constant in a, b"):
        stats.welch(score, groups=groups)
    table = stats.compare(score, groups=groups)
    assert "undefined" in table.loc["Welch", "note"]
    chosen, _ = stats.choose_test([1, 1, 2, 2.5], groups=groups)
    assert 0 <= chosen.p <= 1


def test_a_constant_group_leaves_welch_out_whatever_its_value():
    """The standard deviation of equal numbers is not always 0: of thirty times 0.83 it is 3e-16."""
    rng = np.random.default_rng(0)
    for value in (1.0, 0.83, 0.1 + 0.2):
        score = np.concatenate([np.full(30, value), rng.normal(0.5, 0.2, 30)])
        chosen, why = stats.choose_test(score, groups=np.repeat(["a", "b"], 30))
        assert chosen.name == "ANOVA" and np.isfinite(chosen.p) and "unequal" in why
