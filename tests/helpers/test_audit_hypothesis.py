"""Tests agree with scipy and statsmodels where they define the same thing, and have defined edges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.oneway import anova_oneway

from helpers import audit
from helpers.errors import InputError

RNG = np.random.default_rng(5)
PARTS = [RNG.normal(0, 1, 40), RNG.normal(0.5, 2, 60), RNG.normal(0.2, 1, 50)]
SCORE, GROUPS = np.concatenate(PARTS), np.repeat(["a", "b", "c"], [40, 60, 50])


def test_against_statsmodels_and_scipy():
    equal, welch = (anova_oneway(PARTS, use_var=kind, welch_correction=True) for kind in ("equal", "unequal"))
    table = audit.compare(SCORE, groups=GROUPS)
    assert table.loc["ANOVA", ["statistic", "p", "df2"]].tolist() == pytest.approx(
        [equal.statistic, equal.pvalue, equal.df[1]]
    )
    assert table.loc["Welch", ["statistic", "p", "df2"]].tolist() == pytest.approx(
        [welch.statistic, welch.pvalue, welch.df[1]]
    )
    assert table.loc["Kruskal-Wallis", ["statistic", "p"]].tolist() == pytest.approx([*stats.kruskal(*PARTS)])
    between = sum(len(p) * (p.mean() - SCORE.mean()) ** 2 for p in PARTS)
    assert table.loc["ANOVA", "effect"] == pytest.approx(between / ((SCORE - SCORE.mean()) ** 2).sum())


def test_posthoc():
    for method, equal_var in (("tukey", True), ("games-howell", False)):
        table = audit.posthoc(SCORE, groups=GROUPS, method=method)
        reference = stats.tukey_hsd(*PARTS, equal_var=equal_var)
        assert table["p"].tolist() == pytest.approx([reference.pvalue[i, j] for i, j in ((0, 1), (0, 2), (1, 2))])
        assert table["difference"].iloc[0] == pytest.approx(PARTS[1].mean() - PARTS[0].mean())
        assert (table["low"] < table["difference"]).all()
        assert (table["difference"] < table["high"]).all()
    two = GROUPS != "c"
    dunn = audit.posthoc(SCORE[two], groups=GROUPS[two], method="dunn")
    assert dunn["p"].item() == pytest.approx(stats.kruskal(*PARTS[:2]).pvalue)  # two groups: the same test
    with pytest.raises(InputError, match="unknown"):
        audit.posthoc(SCORE, groups=GROUPS, method="scheffe")


def test_assumptions_and_choice():
    table = audit.assumptions(SCORE, groups=GROUPS)
    assert table.loc["Brown-Forsythe", "p"] == pytest.approx(stats.levene(*PARTS, center="median").pvalue)
    assert table.loc["Levene", "p"] == pytest.approx(stats.levene(*PARTS, center="mean").pvalue)
    residuals = np.concatenate([p - p.mean() for p in PARTS])
    assert table.loc["Shapiro-Wilk", "p"] == pytest.approx(stats.shapiro(residuals).pvalue)
    chosen, why = audit.choose_test(SCORE, groups=GROUPS)
    assert chosen.name == "Welch"
    assert "unequal" in why
    same = RNG.normal(size=150)
    assert audit.choose_test(same, groups=np.tile(["a", "b", "c"], 50))[0].name == "ANOVA"
    skewed = RNG.exponential(size=30) ** 2
    chosen, why = audit.choose_test(skewed, groups=["a", "b"] * 15)
    assert chosen.name == "Kruskal-Wallis"
    assert "15 cases" in why


def test_rank_biserial():
    estimate = audit.rank_biserial([1, 2, 3, 4], groups=list("aabb"), a="a", b="b")
    assert estimate == 1
    assert audit.rank_biserial([1, 1, 1, 1], groups=list("aabb"), a="a", b="b") == 0
    found, low, high = audit.rank_biserial_interval(SCORE, groups=GROUPS, a="a", b="b")
    signs = np.sign(PARTS[1][:, None] - PARTS[0][None]).mean()
    assert found == pytest.approx(signs)

    def by_sign(score, groups):
        return np.sign(score[groups == "b"][:, None] - score[groups == "a"][None]).mean()

    boot = audit.bootstrap(SCORE, groups=GROUPS, statistic=by_sign, n_boot=1000)
    np.testing.assert_allclose([low, high], [boot.low, boot.high], atol=0.04)


def test_chi_square_and_fisher():
    outcome = pd.Series(np.where(SCORE > 0.4, "good", "poor"))
    found = audit.chi_square(outcome, groups=GROUPS)
    reference = stats.chi2_contingency(pd.crosstab(outcome, GROUPS), correction=False)
    assert (found.statistic, found.p, found.df1) == pytest.approx((reference.statistic, reference.pvalue, 2))
    missing = audit.chi_square(outcome.where(outcome.index > 3), groups=GROUPS)
    assert missing.n == len(outcome) - 4
    assert "4 cases" in missing.note
    fisher = audit.two_rate_test([1, 1, 1, 0, 0, 0], groups=list("aaabbb"), a="a", b="b")
    assert fisher.p == pytest.approx(0.1)


def test_multiplicity():
    p = pd.Series({"x": 0.01, "y": 0.04, "z": 0.03})
    table = audit.adjust_p(p)
    assert table["holm"].tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert table["bh"].tolist() == pytest.approx([0.03, 0.04, 0.04])
    assert table["reject_holm"].tolist() == [True, False, False]
    assert list(table.index) == ["x", "y", "z"]
    for bad in ([0.1, np.nan], [1.2], []):
        with pytest.raises(InputError):
            audit.adjust_p(bad)


@pytest.mark.parametrize("test", [audit.anova, audit.welch, audit.kruskal])
def test_constant_scores_are_defined(test):
    found = test([0.5] * 6, groups=list("aabbcc"))
    assert (found.statistic, found.p) == (0, 1)
    assert "all scores are equal" in found.note


@pytest.mark.parametrize("test", [audit.anova, audit.welch, audit.kruskal])
def test_tiny_groups_are_left_out_and_said(test):
    with_tiny = test([*SCORE, 3.0], groups=[*GROUPS, "d"])
    assert with_tiny.p == pytest.approx(test(SCORE, groups=GROUPS).p)
    assert "left out: d" in with_tiny.note
    with pytest.raises(InputError, match="two cases or more"):
        test([1.0, 2.0, 3.0], groups=list("aab"))


def test_groups_that_are_each_constant():
    score, groups = [1, 1, 2, 2], list("aabb")
    found = audit.anova(score, groups=groups)
    assert (found.statistic, found.p) == (np.inf, 0)
    with pytest.raises(InputError, match="constant in a, b"):
        audit.welch(score, groups=groups)
    table = audit.compare(score, groups=groups)
    assert "undefined" in table.loc["Welch", "note"]
    chosen, _ = audit.choose_test([1, 1, 2, 2.5], groups=groups)
    assert 0 <= chosen.p <= 1
