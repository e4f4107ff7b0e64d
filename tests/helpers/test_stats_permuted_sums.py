"""Sums of groups that are drawn at once against scores that are shuffled."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from helpers.stats import permuted_sums
from helpers.stats.permuted_sums import _smooth, _third, _without_replacement, null_sums
from helpers.stats.resampled_means import distinct
from tests.helpers.plain_draws import DRAWS, KINDS, apart, covered, size


@pytest.fixture
def from_100_cases(monkeypatch):
    """Draw smaller strata at once than is done, so that an error of the expansion is larger."""
    monkeypatch.setattr(permuted_sums, "MANY", 100)


def plain(values: np.ndarray, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sums of groups of shuffled values, written for this test."""
    member = (codes[:, None] == np.arange(codes.max() + 1)).astype(float)
    return np.concatenate([rng.permuted(np.tile(values, (500, 1)), axis=1) @ member for _ in range(DRAWS // 500)])


def groups_of(rng: np.random.Generator, n: int) -> np.ndarray:
    """Two to five groups, some of them tiny."""
    many = int(rng.integers(2, 6))
    codes = rng.choice(many, n, p=rng.dirichlet(np.full(many, rng.choice([0.5, 3]))))
    codes[:2] = 0, 1
    return np.unique(codes, return_inverse=True)[1]


def compared(repeats: int, record_property) -> np.ndarray:
    """Distances of the fast from the shuffled gap and from the sum of each group, (statistics, shares)."""
    rng, far, inside = np.random.default_rng(11), [], []
    for name, _ in itertools.product(KINDS, range(repeats)):
        values = KINDS[name](rng, size(rng, 100, 1500))
        codes = groups_of(rng, len(values))
        sizes = np.bincount(codes)
        (fast,) = null_sums(values, codes, np.zeros(len(codes), int), DRAWS, rng)
        shuffled = plain(values, codes, rng)
        assert fast.sum(axis=1) == pytest.approx(values.sum(), rel=1e-9, abs=1e-9)
        if name != "constant":  # gaps are rounding errors
            gaps = [np.ptp(sums / sizes, axis=1) for sums in (fast, shuffled)]
            far.append(apart(*gaps))
            if distinct(values[:, None]) is None and _smooth(values, sizes, 2, rng) is not None:
                inside.append(covered(*gaps))
        far += [apart(a, b) for a, b in zip(fast.T, shuffled.T, strict=True)]
    record_property("plain_draws_in_the_fast_95_interval", round(float(np.nanmean(inside)), 4))
    record_property("drawn_at_once", len(inside))
    assert len(inside) >= repeats
    print(f"\n{len(inside)} data sets at once, coverage {np.nanmean(inside):.4f}")
    return np.array(far)


def test_sums_are_those_of_shuffled_scores(record_property, from_100_cases):
    far = compared(2, record_property)
    assert np.abs(far).max() < 4.5
    assert np.sqrt((far**2).mean()) < 1.1


@pytest.mark.slow
def test_sums_are_those_of_shuffled_scores_in_a_thousand_data_sets(record_property, from_100_cases):
    far = compared(80, record_property)
    assert np.abs(far).max() < 5.5
    assert np.abs(far.mean(axis=0)).max() < 0.2
    assert np.sqrt((far**2).mean(axis=0)).max() < 1.1


def test_third_moments_are_those_of_all_orders():
    """Every assignment of six values to groups of 1, 2 and 3."""
    values, sizes = np.array([-3.0, -1, 0, 0.5, 1, 2.5]), np.array([1, 2, 3])
    assert values.sum() == 0
    orders = set(itertools.permutations(np.repeat(np.arange(3), sizes)))
    sums = np.array([np.bincount(order, values, 3) for order in orders])
    moments = np.einsum("na,nb,nc->abc", sums, sums, sums) / len(sums)
    np.testing.assert_allclose(_third(sizes) * (values**3).sum(), moments, atol=1e-12)


def test_each_block_keeps_its_sum_and_a_block_under_the_limit_is_shuffled():
    rng = np.random.default_rng(0)
    sizes = np.array([20, 150, 3000])
    block = np.repeat(np.arange(3), sizes)
    values, codes = rng.exponential(size=len(block)) + 5.0 * block, rng.integers(0, 3, len(block))
    for k, sums in enumerate(null_sums(values, codes, block, 500, rng)):
        inside = values[block == k]
        assert sums.shape == (500, 3)
        np.testing.assert_allclose(sums.sum(axis=1), inside.sum())
        np.testing.assert_allclose(sums.mean(axis=0), np.bincount(codes[block == k]) * inside.mean(), rtol=0.05)


def test_places_without_replacement_are_all_orders_alike():
    places = _without_replacement(4, 3, 24_000, np.random.default_rng(0))
    _, counts = np.unique(places, axis=0, return_counts=True)
    assert len(counts) == 24  # of 4 * 3 * 2 orders
    assert ((counts - 1000) ** 2 / 1000).sum() < 50  # chi-square with 23 degrees of freedom


def test_small_groups_of_skewed_scores_among_many_are_not_shuffled(monkeypatch):
    """A group of 8 and one of 120, too few for the expansion of exponential scores, of 5,000."""
    rng = np.random.default_rng(0)
    values, codes = rng.exponential(size=5000), np.repeat([0, 1, 2, 3], [8, 120, 2000, 2872])
    shuffled = plain(values, codes, rng)
    monkeypatch.delattr(permuted_sums, "_shuffled")
    (fast,) = null_sums(values, codes, np.zeros(5000, int), DRAWS, rng)
    far = [apart(a, b) for a, b in zip(fast.T, shuffled.T, strict=True)]
    far.append(apart(*(np.ptp(sums / np.bincount(codes), axis=1) for sums in (fast, shuffled))))
    assert np.abs(far).max() < 4.5
    np.testing.assert_allclose(np.corrcoef(fast.T), np.corrcoef(shuffled.T), atol=0.05)
