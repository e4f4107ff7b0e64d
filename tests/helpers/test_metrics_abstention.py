"""Measures of abstention against loops over coverages and over every order of tied cases."""

import itertools

import numpy as np
import pytest

from helpers import metrics
from helpers.errors import InputError


def by_loop(error, score, generalised):
    """The mean risk over coverages, and over every order in which tied cases could be kept."""
    n, found = len(error), []
    for order in itertools.permutations(range(n)):
        if all(score[a] <= score[b] for a, b in itertools.pairwise(order)):
            kept = [sum(error[i] for i in order[:k]) for k in range(1, n + 1)]
            found.append(np.mean([e / (n if generalised else k) for k, e in enumerate(kept, 1)]))
    return np.mean(found)


@pytest.mark.parametrize("levels", [2, 3, 99])
@pytest.mark.parametrize("seed", range(4))
def test_areas_are_those_of_a_loop_over_all_orders(seed, levels):
    rng = np.random.default_rng(seed)
    error, score = rng.integers(0, 2, 7).astype(float), rng.integers(0, levels, 7).astype(float)
    assert metrics.aurc(error, score) == pytest.approx(by_loop(error, score, False), abs=1e-12)
    assert metrics.augrc(error, score) == pytest.approx(by_loop(error, score, True), abs=1e-12)


def test_a_weight_counts_a_case_that_often():
    rng = np.random.default_rng(5)
    error, score = rng.integers(0, 2, 40).astype(float), rng.integers(0, 9, 40).astype(float)
    weights = rng.multinomial(40, np.full(40, 1 / 40), 6)
    for measure in (metrics.aurc, metrics.augrc):
        drawn = [measure(np.repeat(error, w), np.repeat(score, w)) for w in weights]
        assert np.allclose(measure(error, score, weights=weights), drawn, atol=1e-12)
    assert np.isnan(metrics.aurc(error, score, weights=np.zeros((1, 40)))).all()


def test_known_values():
    """Four cases, the last wrong: kept last, the risk is 0, 0, 0, 1/4; kept first, it is 1, 1/2, 1/3, 1/4."""
    error = [0, 0, 0, 1]
    assert metrics.aurc(error, [1, 2, 3, 4]) == pytest.approx(1 / 16)
    assert metrics.augrc(error, [1, 2, 3, 4]) == pytest.approx(1 / 16)
    assert metrics.aurc(error, [4, 3, 2, 1]) == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    assert metrics.augrc(error, [4, 3, 2, 1]) == pytest.approx(1 / 4)
    assert metrics.aurc([0, 0], [1, 1]) == 0 and metrics.augrc([1], [3.0]) == 1


def test_a_threshold_takes_ties_whole():
    stranger, score = [0, 0, 0, 0, 1, 1, 1, 1], [1, 2, 3, 3, 3, 4, 5, 6]
    assert metrics.false_positive_rate_at(stranger, score, tpr=0.75) == 0
    assert metrics.false_positive_rate_at(stranger, score, tpr=0.76) == 0.5
    assert metrics.false_positive_rate_at(stranger, score) == 0.5
    assert metrics.false_positive_rate_at(stranger, np.negative(score)) == 1


def test_flag_rates():
    score = np.arange(1, 11)
    threshold = metrics.flag_threshold(score, share=0.9)
    assert threshold == 9 and metrics.flag_threshold(score, share=0.91) == 10
    assert metrics.flag_threshold([1, 1, 1, 2], share=0.6) == 1
    groups = np.array(["low"] * 5 + ["high"] * 4 + [None], dtype=object)
    table = metrics.flag_rates(score, groups=groups, threshold=7)
    assert table.loc["high"].tolist() == [4, 2, 0.5] and table.loc["low"].tolist() == [5, 0, 0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.aurc([0, 1], [1.0]), "1 values for 2 of error"),
        (lambda: metrics.aurc([0, 2], [1.0, 2.0]), "error: values outside 0 to 1"),
        (lambda: metrics.augrc([0, 1], [1.0, np.nan]), "score: 1 of 2 values are NaN"),
        (lambda: metrics.augrc([0, 1], [1.0, 2.0], weights=[1.5, 1]), "weights: are no whole numbers"),
        (lambda: metrics.augrc([0, 1], [1.0, 2.0], weights=[1]), "weights: shape"),
        (lambda: metrics.false_positive_rate_at([1, 1], [1, 2]), "both must occur"),
        (lambda: metrics.false_positive_rate_at([0, 1], [1, 2], tpr=0), "tpr: 0 is not above 0"),
        (lambda: metrics.flag_threshold([1, 2], share=2), "share: 2"),
        (lambda: metrics.flag_rates([1, 2], groups=["a"], threshold=1), "1 groups for 2 cases"),
        (lambda: metrics.flag_rates([1, 2], groups=["a", "b"], threshold="x"), "threshold: 'x' is no number"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
