"""The trend over ordered groups: against statsmodels and scipy, with patients as units."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from statsmodels.stats.contingency_tables import Table

from helpers import stats
from helpers.errors import InputError

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
