"""Bootstrap and permutation: the fast paths have the distribution of the plain ones, and edges are counted."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from helpers import stats
from helpers.errors import InputError
from helpers.stats import drawing
from helpers.stats.resample import percentile_interval
from helpers.studies import calibration

RNG = np.random.default_rng(3)
N = 200
SCORE = RNG.beta(5, 2, N)
GROUPS = pd.Series(RNG.choice(["a", "b", "c"], N)).where(np.arange(N) > 4)
GOOD = SCORE > 0.75


def plain(statistic, n_boot=4000, seed=11):
    """Whole patients resampled, statistic of each cohort: the definition."""
    rng, found = np.random.default_rng(seed), []
    labels = GROUPS.to_numpy(dtype=object)
    for _ in range(n_boot):
        rows = rng.integers(0, N, N)
        found.append(statistic(rows, labels[rows]))
    return np.array(found)


def mean_of(values, rows, labels, group):
    return values[rows][labels == group].mean()


@pytest.mark.parametrize("values", [SCORE, GOOD], ids=["score", "outcome"])
@pytest.mark.parametrize("statistic", ["difference", "ratio"])
def test_fast_bootstrap_is_the_plain_bootstrap(values, statistic):
    def reference(rows, labels):
        a, b = (mean_of(values, rows, labels, group) for group in "ab")
        return b - a if statistic == "difference" else a / b

    theirs = plain(reference)
    ours = stats.bootstrap(values, groups=GROUPS, a="a", b="b", statistic=statistic, n_boot=20_000, seed=5)
    error = theirs.std() * np.sqrt(1 / 4000 + 1 / 20_000)
    assert ours.replicates.mean() == pytest.approx(theirs.mean(), abs=4 * error)
    assert ours.replicates.std() == pytest.approx(theirs.std(), rel=0.06)
    ends = np.quantile(theirs, [0.025, 0.975])
    np.testing.assert_allclose([ours.low, ours.high], ends, atol=0.15 * theirs.std())
    assert ours.dropped == 0


def test_callable_statistic_agrees_with_the_named_one():
    def difference(score, groups):
        return score[groups == "b"].mean() - score[groups == "a"].mean()

    slow = stats.bootstrap(SCORE, groups=GROUPS, statistic=difference, n_boot=2000)
    fast = stats.bootstrap(SCORE, groups=GROUPS, a="a", b="b", n_boot=2000)
    assert slow.estimate == pytest.approx(fast.estimate)
    np.testing.assert_allclose([slow.low, slow.high], [fast.low, fast.high], atol=0.2 * fast.replicates.std())


def test_replicates_without_a_group_are_counted_and_dropped():
    score, groups = np.arange(20.0), ["a"] * 18 + ["b"] * 2
    found = stats.bootstrap(score, groups=groups, a="a", b="b", n_boot=10_000)
    expected = (18 / 20) ** 20  # no draw of b
    assert found.dropped / 10_000 == pytest.approx(expected, abs=4 * np.sqrt(expected / 10_000))
    assert len(found.replicates) == 10_000 - found.dropped
    assert f"{found.dropped} of 10000" in found.note
    assert np.isfinite([found.low, found.high]).all()
    lost = stats.bootstrap(score, groups=groups, n_boot=2000, statistic=lambda s, g: s[g == "b"].mean())
    assert lost.dropped > 100


def test_a_percentile_interval_by_hand():
    replicates = np.append(np.arange(101.0)[::-1], [np.nan] * 4)
    found = percentile_interval(40.0, replicates, 9, 0.9)
    assert (found.estimate, found.low, found.high) == (40, pytest.approx(5), pytest.approx(95))
    assert (found.level, found.n, found.n_boot, found.dropped, len(found.replicates)) == (0.9, 9, 105, 4, 101)
    some = percentile_interval(1.0, np.array([0.0, 1.0, np.inf]), 9, 0.5)
    assert (some.low, some.high) == (0, np.inf)  # order statistics: the middle of 1 and infinity has no value
    for estimate, values in ((np.nan, [1.0]), (1.0, [np.nan])):
        with pytest.raises(InputError):
            percentile_interval(estimate, np.array(values), 9, 0.9)


def test_infinite_ratios_stay_infinite():
    outcome, groups = [1] * 10 + [1] + [0] * 9, ["a"] * 10 + ["b"] * 10
    found = stats.bootstrap(outcome, groups=groups, a="a", b="b", statistic="ratio", n_boot=2000)
    assert found.estimate == pytest.approx(10)
    assert found.high == np.inf
    assert 1 <= found.low < 10
    with pytest.raises(InputError, match="0/0"):
        stats.bootstrap([0] * 20, groups=groups, a="a", b="b", statistic="ratio")


def test_seed_decides():
    options = {"groups": GROUPS, "a": "a", "b": "b", "n_boot": 500}
    first, again, other = (stats.bootstrap(SCORE, **options, seed=seed) for seed in (1, 1, 2))
    assert (first.low, first.high) == (again.low, again.high)
    assert first.low != other.low


@pytest.mark.parametrize(
    "call",
    [
        lambda seed: stats.bootstrap(GOOD, groups=GROUPS, a="a", b="b", n_boot=64, seed=seed).replicates,
        lambda seed: stats.bootstrap(SCORE, groups=GROUPS, statistic=spread, n_boot=20, seed=seed).replicates,
        lambda seed: stats.permutation(SCORE, groups=GROUPS, n=20, seed=seed).null,
        lambda seed: stats.permutation(GOOD, groups=GROUPS, n=20, seed=seed).null,
        lambda seed: stats.permutation(SCORE, groups=GROUPS, n=20, seed=seed, statistic=spread).null,
    ],
    ids=["rates", "any statistic", "permuted scores", "permuted outcomes", "permuted for any statistic"],
)
def test_the_seed_decides_every_draw(call):
    np.testing.assert_array_equal(call(1), call(1))
    assert (call(1) != call(2)).any()


def spread(score, groups):
    return score[groups == "a"].std() - score[groups == "b"].std()


def test_a_change_has_the_level_that_is_asked_for():
    options = {"groups": GROUPS, "a": "a", "b": "b", "n_boot": 500}
    wide, narrow = (stats.bootstrap_change(SCORE, SCORE**2, **options, level=level) for level in (0.95, 0.5))
    for ours, theirs in ((narrow.first, wide.first), (narrow.second, wide.second), (narrow.change, wide.change)):
        assert (ours.level, ours.n, ours.n_boot) == (0.5, N, 500)
        assert (ours.low, ours.high) == pytest.approx(tuple(np.quantile(theirs.replicates, [0.25, 0.75])))
    assert stats.bootstrap_change(SCORE, SCORE, **options).change.high == 0


def test_a_statistic_of_all_groups_needs_each_of_them_in_every_replicate():
    found = stats.bootstrap(
        [1.0, 2.0, 3.0, 4.0], groups=["a", "a", "b", None], n_boot=400, statistic=lambda s, g: float(len(s))
    )
    assert found.estimate == 3  # the case without a label is drawn, and then left out
    assert set(found.replicates) <= {2, 3, 4}
    assert (found.replicates == 2).any()


def test_ends_of_a_ratio_hardly_depend_on_the_seed():
    options = {"groups": GROUPS, "a": "a", "b": "b", "statistic": "ratio"}
    found = [stats.bootstrap(GOOD, **options, seed=seed) for seed in range(6)]
    ends = np.array([[f.low, f.high] for f in found])
    random = np.sqrt(0.025 * 0.975 / 10_000) / 0.058 * found[0].replicates.std()  # of independent replicates
    assert (ends.std(axis=0, ddof=1) < 0.7 * random).all()
    assert len({f.low for f in found}) > 1


def test_change_is_paired():
    shift = 0.01 * (GROUPS == "b")
    second = SCORE + shift + RNG.normal(0, 0.001, N)
    change = stats.bootstrap_change(SCORE, second, groups=GROUPS, a="a", b="b", n_boot=3000)
    direct = stats.bootstrap(second - SCORE, groups=GROUPS, a="a", b="b", n_boot=3000)
    assert change.change.estimate == pytest.approx(direct.estimate)
    assert change.change.estimate == pytest.approx(change.second.estimate - change.first.estimate)
    np.testing.assert_allclose([change.change.low, change.change.high], [direct.low, direct.high], atol=2e-4)
    width = change.first.high - change.first.low
    assert change.change.high - change.change.low < 0.05 * width  # what the scores share cancels


@pytest.mark.parametrize("statistic", ["difference", "ratio"])
def test_change_of_rates(statistic):
    second = GOOD ^ (RNG.random(N) < 0.1)

    def reference(rows, labels):
        rates = [[mean_of(v, rows, labels, group) for group in "ab"] for v in (GOOD, second)]
        (a1, b1), (a2, b2) = rates
        return (b2 - a2) - (b1 - a1) if statistic == "difference" else a2 / b2 - a1 / b1

    theirs = plain(reference)
    ours = stats.bootstrap_change(GOOD, second, groups=GROUPS, a="a", b="b", statistic=statistic, n_boot=20_000).change
    assert ours.replicates.std() == pytest.approx(theirs.std(), rel=0.06)
    np.testing.assert_allclose([ours.low, ours.high], np.quantile(theirs, [0.025, 0.975]), atol=0.15 * theirs.std())


def test_permutation_p_is_the_exact_one():
    score, groups = np.array([1.0, 2.0, 4.0, 8.0, 9.0, 11.0]), np.array(list("aaabbb"))
    observed = abs(score[:3].mean() - score[3:].mean())
    gaps = [abs(np.mean(p[:3]) - np.mean(p[3:])) for p in permutations(score)]
    exact = np.mean(np.array(gaps) >= observed - 1e-12)
    found = stats.permutation(score, groups=groups, n=20_000)
    assert found.statistic == pytest.approx(observed)
    assert found.p == pytest.approx(exact, abs=4 * np.sqrt(exact / 20_000))


@pytest.mark.parametrize("apart", [[0, 1], [0.1, 0.9]])
def test_p_is_never_below_what_the_permutations_can_tell(apart):
    """Groups that do not overlap: only the observed order itself has so large a gap."""
    found = stats.permutation(np.repeat(apart, 20), groups=np.repeat(["a", "b"], 20), n=99)
    assert found.null.max() < found.statistic
    assert found.p == 1 / 100


def test_a_permutation_by_hand():
    score, groups = [0.0, 0.0, 1.0, 5.0], list("aabb")
    found = stats.permutation(score, groups=groups, n=999)
    assert found.statistic == 3
    assert (found.n, len(found.null)) == (999, 999)
    assert set(np.unique(found.null)) == {2.0, 3.0}  # 5 with 0, or 5 with 1
    assert found.p == (1 + (found.null == 3).sum()) / 1000
    one = stats.permutation(score, groups=groups, strata=list("stst"), n=200)
    assert set(np.unique(one.null)) == {2.0, 3.0}
    fixed = stats.permutation(score, groups=groups, strata=list("wxyz"), n=50)
    assert (fixed.p, set(fixed.null)) == (1, {3.0})  # nothing to permute within strata of one


def test_a_statistic_of_any_kind_sees_labelled_cases_alone():
    seen = []

    def count(score, groups):
        seen.append((sorted(score), list(groups)))
        return 0.0

    found = stats.permutation([3.0, 1.0, 2.0, 9.0], groups=["b", "a", "b", None], statistic=count, n=5)
    assert (found.p, len(seen)) == (1, 6)
    assert all(scores == [1, 2, 3] and sorted(groups) == ["a", "b", "b"] for scores, groups in seen)
    with pytest.raises(InputError, match="NaN"):
        stats.permutation([1.0, 2.0], groups=["a", "b"], statistic=lambda s, g: np.nan, n=5)


@pytest.mark.parametrize("strata", [None, RNG.choice(["s", "t"], N)], ids=["whole", "strata"])
def test_outcome_path_is_the_plain_permutation(strata):
    def gap(values, groups):
        return np.ptp([values[groups == g].mean() for g in "abc"])

    fast = stats.permutation(GOOD, groups=GROUPS, n=20_000, strata=strata)
    slow = stats.permutation(GOOD, groups=GROUPS, n=2000, strata=strata, statistic=gap)
    scores = stats.permutation(GOOD + 1e-9 * SCORE, groups=GROUPS, n=4000, strata=strata)
    assert fast.statistic == pytest.approx(slow.statistic)
    for other in (slow, scores):
        assert fast.p == pytest.approx(other.p, abs=4 * np.sqrt(0.25 / other.n))
        assert fast.null.mean() == pytest.approx(other.null.mean(), rel=0.05)


def test_strata_remove_a_difference_between_them():
    """A score that depends on the source alone: always rejected without strata, at the nominal rate with them."""
    rng = np.random.default_rng(12)
    source = np.repeat(["s", "t"], 100)
    groups = np.where(np.arange(200) % 100 < np.where(source == "s", 80, 20), "a", "b")
    within, ignored = np.empty(200), np.empty(200)
    for i in range(200):
        score = rng.normal(size=200) * 0.1 + (source == "s")
        within[i] = stats.permutation(score, groups=groups, n=99, strata=source, seed=i).p
        ignored[i] = stats.permutation(score, groups=groups, n=99, seed=i).p
    assert (ignored <= 0.05).all()
    assert (within <= 0.05).mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 200))
    assert (within <= 0.5).mean() == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / 200))


def test_constant_scores_and_ties_have_p_one():
    assert stats.permutation([0.3] * 30, groups=["a", "b", "c"] * 10, n=200).p == 1
    assert stats.permutation([1] * 30, groups=["a", "b", "c"] * 10, n=200).p == 1


def test_percentile_interval_of_max_min_never_covers_zero():
    """Under no difference at all: never for max - min, about 95% for a signed contrast."""
    table = calibration.null_interval_coverage(n_cohorts=300)
    assert table.loc["max - min", "covered"] == 0
    assert table.loc["b - a", "low"] < 0.95 < table.loc["b - a", "high"] + 0.02
    assert table.loc["max - min", "mean_estimate"] > 0.1 > abs(table.loc["b - a", "mean_estimate"])


@pytest.mark.parametrize(
    "options",
    [{"a": "a"}, {"a": "a", "b": "a"}, {"a": "a", "b": "w"}, {"a": "a", "b": "b", "statistic": "median"}],
)
def test_bad_requests_are_said(options):
    with pytest.raises(InputError):
        stats.bootstrap(SCORE, groups=GROUPS, **options)


def test_unpaired_scores_are_said():
    with pytest.raises(InputError, match="paired"):
        stats.bootstrap_change(SCORE, SCORE[:-1], groups=GROUPS, a="a", b="b")


def difference(score, groups):
    return score[groups == "b"].mean() - score[groups == "a"].mean()


NAMED = {"a": "a", "b": "b"}


@pytest.mark.parametrize("how", [{"statistic": difference}, NAMED], ids=["callable", "named"])
def test_a_duplicated_row_widens_and_narrows_nothing(how):
    """Every row five times, each under its patient: replicates are those of the rows once; as patients they narrow."""
    times, ids, rows = 5, np.arange(N), np.arange(N).repeat(5)
    mixed = np.random.default_rng(0).permutation(N * times)  # rows of a patient need not follow each other
    rows = rows[mixed]
    once = stats.bootstrap(SCORE, groups=GROUPS, cluster=ids, n_boot=500, **how)
    again = stats.bootstrap(SCORE[rows], groups=GROUPS.to_numpy()[rows], cluster=ids[rows], n_boot=500, **how)
    np.testing.assert_allclose(again.replicates, once.replicates, atol=1e-12)
    assert (again.estimate, again.low, again.high) == pytest.approx((once.estimate, once.low, once.high))
    assert once.n == again.n == N
    taken = stats.bootstrap(SCORE[rows], groups=GROUPS.to_numpy()[rows], n_boot=500, **how)
    assert taken.high - taken.low < 0.6 * (again.high - again.low)


def test_clusters_of_one_row_are_the_plain_bootstrap():
    ids = [f"p{k}" for k in range(N)]
    plain_rows = stats.bootstrap(SCORE, groups=GROUPS, statistic=difference, n_boot=2000)
    for how in ({"statistic": difference}, NAMED):
        found = stats.bootstrap(SCORE, groups=GROUPS, cluster=ids, n_boot=2000, **how)
        assert found.replicates.std() == pytest.approx(plain_rows.replicates.std(), rel=0.08)
        assert found.estimate == pytest.approx(plain_rows.estimate)


def test_clusters_are_drawn_whole():
    """Two patients of a and one of b, each with two rows that differ by one."""
    score, groups = [0.0, 1.0, 4.0, 5.0, 2.0, 3.0], list("aaaabb")
    found = stats.bootstrap(score, groups=groups, cluster=[1, 1, 2, 2, 3, 3], n_boot=400, **NAMED)
    # with the one of b, one or two patients of a are drawn: means of 0.5, 4.5 or 2.5 against 2.5
    assert set(found.replicates.round(9)) == {2.0, -2.0, 0.0}
    assert found.dropped > 0 and found.n == 3
    ratio = stats.bootstrap(score, groups=groups, cluster=[1, 1, 2, 2, 3, 3], statistic="ratio", n_boot=400, **NAMED)
    assert ratio.estimate == pytest.approx(1) and set(ratio.replicates.round(9)) == {0.2, 1.0, 1.8}


def test_a_row_without_a_cluster_is_refused():
    with pytest.raises(InputError, match="cluster: missing in 1 of 3 rows"):
        stats.bootstrap([1, 2, 3], groups=list("aab"), cluster=[1, None, 2], **NAMED)
    with pytest.raises(InputError, match="2 labels for 3 scores"):
        stats.bootstrap([1, 2, 3], groups=list("aab"), cluster=[1, 2], **NAMED)


@pytest.mark.parametrize("n", [3, 7, 700])
def test_counts_are_those_of_patients_drawn_one_by_one(n):
    rng = np.random.default_rng(4)
    expected = [np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(300)]
    np.testing.assert_array_equal(drawing.counts(n, 300, np.random.default_rng(4)), expected)
    parts = list(drawing.blocks(n, n_boot=300, seed=4, step=101, dtype=np.float32))
    assert [len(part) for part in parts] == [101, 101, 98] and parts[0].dtype == np.float32
    np.testing.assert_array_equal(np.concatenate(parts), expected)


def test_multinomial_draws_count_every_unit_alike():
    found = drawing.multinomial(20, n_boot=5000, seed=1)
    assert (found.sum(axis=1) == 20).all()
    np.testing.assert_allclose(found.mean(axis=0), 1, atol=4 * np.sqrt(0.95 / 5000))
    np.testing.assert_allclose(found.var(axis=0), 0.95, atol=0.15)
