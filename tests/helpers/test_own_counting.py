"""Measures of a classifier that are drawn from counts, against rows that are drawn one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from helpers.stats.permuted_sums import LARGE
from helpers.stats.resampled_means import MANY
from helpers.stats.weighted import area, auroc
from helpers.studies import own_scores
from helpers.studies.own_scores import counting, rate_gaps
from helpers.studies.own_scores.classifying import codes_of, paired_rates
from helpers.studies.own_scores.counting import countable, counted_draws
from tests.helpers.plain_areas import SCORES, classes, scored
from tests.helpers.plain_draws import DRAWS, apart, covered, size


def rows(rng: np.random.Generator, n: int):
    """A classifier with two models of one truth, and four groups, the last of 40 rows, some without a group."""
    y = rng.random(n) < 0.3
    first = rng.normal(1.2 * y)
    second = first + rng.normal(0.3 * y, 0.7)
    groups = rng.choice(["a", "b", "c", None], n, p=[0.6, 0.25, 0.1, 0.05]).astype(object)
    groups[:40], y[:40] = "d", np.arange(40) < 14
    many = [own_scores.Classified(y, score > 0.6, 1 / (1 + np.exp(-score)), np.arange(n)) for score in (first, second)]
    return many, pd.Series(groups).astype("category")


def test_measures_and_their_changes_are_those_of_drawn_rows(monkeypatch):
    """All measures of a large, a middle, a small and a tiny group, the changes between models, and correlations."""
    many, groups = rows(np.random.default_rng(1), 1500)
    assert countable(many)
    fast = paired_rates(many, groups=groups, n_boot=DRAWS, seed=3)
    monkeypatch.setattr(counting, "MANY", 1501)
    assert not countable(many)
    slow = paired_rates(many, groups=groups, n_boot=DRAWS, seed=4)
    for of, plain in zip(fast, slow, strict=True):
        assert np.array_equal(of.estimate, plain.estimate) and np.array_equal(of.n, plain.n)
    found = [[pair[0].draws, pair[1].draws, pair[1].draws - pair[0].draws] for pair in (fast, slow)]
    far = [
        apart(a, b) for drawn in zip(*found, strict=True) for a, b in zip(*(columns(of) for of in drawn), strict=True)
    ]
    assert np.abs(far).max() < 4.5
    assert np.sqrt((np.array(far) ** 2).mean()) < 1.15
    of_large, of_mean = fast[0].levels.index("a"), slice(0, 7)
    correlations = []
    for first, second, _ in found:
        both = [part for draws in (first, second) for part in (draws[:, of_mean], draws[:, -1:, [of_large] * 4])]
        correlations.append(np.corrcoef(columns(np.concatenate(both, axis=1))))
    np.testing.assert_allclose(*correlations, atol=0.05)


def columns(draws: np.ndarray) -> np.ndarray:
    """Replicates of each measure and group, (measures * groups, n_boot), without those that are undefined."""
    flat = draws.reshape(len(draws), -1).T
    return np.where(np.isnan(flat), np.nanmean(flat, axis=1, keepdims=True), flat)


def test_few_rows_clusters_and_weights_are_drawn_by_patient():
    many, _ = rows(np.random.default_rng(0), MANY)
    assert countable(many)
    assert not countable([of._replace(truth=of.truth[1:], patient=of.patient[:-1]) for of in many])
    assert not countable([of._replace(patient=np.arange(MANY) // 2) for of in many])
    assert not countable([many[0], many[1]._replace(weights=np.ones(MANY))])
    few, groups = rows(np.random.default_rng(0), MANY - 1)
    assert not countable(few)
    alone = own_scores.group_rates(few[1], groups=groups, n_boot=20, seed=1)
    assert np.array_equal(alone.draws, paired_rates(few, groups=groups, n_boot=20, seed=1)[1].draws, equal_nan=True)


def test_rates_of_drawn_rows_are_counts_over_counts():
    """Without probabilities every replicate is a table of whole numbers; a group that is not drawn has no rate."""
    many, groups = rows(np.random.default_rng(2), 1200)
    codes, *_ = codes_of(many[0], groups)
    many = [of._replace(probability=None) for of in many]
    first, second = counted_draws(many, codes, 4, n_boot=300, seed=0)
    assert first.shape == second.shape == (300, 5, 4)
    wrong = 1 - first[:, 4]
    sizes = 1200 * np.bincount(codes[codes >= 0]) / 1200
    assert (
        np.abs(wrong.mean(axis=0) - [(many[0].predicted != many[0].truth)[codes == g].mean() for g in range(4)]).max()
        < 0.02
    )
    assert wrong.std(axis=0) == pytest.approx(np.sqrt((wrong * (1 - wrong)).mean(axis=0) / sizes), rel=0.2)
    codes[:] = -1
    codes[0], codes[1:] = 0, 1
    (one, _) = counted_draws(many, codes, 2, n_boot=300, seed=0)
    assert np.isnan(one[:, 4, 0]).mean() == pytest.approx(np.exp(-1), abs=0.1) and not np.isnan(one[:, 4, 1]).any()


def plain(score: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    weights = rng.multinomial(len(y), np.full(len(y), 1 / len(y)), size=DRAWS)
    return auroc(score, y, weights.astype(float))


def compared(repeats: int, record_property) -> tuple[np.ndarray, np.ndarray]:
    """Distances of fast from plain areas, (sets, shares), where the expansion holds, and coverage."""
    rng, far, inside, sets = np.random.default_rng(5), [], [], 0
    for name, _ in itertools.product(SCORES, range(repeats)):
        y = classes(rng, size(rng, LARGE, 1000))
        score, sets = scored(rng, name, y), sets + 1
        of = own_scores.Classified(y, score > 0.5, score, np.arange(len(y)))
        if not counting._expanded(of, np.ones(len(y), bool))[1]:
            continue
        (fast,) = counted_draws([of], np.zeros(len(y), int), 1, n_boot=DRAWS, seed=sets)
        fast, slow = (draws[~np.isnan(draws)] for draws in (fast[:, -1, 0], plain(score, y, rng)))
        if name == "constant":
            assert (fast == 0.5).all() and (slow == 0.5).all()
            continue
        far.append(apart(fast, slow))
        inside.append(covered(fast, slow))
    record_property("data_sets", sets)
    record_property("drawn_at_once", len(far))
    record_property("plain_draws_in_the_fast_95_interval", round(float(np.nanmean(inside)), 4))
    print(f"\n{sets} data sets, {len(far)} at once, coverage {np.nanmean(inside):.4f}")
    return np.array(far), np.array(inside)


def test_areas_are_those_of_drawn_rows(record_property):
    far, _ = compared(2, record_property)
    assert len(far) >= 8
    assert np.abs(far).max() < 4.5
    assert np.sqrt((far**2).mean()) < 1.4  # 1 if only chance differs


def test_near_perfect_scores_are_drawn_as_counts_of_rows_that_are_alike(monkeypatch):
    """Eight exceptions among 1,200 rows: 10 cells at most; for two models, whose exceptions differ, 18 at most."""
    rng, y, seen = np.random.default_rng(7), np.arange(1200) < 400, []
    many = []
    for first in (0, 8):
        score = 0.8 * y + 0.1 * rng.random(1200)
        score[first : first + 4], score[first + 600 : first + 604] = 0.3 + 0.04 * np.arange(8).reshape(4, 2).T
        many.append(own_scores.Classified(y, score > 0.5, score, np.arange(1200)))
    codes = np.zeros(1200, int)
    assert not any(counting._expanded(of, codes == 0)[1] for of in many)
    monkeypatch.setattr(counting, "area", lambda side, weights: seen.append(len(weights)) or area(side, weights))
    fast = counted_draws(many, codes, 1, n_boot=DRAWS, seed=1)
    assert 4 <= max(seen) <= 18
    for of, drawn in zip(many, fast, strict=True):
        assert np.abs(apart(drawn[:, -1, 0], plain(of.probability, y, rng))).max() < 4.5
        seen.clear()
        counted_draws([of], codes, 1, n_boot=5, seed=1)
        assert max(seen) <= 10
    assert abs(np.corrcoef(*(drawn[:, -1, 0] for drawn in fast))[0, 1]) < 4.5 / np.sqrt(DRAWS)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_areas_are_those_of_drawn_rows_in_500_data_sets(record_property):
    far, inside = compared(80, record_property)
    assert len(far) >= 400
    assert np.abs(far).max() < 5.5
    assert np.abs(far.mean(axis=0)).max() < 0.25
    assert np.sqrt((far**2).mean(axis=0)).max() < 1.2
    assert np.nanmean(inside) == pytest.approx(0.95, abs=0.0005)


def test_a_gap_in_the_area_has_the_null_of_shuffled_groups(monkeypatch):
    """The p of the AUROC by the command's way, at once and shuffled; the observed gap is the same number."""
    many, groups = rows(np.random.default_rng(6), 2400)
    groups = groups.astype(object).replace("d", "a").astype("category")  # without the tiny group
    again = {"groups": {"g": groups}, "n_boot": 20, "n_permutations": 4000}
    fast = own_scores.compare_rates(many[0], **again)
    monkeypatch.setattr(rate_gaps, "null_areas", lambda *_, **__: None)
    slow = own_scores.compare_rates(many[0], **again)
    one, other = (of.table.loc[("g", "AUROC")] for of in (fast, slow))
    spread = slow.nulls["g", "AUROC"].std()
    assert fast.nulls["g", "AUROC"].mean() == pytest.approx(slow.nulls["g", "AUROC"].mean(), abs=0.08 * spread)
    assert fast.nulls["g", "AUROC"].std() == pytest.approx(spread, rel=0.06)
    assert one["p"] == pytest.approx(other["p"], abs=4 * np.sqrt(2 * 0.25 / 4000))
    assert not np.array_equal(fast.nulls["g", "AUROC"], slow.nulls["g", "AUROC"])
