"""Statistics under weights: those of rows repeated as often, by scikit-learn and SciPy."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from helpers.stats import weighted


def sample(seed: int, n: int = 40):
    """Scores with ties, scores without, positives, and five rows of whole weights after a row of ones."""
    rng = np.random.default_rng(seed)
    tied, free = rng.integers(0, 9, n) / 8, rng.normal(size=n)
    weights = np.vstack([np.ones(n), rng.integers(0, 4, (5, n))])
    return tied, free, rng.random(n) < 0.4, weights


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("whole", [True, False], ids=["whole weights", "any weights"])
def test_auroc_is_that_of_scikit_learn_with_ties(seed, whole):
    tied, free, positive, weights = sample(seed)
    if not whole:
        weights = np.random.default_rng(seed).gamma(1, size=weights.shape)
    for score in (tied, free):
        expected = [roc_auc_score(positive, score, sample_weight=row) for row in weights]
        np.testing.assert_allclose(weighted.auroc(score, positive, weights), expected, rtol=0, atol=1e-12)
        assert weighted.auroc(score, positive, weights[1]) == pytest.approx(expected[1], abs=1e-12)
        assert weighted.auroc(score, positive) == pytest.approx(roc_auc_score(positive, score), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_statistics_are_those_of_repeated_rows(seed):
    tied, free, positive, weights = sample(seed)
    for k, times in enumerate(weights.astype(int)):
        x, y, hit = (np.repeat(values, times) for values in (tied, free, positive))
        ranks = weighted.midranks(tied, weights)[k]
        np.testing.assert_array_equal(np.repeat(ranks, times) + 0.5, stats.rankdata(x))
        assert weighted.auroc(tied, positive, weights)[k] == pytest.approx(roc_auc_score(hit, x), abs=1e-12)
        rank_correlation = weighted.rank_correlation(tied, free, weights)
        assert rank_correlation[k] == pytest.approx(stats.spearmanr(x, y).statistic)
        assert weighted.mean(free, weights)[k] == pytest.approx(y.mean())
        assert weighted.gap(free, weights, second=positive)[k] == pytest.approx(y[hit].mean() - y[~hit].mean())
        assert weighted.rate(positive, weights)[k] == hit.mean()


def test_one_row_of_weights_gives_one_number():
    tied, free, positive, weights = sample(7)
    for function, given in (
        (weighted.mean, (free,)),
        (weighted.rate, (positive,)),
        (weighted.rank_correlation, (tied, free)),
        (weighted.auroc, (tied, positive)),
    ):
        many, one = function(*given, weights), function(*given, weights[2])
        assert many.shape == (6,) and one.shape == ()
        assert one == pytest.approx(many[2], abs=1e-12)


def test_rates_of_several_outcomes_are_those_of_each():
    tied, free, positive, weights = sample(3)
    hits = np.stack([positive, tied > 0.5, free > 0], axis=1).astype(float)
    each = np.stack([weighted.rate(column, weights) for column in hits.T], axis=1)
    np.testing.assert_array_equal(weighted.rate(hits, weights), each)


def test_an_order_of_some_cases_leaves_the_others_out():
    tied, _, positive, weights = sample(4)
    some = np.flatnonzero(np.arange(len(tied)) % 3)
    sides = weighted.by_score(tied, positive, some)
    expected = weighted.auroc(tied[some], positive[some], weights[:, some])
    np.testing.assert_array_equal(weighted.area(sides, np.ascontiguousarray(weights.T)), expected)
    inside = np.isin(np.arange(len(tied)), some)
    np.testing.assert_array_equal(weighted.auroc(tied, positive, weights * inside), expected)


@pytest.mark.filterwarnings("error")
def test_what_the_weights_leave_undefined_is_nan():
    positive, weights = np.array([True, False, True]), np.array([[1.0, 1, 1], [1, 0, 1], [0, 0, 0]])
    np.testing.assert_array_equal(weighted.auroc(np.full(3, 0.2), positive, weights), [0.5, np.nan, np.nan])
    np.testing.assert_array_equal(weighted.mean(np.arange(3.0), weights), [1, 1, np.nan])
    np.testing.assert_array_equal(weighted.rate(positive, weights), [2 / 3, 1, np.nan])
    np.testing.assert_array_equal(weighted.gap(np.arange(3.0), weights, second=positive), [0, np.nan, np.nan])
    assert np.isnan(weighted.rank_correlation(np.arange(3.0), np.arange(3.0), weights[2]))
