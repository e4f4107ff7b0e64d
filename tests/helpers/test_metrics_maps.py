"""Agreement of maps against SciPy and scikit-learn, one pair at a time, with ties and maps that have no ranks."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from helpers import metrics
from helpers.errors import InputError

K, N, SIDE = 4, 6, 7


@pytest.fixture
def maps():
    """Maps of four methods; those of the third have many ties."""
    made = np.random.default_rng(0).normal(size=(K, N, SIDE, SIDE))
    made[1] += made[0]
    made[2] = np.round(made[1])
    return made


def test_the_matrix_is_that_of_a_loop(maps):
    found = metrics.map_agreement(maps)
    assert found.shape == (N, K, K)
    for image in range(N):
        for a in range(K):
            for b in range(K):
                expected = spearmanr(maps[a, image].ravel(), maps[b, image].ravel()).statistic
                assert found[image, a, b] == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(metrics.spearman(maps[0], maps[2]), found[:, 0, 2], atol=1e-12)


def test_maps_without_ranks_are_undefined_alone(maps):
    maps[0, 1], maps[3, 2] = 5.0, np.nan
    undefined = np.isnan(metrics.map_agreement(maps))
    assert undefined[1].sum() == undefined[2].sum() == 2 * K - 1 and undefined.sum() == 2 * (2 * K - 1)
    assert undefined[1, 0].all() and undefined[2, 3].all()
    assert np.isnan(metrics.spearman(maps[0], maps[3])).tolist() == [False, True, True, False, False, False]


def test_overlap_of_the_highest_pixels():
    first = np.arange(12.0).reshape(1, 3, 4)
    assert metrics.top_overlap(first, first, k=5).tolist() == [1.0]
    assert metrics.top_overlap(first, -first, k=6).tolist() == [0.0]
    assert metrics.top_overlap(first, -first, k=9) == pytest.approx(6 / 9)
    both = np.concatenate([first, np.full_like(first, np.nan)])
    assert np.isnan(metrics.top_overlap(both, both, k=[2, 3])).tolist() == [False, True]


def test_signs_are_compared_where_both_have_one():
    first = np.array([[1.0, -1, 0, 2], [0, 0, 0, 0]])
    second = np.array([[3.0, 1, 5, 1], [1, 1, 1, 1]])
    found = metrics.sign_agreement(first, second)
    assert found[0] == pytest.approx(2 / 3) and np.isnan(found[1])


def test_localisation_is_an_auroc_over_pixels(maps):
    part = np.random.default_rng(1).random((N, SIDE, SIDE)) < 0.2
    found = metrics.localisation(maps[2], part)
    expected = [roc_auc_score(p.ravel(), m.ravel()) for m, p in zip(maps[2], part, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(metrics.localisation(maps[2], part[0])[0], expected[0], atol=1e-12)
    maps[2, 0], maps[2, 1] = 1.0, np.nan
    changed = metrics.localisation(maps[2], part)
    assert changed[0] == 0.5 and np.isnan(changed[1])


def test_a_switch_that_moves_a_map_as_noise_does_is_no_finding(maps):
    noise = np.random.default_rng(2).normal(0, 0.1, (2, *maps[0].shape))
    again, as_much = maps[0] + noise
    assert np.abs(metrics.beyond_noise(maps[0], as_much, again=again)).max() < metrics.SMALLEST_MOVE
    assert (metrics.beyond_noise(maps[0], maps[3], again=again) > metrics.SMALLEST_MOVE).all()
    np.testing.assert_allclose(metrics.beyond_noise(maps[0], -maps[0], again=maps[0]), 2)


ERRORS = [
    (lambda m: metrics.map_agreement(m[:1]), "two methods or more"),
    (lambda m: metrics.map_agreement(m[0, 0]), "expected .methods, n, ...."),
    (lambda m: metrics.spearman(m[0], m[1, :2]), "differ. Give two maps of each image"),
    (lambda m: metrics.spearman(m[0, 0, 0], m[0, 0, 0]), "expected .n, ...., found"),
    (lambda m: metrics.top_overlap(m[0], m[1], k=0), "from 1 to 49"),
    (lambda m: metrics.top_overlap(m[0], m[1], k=50), "from 1 to 49"),
    (lambda m: metrics.localisation(m[0], np.zeros((N, SIDE, SIDE), bool)), "image 0 has no pixel"),
    (lambda m: metrics.localisation(m[0], np.ones((SIDE, SIDE), bool)), "image 0 has all pixels"),
    (lambda m: metrics.localisation(m[0], np.ones((SIDE, SIDE))), "expected bool"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS, ids=[m for _, m in ERRORS])
def test_bad_input_is_one_clear_line(maps, call, message):
    with pytest.raises(InputError, match=message):
        call(maps)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_map_with_a_hole_is_refused(maps, bad):
    maps[1, 3, 0, 0] = bad
    with pytest.raises(InputError, match="map 9 is NaN or infinite in 1 of 49 pixels"):
        metrics.map_agreement(maps)
