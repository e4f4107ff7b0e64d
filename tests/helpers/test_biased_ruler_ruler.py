"""One set of predictions judged by two references: values, the verdict's rule, edges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers import stats
from helpers.errors import InputError
from helpers.stats.resample import Change, Interval
from helpers.studies import biased_ruler

N = 300
GROUPS = np.repeat(["Young", "Middle", "Older"], N)
YOUNG = GROUPS == "Young"
FAST = {"groups": GROUPS, "a": "Young", "b": "Older", "n_boot": 2000, "n_permutations": 200}


def scores(true_gap, observed_gap, *, noise=0.03, seed=0):
    """Gold and silver scores whose means in the young lie below the others' by exactly the gaps given."""
    rng = np.random.default_rng(seed)
    gold, error = rng.normal(0.7, 0.1, 3 * N), rng.normal(0, noise, 3 * N)
    for values in (gold, error):
        for group in np.unique(GROUPS):
            values[group == GROUPS] -= values[group == GROUPS].mean()
    return 0.7 + gold - true_gap * YOUNG, 0.7 + gold + error - observed_gap * YOUNG


@pytest.mark.parametrize(
    ("true_gap", "observed_gap", "verdict"),
    [
        (0.04, 0.08, "inflates"),
        (0.0, 0.04, "inflates"),
        (0.08, 0.04, "hides"),
        (0.04, 0.0, "hides"),
        (0.04, -0.005, "hides"),
        (0.04, -0.04, "reverses"),
        (0.04, 0.041, "shifts within noise"),
        (0.0, 0.0, "shifts within noise"),
        (-0.005, 0.008, "not shown"),
        (-0.04, -0.08, "inflates"),
        (-0.08, -0.04, "hides"),
        (-0.04, 0.04, "reverses"),
    ],
)
def test_verdicts(true_gap, observed_gap, verdict):
    gold, silver = scores(true_gap, observed_gap)
    found = biased_ruler.ruler(silver, gold, **FAST)
    assert found.verdict == verdict
    assert found.mean.first.estimate == pytest.approx(true_gap)
    assert found.mean.second.estimate == pytest.approx(observed_gap)
    assert found.mean.change.estimate == pytest.approx(observed_gap - true_gap)
    assert found.mean.change.high - found.mean.change.low < 0.6 * (found.mean.first.high - found.mean.first.low)
    assert (found.n_a, found.n_b) == (N, N)


def interval(estimate, half):
    return Interval(estimate, estimate - half, estimate + half, 0.95, 10, 10, 0, np.array([estimate]))


@pytest.mark.parametrize(
    ("first", "second", "change", "null", "verdict"),
    [
        ((0.7, 0.1), (0.5, 0.1), (-0.2, 0.1), 1.0, "inflates"),
        ((0.5, 0.1), (0.7, 0.1), (0.2, 0.1), 1.0, "hides"),
        ((0.7, 0.1), (1.4, 0.1), (0.7, 0.1), 1.0, "reverses"),
        ((0.02, 0.01), (-0.05, 0.06), (-0.07, 0.05), 0.0, "hides"),  # further out, but not shown, on the other side
        ((0.03, 0.04), (0.02, 0.01), (-0.01, 0.005), 0.0, "hides"),
        ((0.05, 0.01), (0.09, 0.01), (0.04, 0.05), 0.0, "shifts within noise"),
    ],
)
def test_the_rule_on_intervals(first, second, change, null, verdict):
    found = Change(interval(*first), interval(*second), interval(*change))
    assert stats.judge(found, null=null)[0] == verdict


@pytest.mark.slow
def test_a_ruler_without_bias_is_rarely_called_biased():
    """References that differ by the same noise in all groups, where a true gap is: in about 5% of cohorts."""
    called = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        gold = rng.normal(0.7, 0.15, 3 * N) - 0.04 * YOUNG
        silver = gold - 0.05 + rng.normal(0, 0.05, 3 * N)
        change = stats.bootstrap_change(gold, silver, groups=GROUPS, a="Young", b="Older", n_boot=500, seed=seed)
        called.append(stats.judge(change)[0] != "shifts within noise")
    assert 0 < np.mean(called) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)


def test_the_table_agrees_with_the_parts():
    gold, silver = (np.clip(values, 0, 1) for values in scores(0.04, 0.10))
    found = biased_ruler.ruler(silver, gold, **FAST, threshold=0.7)
    table = found.table()
    assert list(table.index) == ["mean Older - Young", "rate Older - Young", "rate Young / Older"]
    rates = [[(v[g == GROUPS] > 0.7).mean() for g in ("Young", "Older")] for v in (gold, silver)]
    row = table.loc["rate Older - Young"]
    assert [row["gold"], row["silver"]] == pytest.approx([r[1] - r[0] for r in rates])
    assert table.loc["rate Young / Older", "silver"] == pytest.approx(rates[1][0] / rates[1][1])
    assert table.loc["rate Young / Older", "verdict"] == row["verdict"] == "inflates"
    direct = stats.bootstrap_change(gold, silver, groups=GROUPS, a="Young", b="Older", n_boot=2000)
    assert table.loc["mean Older - Young", "change_low"] == direct.change.low
    assert found.gaps.loc["mean", "silver"] == pytest.approx(stats.gap(silver, groups=GROUPS))
    assert found.gaps.loc["mean", "p_silver"] < 0.01


def test_a_gap_has_an_interval_only_where_its_groups_are_the_same_throughout():
    gold, silver = scores(0.0, 0.0)
    unsteady = biased_ruler.ruler(silver, gold, **FAST).gaps
    assert unsteady[["low", "high"]].isna().all().all()
    assert unsteady["note"].str.startswith("no interval").all()
    two = np.where(GROUPS == "Middle", None, GROUPS)
    gold, silver = scores(0.06, 0.10)
    found = biased_ruler.ruler(silver, gold, **FAST | {"groups": two})
    row, change = found.gaps.loc["mean"], found.mean.change
    assert row["change"] == pytest.approx(change.estimate)
    assert [row["low"], row["high"]] == pytest.approx([change.low, change.high], abs=0.003)


def test_variance_collapse():
    gold, _ = scores(0.04, 0.04)
    silver = 0.95 + 0.2 * (gold - gold.mean())
    table = biased_ruler.ruler(silver, gold, **FAST).spread
    assert table["ratio"].to_numpy() == pytest.approx(0.2)
    assert table["high"].to_numpy() == pytest.approx(0.2)  # paired: an exact scaling has no uncertainty
    expected = [part.std(ddof=1) for part in (gold, gold[YOUNG], gold[GROUPS == "Older"])]
    np.testing.assert_allclose(table["gold"], expected)
    rng = np.random.default_rng(4)
    other = rng.normal(0.7, 0.05, 3 * N)
    row = biased_ruler.ruler(other, gold, **FAST).spread.loc["all"]
    assert row["low"] < 0.5 < row["high"] < 1


def test_saturation_is_said():
    gold, silver = scores(0.04, 0.04)
    high = 0.97 + 0.01 * (silver - 0.7)
    found = biased_ruler.ruler(high, gold, **FAST, threshold=0.8)
    assert "silver" in found.saturation and "gold" not in found.saturation
    assert found.ratio.second.estimate == found.ratio.second.low == found.ratio.second.high == 1
    assert found.table().loc["rate Young / Older", "note"] == found.saturation
    assert biased_ruler.ruler(silver, gold, **FAST, threshold=0.7).saturation == ""
    low = biased_ruler.ruler(silver - 0.6, gold, **FAST, threshold=0.7)
    assert low.ratio is None
    assert "silver" in low.saturation
    assert list(low.table().index) == ["mean Older - Young", "rate Older - Young"]


def test_bad_input_is_said():
    gold, silver = scores(0.04, 0.04)
    with pytest.raises(InputError, match="one order"):
        biased_ruler.ruler(silver[:-1], gold, **FAST)
    shuffled = pd.Series(silver).sample(frac=1, random_state=0)
    with pytest.raises(InputError, match="one order"):
        biased_ruler.ruler(shuffled, pd.Series(gold), **FAST)
    with pytest.raises(InputError, match="pred_vs_silver"):
        biased_ruler.ruler(np.where(YOUNG, np.nan, silver), gold, **FAST)
    with pytest.raises(InputError, match="no case"):
        biased_ruler.ruler(silver, gold, **FAST | {"a": "Oldest"})


def test_cases_without_a_group_are_in_no_mean():
    gold, silver = scores(0.04, 0.08)
    groups = np.where(np.arange(3 * N) % 10 == 0, None, GROUPS)
    kept = np.array([g is not None for g in groups])
    found = biased_ruler.ruler(silver, gold, **FAST | {"groups": groups})
    assert found.mean.first.estimate == pytest.approx(
        gold[kept & (GROUPS == "Older")].mean() - gold[kept & YOUNG].mean()
    )
    assert found.spread.loc["all", "n"] == kept.sum()
