"""The trend over ordered groups: against statsmodels and scipy, with patients as units."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from statsmodels.stats.contingency_tables import Table

from helpers import stats
from helpers.errors import InputError
from helpers.stats import trends, weighted

RNG = np.random.default_rng(5)
STEPS = RNG.integers(0, 4, 240)
GROUPS = pd.Series(pd.Categorical.from_codes(STEPS, ["I", "II", "III", "IV"], ordered=True))
FEW = {"n": 4000, "n_boot": 400}


def test_outcomes_by_cochran_and_armitage():
    outcome = RNG.random(240) < 0.35 + 0.06 * STEPS
    found = stats.trend(outcome, groups=GROUPS, **FEW)
    theirs = Table(pd.crosstab(STEPS, outcome)).test_ordinal_association(
        row_scores=np.arange(4), col_scores=np.arange(2)
    )
    assert found["test"] == "Cochran-Armitage" and (found["groups"], found["n"]) == (4, 240)
    assert found["p"] == pytest.approx(theirs.pvalue, abs=0.02)
    assert found["estimate"] == pytest.approx(np.polyfit(STEPS, outcome, 1)[0])
    assert found["low"] < found["estimate"] < found["high"] and "rate" in found["why"]


def test_scores_by_spearman():
    score = RNG.normal(size=240).round(1) - 0.2 * STEPS  # with ties
    found = stats.trend(score, groups=GROUPS, **FEW)
    theirs = spearmanr(STEPS, score)
    assert found["test"] == "Spearman" and found["estimate"] == pytest.approx(theirs.statistic)
    assert found["p"] == pytest.approx(theirs.pvalue, abs=0.02)


def test_a_trend_is_found_where_the_unordered_test_needs_more_cases():
    score = RNG.normal(size=240) + 0.17 * STEPS
    assert stats.trend(score, groups=GROUPS, **FEW)["p"] < stats.permutation(score, groups=GROUPS, n=4000).p
    residual, steps = np.tile(RNG.normal(size=60), 4), np.repeat(np.arange(4), 60)
    groups, bent = pd.Series(steps).map("abcd".__getitem__), residual + np.isin(steps, (1, 2))  # up and down again
    found = stats.trend(bent, groups=groups, **FEW)
    assert found["estimate"] == pytest.approx(0, abs=1e-9) and found["p"] == 1
    assert stats.permutation(bent, groups=groups, n=4000).p < 0.01


def test_patients_are_the_units():
    """Ten copies of each row are no more evidence."""
    outcome = RNG.random(240) < 0.4 + 0.05 * STEPS
    once = stats.trend(outcome, groups=GROUPS, **FEW)
    many = stats.trend(np.repeat(outcome, 10), groups=GROUPS.repeat(10).reset_index(drop=True),
                       cluster=np.repeat(np.arange(240), 10), **FEW)  # fmt: skip
    assert many["p"] == pytest.approx(once["p"], abs=0.02) and many["n"] == 2400
    assert [many[k] for k in ("estimate", "low", "high")] == pytest.approx(
        [once[k] for k in ("estimate", "low", "high")]
    )


def test_what_has_no_trend_and_what_is_refused():
    equal = stats.trend(np.ones(240), groups=GROUPS, **FEW)
    assert np.isnan(equal["p"]) and np.isnan(equal["estimate"])
    bad = [({"groups": ["x", "y"] * 120}, "2 group"), ({"groups": GROUPS, "cluster": [1] * 240}, "two groups")]
    for asked, says in bad:
        with pytest.raises(InputError, match=says):
            stats.trend(np.arange(240.0), **asked, **FEW)


def test_the_influence_is_the_derivative_of_the_correlation():
    rng = np.random.default_rng(0)
    x, y = rng.integers(1, 4, 60).astype(float), rng.normal(size=60).round(1)
    share = rng.gamma(4, 0.25, 60)
    share /= share.sum()
    step, whole = 1e-6, weighted.rank_correlation(x, y, share[None])[0]
    more = (1 - step) * share + step * np.eye(60)
    slopes = (weighted.rank_correlation(x, y, more) - whole) / step
    found = trends.influence(x, y, share)
    np.testing.assert_allclose(found, slopes, atol=1e-4)
    assert share @ found == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("effect", [0.0, 0.5])
@pytest.mark.parametrize("rows", [1, 3])
def test_replicates_of_many_rows_are_those_of_ranked_ones(effect, rows, monkeypatch):
    """Patients of one or three rows with weights; ties, and a correlation of 0 or of about one half."""
    rng = np.random.default_rng(1)
    owner = np.repeat(np.arange(2400 // rows), rows)
    x = rng.integers(1, 5, 2400 // rows).astype(float)[owner]
    y = (rng.exponential(size=2400) + effect * x + rng.normal(size=2400 // rows)[owner]).round(2)
    asked = (x, y, rng.gamma(4, 0.25, 2400), owner)
    estimate, plain = trends.trend_draws(*asked, n_boot=4000, seed=0)
    monkeypatch.setattr(trends.drawing, "LARGE", 2000)
    same, fast = trends.trend_draws(*asked, n_boot=10_000, seed=1)
    assert same == estimate
    assert fast.std() == pytest.approx(plain.std(), rel=0.07)
    error = plain.std() * np.array([0.05, 0.023, 0.05])  # of the difference of the percentiles, by chance
    assert (np.abs(np.quantile(fast, [0.025, 0.5, 0.975]) - np.quantile(plain, [0.025, 0.5, 0.975])) < 4 * error).all()


def test_the_trend_of_many_outcomes_is_that_of_drawn_rows():
    rng = np.random.default_rng(2)
    steps = rng.integers(1, 5, 3000)
    outcome = (rng.random(3000) < 0.1 + 0.05 * steps).astype(float)
    found = stats.trend(outcome, groups=steps, n=2000)
    draws = [np.polyfit(steps[rows], outcome[rows], 1)[0] for rows in rng.integers(0, 3000, (2000, 3000))]
    low, high = np.quantile(draws, [0.025, 0.975])
    assert found["low"] == pytest.approx(low, abs=0.2 * np.std(draws))
    assert found["high"] == pytest.approx(high, abs=0.2 * np.std(draws))
    order = [np.abs(np.polyfit(rng.permutation(steps), outcome, 1)[0]) for _ in range(400)]
    assert found["p"] <= 0.01 and np.max(order) < found["estimate"]
