"""Means that are drawn at once against rows that are drawn one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from helpers.stats import drawing, resampled_means
from helpers.stats.resampled_means import MANY, SMALLEST, Shape, distinct, is_smooth, mean_draws, patterns, sum_draws
from tests.helpers.plain_draws import DRAWS, KINDS, apart, covered, size

HARD = 100  # rows: fewer than are drawn at once, and so a harder case


@pytest.fixture
def from_100_rows(monkeypatch):
    """Draw smaller groups at once than is done, so that an error of the expansion is larger."""
    monkeypatch.setattr(resampled_means, "SMALLEST", HARD)


def plain(table: np.ndarray, sizes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Means of rows drawn one by one, written for this test."""
    parts = np.array_split(sizes, 20)
    rows = (table[rng.integers(0, len(table), part.sum())] for part in parts)
    starts = (np.append(0, part[:-1].cumsum()) for part in parts)
    return np.concatenate([np.add.reduceat(*pair, axis=0) for pair in zip(rows, starts, strict=True)]) / sizes[:, None]


def statistics(means: np.ndarray, kind: str) -> list[np.ndarray]:
    """What is taken from the means: each, or their difference too, or the ratio of a sum to a size."""
    if kind == "pair":
        return [means[:, 0], means[:, 1], means[:, 1] - means[:, 0]]
    return [means[:, 0] / means[:, 1]] if kind == "patients" else [means[:, 0]]


def table_of(kind: str, name: str, rng: np.random.Generator) -> np.ndarray:
    """One score, two scores of the same patients, or the sum and the number of the rows of patients."""
    n = size(rng)
    score = KINDS[name](rng, n)
    if kind == "pair":
        return np.stack([score, score + rng.choice([0.01, 0.3, 1]) * KINDS["exponential"](rng, n)], axis=1)
    if kind == "patients":
        rows = rng.integers(1, rng.choice([3, 8]), n).astype(float)
        return np.stack([rows * (score + KINDS["smooth"](rng, n)), rows], axis=1)
    return score[:, None]


def compared(kinds: tuple[str, ...], repeats: int, record_property) -> tuple[np.ndarray, np.ndarray]:
    """Distances of fast from plain draws, (statistics, shares), of the data sets in which rows are not drawn."""
    rng, far, inside, ways = np.random.default_rng(7), [], [], []
    for kind, name, _ in itertools.product(kinds, KINDS, range(repeats)):
        table = table_of(kind, name, rng)
        sizes = rng.binomial(2 * len(table), 0.5, DRAWS)
        few = distinct(table) is not None
        way = "rows" if len(table) < HARD or not (few or is_smooth(Shape(table), len(table))) else "fast"
        ways.append(way)
        if way == "fast":
            draws = mean_draws(table, sizes, rng), plain(table, sizes, rng)
            pairs = list(zip(*(statistics(means, kind) for means in draws), strict=True))
            far += [apart(*pair) for pair in pairs]
            inside += [covered(*pair) for pair in pairs if not few]
    record_property("data_sets", len(ways))
    record_property("drawn_at_once", ways.count("fast"))
    record_property("plain_draws_in_the_fast_95_interval", round(float(np.nanmean(inside)), 4))
    print(f"\n{len(ways)} data sets, {ways.count('fast')} at once, coverage {np.nanmean(inside):.4f}")
    return np.array(far), np.array(inside)


def test_means_are_those_of_drawn_rows(record_property, from_100_rows):
    far, _ = compared(("score",), 3, record_property)
    assert len(far) >= 20
    assert np.abs(far).max() < 4.5
    assert np.sqrt((far**2).mean()) < 1.25  # 1 if only chance differs


@pytest.mark.slow
def test_means_are_those_of_drawn_rows_in_a_thousand_data_sets(record_property, from_100_rows):
    far, inside = compared(("score", "pair", "patients"), 30, record_property)
    assert len(far) >= 500
    assert np.abs(far).max() < 5
    assert np.abs(far.mean(axis=0)).max() < 0.25  # of the Monte-Carlo error: a bias of the expansion
    assert np.sqrt((far**2).mean(axis=0)).max() < 1.15
    assert np.nanmean(inside) == pytest.approx(0.95, abs=0.0005)


def test_an_outlier_and_few_rows_are_drawn_one_by_one():
    rng = np.random.default_rng(0)
    score = np.append(rng.beta(5, 2, 499), 1000.0)[:, None]
    assert not is_smooth(Shape(score), len(score))
    drawn = mean_draws(score, np.full(2000, 500), rng)[:, 0]
    times = np.round((drawn - 0.7) * 500 / 1000).astype(int)
    assert set(times[times < 3]) == {0, 1, 2}  # of 0, 1, 2 outliers, and nothing between
    assert np.abs(drawn - 0.7 - 2 * times).max() < 0.1
    few = rng.random((SMALLEST - 1, 1))
    assert (few.min() <= (mean_draws(few, np.ones(500, int), rng))).all()
    assert np.isin(mean_draws(few, np.ones(500, int), rng), few).all()


def test_a_draw_of_no_row_has_no_mean_and_constant_scores_have_theirs():
    rng = np.random.default_rng(0)
    for table in (rng.random((200, 2)), rng.choice([0.0, 1.0], (3000, 2)), rng.random((20, 2))):
        drawn = mean_draws(table, np.array([0, len(table)]), rng)
        assert np.isnan(drawn[0]).all() and not np.isnan(drawn[1]).any()
    for n in (50, 5000):
        np.testing.assert_allclose(mean_draws(np.full((n, 1), 0.3), np.full(100, n), rng), 0.3, rtol=1e-12)


def test_the_sums_of_cells_are_those_of_all_patients_drawn_together():
    """Patients in one group, in the other, in both (few) or in none; compared as ratios of sums."""
    rng = np.random.default_rng(3)
    n = 2 * MANY
    rows = rng.integers(0, 3, (n, 2)) * (rng.random((n, 2)) < [0.5, 0.1])
    score = rng.exponential(size=(n, 2)) + rng.normal(size=(n, 1))
    table = np.stack([rows[:, 0] * score[:, 0], rows[:, 0], rows[:, 1] * score[:, 1], rows[:, 1]], axis=1).astype(float)
    cells = patterns(table[:, 1::2])
    assert set(cells) == {-1, 1, 2, 3}
    assert (cells == -1).tolist() == (rows.sum(axis=1) == 0).tolist()
    fast = sum_draws(table, cells, n_boot=DRAWS, seed=0)
    whole = np.concatenate([times @ table for times in drawing.blocks(n, n_boot=DRAWS, seed=1, step=500)])
    for of in (lambda s: s[:, 0] / s[:, 1], lambda s: s[:, 2] / s[:, 3] - s[:, 0] / s[:, 1], lambda s: s[:, 1]):
        assert np.abs(apart(of(fast), of(whole))).max() < 4
    np.testing.assert_allclose(np.corrcoef(fast.T), np.corrcoef(whole.T), atol=0.05)


def test_fewer_patients_are_drawn_as_before():
    rng = np.random.default_rng(0)
    table = rng.random((MANY - 1, 2))
    (times,) = drawing.blocks(MANY - 1, n_boot=20, seed=5, step=20)
    assert np.array_equal(sum_draws(table, np.zeros(MANY - 1, int), n_boot=20, seed=5), times @ table)


def test_means_drawn_at_once_have_the_mean_spread_and_skewness_of_their_rows():
    """A mean of n rows has the skewness of the rows over the root of n, and so has every sum of columns."""
    rng = np.random.default_rng(0)
    first = rng.exponential(size=400)
    table = np.stack([first, first + rng.exponential(size=400)], axis=1)
    assert is_smooth(Shape(table), len(table))
    drawn = mean_draws(table, np.full(400_000, len(table)), rng)
    for weights in ([1, 0], [0, 1], [-1, 1], [2, -1]):
        rows, means = table @ weights, drawn @ weights
        spread = rows.std() / np.sqrt(len(rows))
        assert means.mean() == pytest.approx(rows.mean(), abs=0.01 * spread)
        assert means.std() == pytest.approx(spread, rel=0.01)
        expected = ((rows - rows.mean()) ** 3).mean() / rows.std() ** 3 / np.sqrt(len(rows))
        assert ((means - means.mean()) ** 3).mean() / means.std() ** 3 == pytest.approx(expected, abs=0.015)
