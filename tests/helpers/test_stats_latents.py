"""Latents against factors: matching, correlations, and linear prediction out of fold."""

import numpy as np
import pytest

from helpers import stats
from helpers.errors import InputError

RNG = np.random.default_rng(0)
FACTORS = RNG.standard_normal((500, 3))


def test_shuffled_and_scaled_factors_match_perfectly():
    latents = np.column_stack([-3 * FACTORS[:, 2], FACTORS[:, 0] + 5, 0.1 * FACTORS[:, 1]])
    found = stats.match_latents(latents, FACTORS)
    assert found.mcc == pytest.approx(1) and found.latent.tolist() == [1, 2, 0]
    assert found.correlation == pytest.approx([1, 1, -1])


def test_the_matching_is_the_best_of_all():
    latents = FACTORS @ RNG.standard_normal((3, 3))
    correlation = np.abs(np.corrcoef(FACTORS.T, latents.T)[:3, 3:])
    from itertools import permutations

    best = max(np.mean([correlation[i, j] for i, j in enumerate(order)]) for order in permutations(range(3)))
    assert stats.match_latents(latents, FACTORS).mcc == pytest.approx(best)


def test_ranks_see_through_a_monotone_map():
    latents = np.exp(3 * FACTORS)
    assert stats.match_latents(latents, FACTORS, ranks=True).mcc == pytest.approx(1)
    assert stats.match_latents(latents, FACTORS).mcc < 0.8


def test_more_latents_than_factors_are_allowed_and_fewer_are_not():
    assert len(stats.match_latents(np.c_[FACTORS, FACTORS + RNG.random(FACTORS.shape)], FACTORS).latent) == 3
    with pytest.raises(InputError, match="2 cannot hold 3 factors"):
        stats.match_latents(FACTORS[:, :2], FACTORS)


def test_collapsed_latents_are_refused():
    latents = FACTORS.copy()
    latents[:, 1] *= 1e-4
    with pytest.raises(InputError, match="column 1 has collapsed"):
        stats.match_latents(latents, FACTORS)
    latents[0, 1] = np.nan
    with pytest.raises(InputError, match="NaN"):
        stats.match_latents(latents, FACTORS)
    with pytest.raises(InputError, match="do not match"):
        stats.match_latents(FACTORS[:10], FACTORS)


def test_mean_correlation_by_hand():
    both = np.column_stack([FACTORS[:, 0], -FACTORS[:, 0], FACTORS[:, 1]])
    one = abs(np.corrcoef(FACTORS[:, 0], FACTORS[:, 1])[0, 1])
    assert stats.mean_correlation(both) == pytest.approx((1 + 2 * one) / 3)


@pytest.mark.parametrize(
    ("latents", "words"),
    [
        (FACTORS[:, :1], r"shape \(500, 1\) has no pair"),
        (FACTORS[:, 0], r"shape \(500,\) has no pair"),
        (np.where(FACTORS > 2, np.nan, FACTORS), "latents: some values are NaN"),
        (FACTORS * [1, 0, 1], "latents: column 1 has collapsed"),
    ],
)
def test_no_correlation_of_latents(latents, words):
    with pytest.raises(InputError, match=words):
        stats.mean_correlation(latents)


def test_prediction_is_out_of_fold():
    predicted, explained = stats.predicted_linearly(FACTORS @ RNG.standard_normal((3, 6)), FACTORS)
    assert (explained > 0.999).all() and np.abs(predicted - FACTORS).max() < 0.1
    noise = RNG.standard_normal((100, 60))
    assert (stats.predicted_linearly(noise, FACTORS[:100])[1] < 0.1).all(), "60 columns of noise explain nothing new"
