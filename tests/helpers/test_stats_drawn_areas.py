"""Areas under the ROC curve of permuted groups that are drawn at once, against groups that are shuffled."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from helpers.stats.drawn_areas import _areas, _sums, null_areas, placed
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
    assert null_areas(score, y, np.arange(600) % 2, n=5, rng=rng).shape == (5, 2)
    assert null_areas(score, y, np.arange(600) % 150, n=5, rng=rng) is None


def test_small_groups_have_few_rows_of_a_large_class():
    """Seven groups of 10 + 10 hold one row in 32 of 2,240 of each class; an eighth is too many."""
    rng, y = np.random.default_rng(1), np.repeat([True, False], 2240)
    score, codes = rng.normal(1.0 * y), np.zeros(4480, int)
    for many, drawn in ((7, True), (8, False)):
        for side in (y, ~y):
            codes[np.flatnonzero(side)[: 10 * many]] = np.repeat(np.arange(1, many + 1), 10)
        assert (null_areas(score, y, codes, n=5, rng=rng) is not None) == drawn


@pytest.mark.parametrize("n", [500, 5000])
def test_the_sums_of_tilts_are_those_of_the_rows_drawn(n):
    """A small group has distinct places, all as likely, no row is in two small groups, and all sums add up to 0."""
    rng, draws = np.random.default_rng(2), 4000
    tilt = rng.exponential(size=n)
    tilt -= tilt.mean()
    codes = np.repeat([0, 1, 2, 3], [7, 9, n // 4, n - n // 4 - 16])
    sums, places = _sums(tilt, codes, np.array([True, True, False, False]), draws, rng)
    assert [at.shape for at in places] == [(draws, 7), (draws, 9)]
    for g, at in enumerate(places):
        np.testing.assert_allclose(sums[:, g], tilt[at].sum(axis=1), atol=1e-9)
    both = np.sort(np.concatenate(places, axis=1), axis=1)
    assert (np.diff(both, axis=1) > 0).all()
    expected = 16 * draws / 10
    tenths = np.bincount(both.ravel() * 10 // n, minlength=10)
    assert np.abs(tenths - expected).max() < 4.5 * np.sqrt(expected)
    np.testing.assert_allclose(sums.sum(axis=1), 0, atol=1e-8)
    sizes, variance = np.bincount(codes), (tilt**2).sum() / (n - 1)
    spread = variance * (np.diag(sizes) - np.outer(sizes, sizes) / n)
    scale = np.sqrt(np.diag(spread))
    np.testing.assert_allclose(np.cov(sums.T) / np.outer(scale, scale), spread / np.outer(scale, scale), atol=0.12)


def test_groups_of_near_perfect_scores_are_drawn_from_the_exceptions():
    """Where no group holds: every way to share out two exceptions of each class over groups of 20% and 80%."""
    rng, y, n = np.random.default_rng(4), np.repeat([True, False], [300, 700]), 20_000
    score, codes = y + 0.1 * rng.random(1000), (np.arange(1000) % 5 > 0).astype(int)
    score[[0, 1, -1, -2]] = [0.3, 0.5, 0.4, 0.6]  # 1 of 2 positives is above one, 1 above none
    assert not placed(score, y).holds(*(np.bincount(codes[side]) for side in (y, ~y))).any()
    areas = null_areas(score, y, codes, n=n, rng=rng)
    exact = {}
    for of in itertools.product([0, 1], repeat=4):  # the groups of the four exceptions, low to high
        up, down = (np.array(side) for side in (of[::2], of[1::2]))
        chance = _chance(up, 60, 240) * _chance(down, 140, 560)
        lost = [
            sum((up[i] == g) * (down[j] == g) for i, j in ((0, 0), (0, 1), (1, 1))) for g in (0, 1)
        ]  # pairs in the wrong order
        key = tuple(round(1 - pairs / size, 9) for pairs, size in zip(lost, (60 * 140, 240 * 560), strict=True))
        exact[key] = exact.get(key, 0) + chance
    values, numbers = np.unique(areas.round(9), axis=0, return_counts=True)
    assert {tuple(v) for v in values.tolist()} == set(exact)
    for value, number in zip(values.tolist(), numbers, strict=True):
        chance = exact[tuple(value)]
        assert abs(number - n * chance) < 4.5 * np.sqrt(n * chance)


def _chance(groups: np.ndarray, small: int, large: int) -> float:
    """The chance that two rows, drawn without replacement, are in these groups of two."""
    sizes = np.array([small, large])
    first, second = groups
    return sizes[first] * (sizes[second] - (first == second)) / ((small + large) * (small + large - 1))


def test_the_areas_of_small_groups_are_exact():
    """Every draw of a small group, with ties, against the AUROC of its rows."""
    rng = np.random.default_rng(3)
    upper, lower = rng.integers(2, 9, (40, 12)), rng.integers(0, 7, (40, 28))
    y = np.repeat([True, False], [12, 28])
    expected = [float(auroc(np.concatenate(of).astype(float), y)) for of in zip(upper, lower, strict=True)]
    np.testing.assert_allclose(_areas(upper, lower), expected, rtol=1e-12)


def groups_of(rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
    """Two to five groups with ten rows of each class, some of them with no more."""
    many = int(rng.integers(2, 6))
    codes = rng.choice(many, len(y), p=rng.dirichlet(np.full(many, rng.choice([0.5, 3]))))
    for side in (True, False):
        codes[np.flatnonzero(y == side)[: 10 * many]] = np.repeat(np.arange(many), 10)
    return codes


def one_tiny(rng: np.random.Generator, y: np.ndarray) -> np.ndarray:
    """Two or three large groups, and one of 12 positives and 28 negatives."""
    codes = rng.integers(0, int(rng.integers(2, 4)), len(y))
    codes[np.flatnonzero(y)[:12]] = codes[np.flatnonzero(~y)[:28]] = codes.max() + 1
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


def compared(
    repeats: int, record_property, *, least: int = 300, most: int, groups=groups_of, names=SCORES
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Upper ends of fast nulls against shuffled ones, (sets, 3 shares), bias of means, and what is rejected at 5%."""
    rng, far, expected, level, sets = np.random.default_rng(8), [], [], [], 0
    for name, _ in itertools.product(names, range(repeats)):
        y = classes(rng, size(rng, least, most), 50)
        codes, score = groups(rng, y), scored(rng, name, y)
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
    far, bias, _ = compared(1, record_property, most=600)
    assert len(far) >= 6
    assert np.abs(far).max() < 4.5
    assert np.sqrt((far**2).mean()) < 1.4  # 1 if only chance differs
    assert max(bias) < 0.03  # beyond chance


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_gaps_are_those_of_shuffled_groups_in_500_data_sets(record_property):
    far, bias, level = compared(45, record_property, most=2000)
    assert len(far) >= 200
    assert np.abs(far).max() < 5.5
    assert np.abs(far.mean(axis=0)).max() < 0.25
    assert np.sqrt((far**2).mean(axis=0)).max() < 1.2
    assert max(bias) < 0.03
    assert level.mean() == pytest.approx(0.05, abs=0.001)


def test_gaps_are_those_of_shuffled_groups_with_one_tiny_group(record_property):
    names = ["apart", "far apart", "ties", "skewed"]
    far, bias, _ = compared(1, record_property, least=1000, most=2500, groups=one_tiny, names=names)
    assert len(far) == len(names)
    assert np.abs(far).max() < 4.5
    assert np.sqrt((far**2).mean()) < 1.4
    assert max(bias) < 0.03


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_gaps_are_those_of_shuffled_groups_with_one_tiny_group_in_200_data_sets(record_property):
    far, bias, level = compared(18, record_property, least=1000, most=4000, groups=one_tiny)
    assert len(far) >= 150
    assert np.abs(far).max() < 5.5
    assert np.abs(far.mean(axis=0)).max() < 0.25
    assert np.sqrt((far**2).mean(axis=0)).max() < 1.2
    assert max(bias) < 0.03
    assert level.mean() == pytest.approx(0.05, abs=0.001)
