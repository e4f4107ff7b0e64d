"""Changes between training experiments, over patients and training seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy

from helpers import stats
from helpers.errors import InputError
from helpers.stats.crossed import resample_cells, resample_seeds, seeded_interval, two_sided_p
from helpers.stats.experiments import gap_change
from helpers.stats.resample import percentile_interval


def frame(seed=0, *, n=100, seeds=(0, 1, 2), amplified=0.05, run_sd=0.005, second_seeds=None):
    rng = np.random.default_rng(seed)
    group = np.repeat(["Young", "Older"], n)
    ease, rows = rng.normal(0.7, 0.1, 2 * n), []
    for experiment, extra in (("baseline", 0.0), ("biased_input", amplified)):
        own = rng.normal(0, 0.03, 2 * n)
        for run in seeds if experiment == "baseline" else second_seeds or seeds:
            shift = np.repeat(rng.normal(0, run_sd, 2), n)
            dice = ease + own - (0.03 + extra) * (group == "Young") + shift + rng.normal(0, 0.02, 2 * n)
            rows.append(pd.DataFrame({"patient_id": np.arange(2 * n), "age_group": group, "experiment": experiment,
                                      "train_seed": run, "dice": dice}))  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def test_values_are_differences_of_mean_gaps():
    table = frame()
    found = stats.change_between(table, n_boot=500)
    means = table.groupby(["experiment", "age_group"])["dice"].mean().unstack()
    gap = means["Older"] - means["Young"]
    assert found.first.estimate == pytest.approx(gap["baseline"])
    assert found.second.estimate == pytest.approx(gap["biased_input"])
    assert found.change.estimate == pytest.approx(gap["biased_input"] - gap["baseline"])
    assert found.change.low > 0
    assert (found.n_a, found.n_b, found.seeds, found.paired, found.dropped) == (100, 100, (3, 3), True, 0)
    steady = stats.change_between(frame(run_sd=0.0, n=300), n_boot=500)
    assert steady.change.high - steady.change.low < 0.7 * (
        steady.first.high - steady.first.low
    )  # what is shared cancels
    again = stats.change_between(table, first="biased_input", second="baseline", n_boot=500)
    assert again.change.estimate == pytest.approx(-found.change.estimate)
    rates = stats.change_between(table, n_boot=500, threshold=0.7).first.estimate
    good = (table["dice"] > 0.7).groupby([table["experiment"], table["age_group"]]).mean().unstack()
    assert rates == pytest.approx((good["Older"] - good["Young"])["baseline"])


@pytest.mark.slow
@pytest.mark.parametrize(("run_sd", "n_seeds", "paired"), [(0.0, 3, True), (0.008, 3, False), (0.008, 5, True)])
def test_coverage(run_sd, n_seeds, paired):
    """The truth is an amplification of 0.05; patients, runs in each group and single scores are drawn anew."""
    held, n, runs = [], 60, 160
    group = pd.Series(np.repeat(["Young", "Older"], n))
    young = (group == "Young").to_numpy()
    for seed in range(runs):
        rng, tables = np.random.default_rng(seed), []
        for k, extra in enumerate((0.0, 0.05)):
            base = rng.normal(0, 0.06, 2 * n) - extra * young
            shift = np.where(young[:, None], *rng.normal(0, run_sd, (2, 1, n_seeds)))
            columns = np.arange(n_seeds) + (0 if paired else 10 * k)
            tables.append(pd.DataFrame(base[:, None] + shift + rng.normal(0, 0.03, (2 * n, n_seeds)), columns=columns))
        found = gap_change(*tables, groups=group, a="Young", b="Older", n_boot=400, seed=seed)
        assert found.paired == paired
        held.append(found.change.low <= 0.05 <= found.change.high)
    error = np.sqrt(0.95 * 0.05 / runs)
    assert np.mean(held) == pytest.approx(0.95, abs=3 * error)


def test_seeds_that_vary_widen_the_interval():
    """Runs that all agree but for a large shift of a group: ignoring seeds would give the narrow interval."""
    quiet, loud = (stats.change_between(frame(3, run_sd=sd), n_boot=1000).change for sd in (0.0, 0.05))
    assert loud.high - loud.low > 2 * (quiet.high - quiet.low)
    many = stats.change_between(frame(3, run_sd=0.05, seeds=tuple(range(12))), n_boot=1000).change
    assert many.high - many.low < 0.5 * (loud.high - loud.low)


def test_other_seeds_are_drawn_apart():
    found = stats.change_between(frame(second_seeds=(7, 8, 9, 10)), n_boot=300)
    assert (found.seeds, found.paired) == ((3, 4), False)


def test_patients_that_a_run_lacks_are_left_out_and_counted():
    table = frame()
    found = stats.change_between(table[~((table["patient_id"] < 5) & (table["train_seed"] == 1))], n_boot=300)
    assert (found.dropped, found.n_b, found.n_a) == (5, 100, 95)


def test_one_experiment_by_two_references():
    table = frame().query("experiment == 'baseline'").assign(reference="gold")
    silver = table.assign(reference="silver", dice=table["dice"] - 0.02 * (table["age_group"] == "Young"))
    both = pd.concat([table, silver])
    found = stats.change_between(both, second="baseline", reference=("gold", "silver"), n_boot=300)
    assert found.change.low == pytest.approx(0.02) and found.change.high == pytest.approx(0.02)
    assert found.first.low < found.first.estimate < found.first.high


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t[t["train_seed"] < 2], "at least 3"),
        (lambda t: t.drop(columns="train_seed"), "train_seed"),
        (lambda t: t[t["experiment"] == "baseline"], "biased_input"),
        (lambda t: pd.concat([t, t.head(1)]), "twice"),
        (lambda t: t.assign(dice=t["dice"].where(t.index > 0)), "NaN"),
        (lambda t: t.assign(age_group=np.where(t.index == 0, "Older", t["age_group"])), "more than one value"),
        (lambda t: t.assign(age_group="Young"), "Older"),
        (lambda t: t.assign(reference="silver"), "gold"),
        (lambda t: t.assign(patient_id=t["patient_id"] + 1000 * (t["experiment"] == "baseline")), "every run"),
    ],
)
def test_bad_input_is_said(change, words):
    with pytest.raises(InputError, match=words):
        stats.change_between(change(frame(n=10)), n_boot=50)


def test_resampled_cells_are_those_of_resampled_patients():
    rng = np.random.default_rng(2)
    values, cell = rng.normal(size=(80, 2)), np.where(np.arange(80) < 10, -1, np.arange(80) % 2)
    cells = resample_cells(values, cell, 2, n_boot=4000, seed=1)
    for k in (0, 1):
        inside = values[cell == k]
        np.testing.assert_allclose(cells.means[k], inside.mean(axis=0))
        error = inside.std(axis=0) / np.sqrt(len(inside))
        np.testing.assert_allclose(cells.drawn_means[:, k].std(axis=0), error, rtol=0.06)
        assert np.corrcoef(cells.drawn_means[:, k].T)[0, 1] == pytest.approx(np.corrcoef(inside.T)[0, 1], abs=0.07)
    assert cells.drawn_counts.std(axis=0) == pytest.approx(np.sqrt(35 * 45 / 80), rel=0.06)


def test_seed_weights_have_the_variance_of_a_mean():
    values = np.array([1.0, 2.0, 6.0])
    means = resample_seeds(3, n_boot=20_000, seed=0) @ values
    assert means.mean() == pytest.approx(3, abs=0.06)
    assert means.var() == pytest.approx(values.var(ddof=1) / 3, rel=0.05)


def test_p_agrees_with_the_interval():
    found = stats.change_between(frame(amplified=0.0), n_boot=999).change
    assert (two_sided_p(found) < 0.05) == (found.low > 0 or found.high < 0)
    assert two_sided_p(found, null=found.estimate) > 0.8
    assert two_sided_p(found, null=10) == pytest.approx(2 / 1000)


def test_p_by_hand():
    interval = percentile_interval(1.0, np.array([-1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]), 5, 0.95)
    assert two_sided_p(interval) == pytest.approx(2 * (1 + 1) / 10)
    assert two_sided_p(interval, null=7.5) == pytest.approx(2 * (1 + 1) / 10)
    assert two_sided_p(interval, null=4) == 1


def normal(error: float, n: int = 4001) -> np.ndarray:
    """Replicates about 1 that are as normal as n of them can be."""
    return 1 + error * scipy.stats.norm.ppf((np.arange(n) + 0.5) / n)


def test_an_interval_over_seeds_has_student_t_for_the_share_that_seeds_have():
    seeds = np.array([0.0, 1.0, 2.0])  # the variance of their mean is 1 / 3
    none = seeded_interval(1.0, normal(1.0), [], n=5)
    assert none.seeds_share is None
    assert (none.low, none.high) == pytest.approx((1 - 1.96, 1 + 1.96), abs=0.01)
    alone = seeded_interval(1.0, normal(np.sqrt(1 / 3)), [seeds], n=5)
    assert (alone.low, alone.high) == pytest.approx((1 - 4.303 / np.sqrt(3), 1 + 4.303 / np.sqrt(3)), rel=0.02)
    half = seeded_interval(1.0, normal(np.sqrt(2 / 3)), [seeds], n=5)
    assert half.seeds_share == pytest.approx(0.5, rel=0.01)
    assert half.high - 1 == pytest.approx(
        scipy.stats.t.ppf(0.975, 8) * np.sqrt(2 / 3), rel=0.02
    )  # (2 / 3)^2 / ((1 / 3)^2 / 2)
    two = seeded_interval(1.0, normal(np.sqrt(2 / 3)), [seeds, seeds + 5], n=5)
    assert two.high - 1 == pytest.approx(scipy.stats.t.ppf(0.975, 4) * np.sqrt(2 / 3), rel=0.02)
    narrow = seeded_interval(1.0, normal(1.0), [], n=5, level=0.5)
    assert (narrow.n, narrow.high) == (5, pytest.approx(1 + 0.6745, abs=0.01))


def test_a_replicate_far_off_stays_finite_and_one_without_a_value_is_dropped():
    replicates = np.append(normal(0.1), [1e6, np.nan])
    found = seeded_interval(1.0, replicates, [np.array([0.9, 1.0, 1.1])], n=5)
    assert np.isfinite(found.replicates).all()
    assert found.dropped == 1
    still = seeded_interval(1.0, np.ones(50), [np.array([0.9, 1.0, 1.1])], n=5)
    assert (still.low, still.high) == (1, 1)


def test_a_cell_that_is_not_drawn_has_no_mean():
    cells = resample_cells(np.array([[1.0], [2.0], [6.0]]), np.array([0, 0, 1]), 3, n_boot=300, seed=3)
    assert cells.means[:2].tolist() == [[1.5], [6.0]]
    assert cells.counts.tolist() == [2, 1, 0]
    assert np.isnan(cells.means[2]).all()
    assert cells.drawn_means.shape == (300, 3, 1)
    assert (cells.drawn_counts.sum(axis=1) == 3).all()
    np.testing.assert_array_equal(np.isnan(cells.drawn_means[:, :, 0]), cells.drawn_counts == 0)
    assert set(cells.drawn_counts[:, 1]) == {0, 1, 2, 3}
    again = resample_cells(np.array([[1.0], [2.0], [6.0]]), np.array([0, 0, 1]), 3, n_boot=300, seed=3)
    np.testing.assert_array_equal(again.drawn_counts, cells.drawn_counts)


def test_seed_weights_are_whole_shares_of_one_seed_fewer():
    weights = resample_seeds(4, n_boot=200, seed=1)
    assert weights.shape == (200, 4)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_allclose(weights * 3, (weights * 3).round())
