"""Areas under the ROC curve of permuted groups that are drawn at once, against groups that are shuffled."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from helpers.stats.drawn_areas import null_areas, placed
from helpers.stats.weighted import area, auroc, by_score
from tests.helpers.plain_areas import SCORES, classes, scored
from tests.helpers.plain_draws import DRAWS, apart, size


def test_a_pair_is_the_area_two_tilts_their_product_and_a_rest():
    """Every pair of 7 positives and 9 negatives, with ties: the parts are projections, by least squares."""
    rng = np.random.default_rng(4)
    y = rng.permutation(np.repeat([True, False], [7, 9]))
    score = rng.integers(0, 6, 16) + 2.0 * y
    of = placed(score, y)
    pairs = (score[y][:, None] > score[~y]) + (score[y][:, None] == score[~y]) / 2
    assert of.area == pytest.approx(pairs.mean()) == pytest.approx(float(auroc(score, y)))
    rows, columns = pairs.mean(axis=1) - of.area, pairs.mean(axis=0) - of.area
    np.testing.assert_allclose(of.tilt[y], rows[np.argsort(np.argsort(np.flatnonzero(y)))], atol=1e-12)
    np.testing.assert_allclose(of.tilt[~y], columns, atol=1e-12)
    assert of.spread == pytest.approx((rows.var(), columns.var()))
    left, product = pairs - of.area - rows[:, None] - columns, np.outer(rows, columns)
    assert of.twist == pytest.approx((left * product).sum() / (product**2).sum())
    assert of.rest == pytest.approx(((left - of.twist * product) ** 2).mean())


@pytest.mark.parametrize("score", [[0.3] * 6, [0, 1, 1, 0, 0, 1], [4, 5, 6, 1, 2, 3]])
def test_equal_scores_outcomes_and_perfect_order_have_no_rest(score):
    """An area of outcomes is half the sum of two rates and 1, which is linear."""
    y = np.repeat([True, False], 3)
    of = placed(np.array(score, float), y)
    assert of.rest == 0 and of.twist == pytest.approx(0, abs=1e-9) and of.holds(np.array(10), np.array(10))
    if len(set(score)) != 2:
        assert (of.tilt == 0).all()


def test_a_product_is_enough_for_one_pair_in_the_wrong_order():
    y = np.repeat([True, False], 300)
    score = np.where(y, 1.0, 0.0)
    score[0], score[-1] = 0.5, 0.7
    assert placed(score, y).rest == 0
    score[1], score[-2] = 0.1, 0.2
    assert placed(score, y).rest > 0


def test_a_rest_that_is_large_against_the_tilts_does_not_hold():
    """In a group of two rows of each class."""
    rng, y = np.random.default_rng(0), np.repeat([True, False], 300)
    score = rng.normal(1.0 * y)
    assert placed(score, y).holds(np.array([300, 60, 2]), np.array([300, 60, 2])).tolist() == [True, True, False]
    codes = np.arange(600) % 2
    assert null_areas(score, y, codes, n=5, rng=rng).shape == (5, 2)
    codes[4:-4] = 0
    assert null_areas(score, y, codes, n=5, rng=rng) is None


def groups_of(rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
    """Two to five groups with ten rows of each class, some of them with no more."""
    many = int(rng.integers(2, 6))
    codes = rng.choice(many, len(y), p=rng.dirichlet(np.full(many, rng.choice([0.5, 3]))))
    for side in (True, False):
        codes[np.flatnonzero(y == side)[: 10 * many]] = np.repeat(np.arange(many), 10)
    return codes


def shuffled(score: np.ndarray, y: np.ndarray, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Areas by group, (DRAWS, groups), with the groups shuffled within each class."""
    sides, found = by_score(score, y), []
    for _ in range(DRAWS // 500):
        drawn = np.tile(codes, (500, 1))
        for side in (y, ~y):
            drawn[:, side] = rng.permuted(drawn[:, side], axis=1)
        by_row = np.ascontiguousarray(drawn.T)
        found.append(np.stack([area(sides, (by_row == g).astype(float)) for g in range(codes.max() + 1)], axis=1))
    return np.concatenate(found)


def compared(repeats: int, most: int, record_property) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Upper ends of fast nulls against shuffled ones, (sets, 3 shares), bias of means, and what is rejected at 5%."""
    rng, far, expected, level, sets = np.random.default_rng(8), [], [], [], 0
    for name, _ in itertools.product(SCORES, range(repeats)):
        y = classes(rng, size(rng, 300, most), 50)
        codes, score = groups_of(rng, y), scored(rng, name, y)
        fast, sets = null_areas(score, y, codes, n=DRAWS, rng=rng), sets + 1
        if fast is None:
            continue
        slow = shuffled(score, y, codes, rng)
        if name == "constant":
            assert np.array_equal(fast, slow)
            continue
        fast, slow = np.ptp(fast, axis=1), np.ptp(slow, axis=1)
        if slow.max() > 1e-9:
            far.append(apart(fast, slow)[2:])
            chance = 4.5 * np.sqrt((fast.var() + slow.var()) / DRAWS)
            expected.append(max(0.0, abs(fast.mean() - slow.mean()) - chance) / slow.mean())
        if len(np.unique(slow)) > 1000:
            level.append((slow >= np.quantile(fast, 0.95)).mean())
    record_property("data_sets", sets)
    record_property("drawn_at_once", len(far))
    record_property("shuffled_gaps_beyond_the_fast_level_of_5_percent", round(float(np.mean(level)), 4))
    print(f"\n{sets} data sets, {len(far)} at once, level {np.mean(level):.4f}, bias {np.max(expected):.4f}")
    return np.array(far), np.array(expected), np.array(level)


def test_gaps_are_those_of_shuffled_groups(record_property):
    far, bias, _ = compared(1, 600, record_property)
    assert len(far) >= 6
    assert np.abs(far).max() < 4.5
    assert np.sqrt((far**2).mean()) < 1.4  # 1 if only chance differs
    assert max(bias) < 0.03  # beyond chance


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_gaps_are_those_of_shuffled_groups_in_500_data_sets(record_property):
    far, bias, level = compared(45, 2000, record_property)
    assert len(far) >= 200
    assert np.abs(far).max() < 5.5
    assert np.abs(far.mean(axis=0)).max() < 0.25
    assert np.sqrt((far**2).mean(axis=0)).max() < 1.2
    assert max(bias) < 0.03
    assert level.mean() == pytest.approx(0.05, abs=0.001)
