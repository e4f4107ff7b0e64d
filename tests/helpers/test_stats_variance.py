"""The variance of a value between runs, split; means over seeds; what single runs would have said."""

import numpy as np
import pandas as pd
import pytest
import scipy

from helpers import stats
from helpers.errors import InputError

BY = {"configuration": ["SAMPLING"]}


def sweep(configurations=4, seeds=6, *, sd=(1.0, 0.7, 0.5), mean=2.0, rng=0):
    """Runs of a grid with planted standard deviations of configuration, seed and rest."""
    rng = np.random.default_rng(rng)
    shift = [rng.normal(0, s, n) for s, n in zip(sd[:2], (configurations, seeds), strict=True)]
    y = mean + shift[0][:, None] + shift[1] + rng.normal(0, sd[2], (configurations, seeds))
    table = pd.DataFrame(y, index=[f"c{k}" for k in range(configurations)], columns=range(10, 10 + seeds))
    table = table.rename_axis(index="SAMPLING", columns="SEED").stack().rename("gap").reset_index()
    return table.assign(**{"gap low": table["gap"] - 1.96 * 0.3, "gap high": table["gap"] + 1.96 * 0.3})


def by_mean_squares(table):
    """Estimators of the analysis of variance: equal the mean squares to what they expect."""
    y = table.pivot(index="SAMPLING", columns="SEED", values="gap").to_numpy()
    (n, m), rows, columns = y.shape, y.mean(axis=1), y.mean(axis=0)
    rest = ((y - rows[:, None] - columns + y.mean()) ** 2).sum() / ((n - 1) * (m - 1))
    return [rows.var(ddof=1) - rest / m, columns.var(ddof=1) - rest / n, rest]


@pytest.mark.parametrize(("size", "scale"), [((3, 5), 1.0), ((3, 5), 1e5), ((12, 4), 1e-4), ((25, 8), 1.0)])
def test_a_balanced_design_gives_what_the_mean_squares_give(size, scale):
    table = sweep(*size)
    expected = by_mean_squares(table)
    assert min(expected) > 0
    table[["gap", "gap low", "gap high"]] *= scale
    found = stats.variance_components(table, "gap", **BY)
    assert list(found.index) == ["configuration", "seed", "rest"]
    assert found["variance"].to_numpy() == pytest.approx(np.array(expected) * scale**2, rel=1e-4)
    assert found["share"].to_numpy() == pytest.approx(np.array(expected) / sum(expected), rel=1e-4)
    assert found["sd"].to_numpy() ** 2 == pytest.approx(found["variance"].to_numpy())
    assert (found["low"] < found["share"]).all() and (found["share"] < found["high"]).all()
    assert list(found["levels"]) == [*size, (size[0] - 1) * (size[1] - 1)]
    assert found.attrs["samples"] == pytest.approx((0.3 * scale) ** 2)
    assert found.attrs["samples_share"] == pytest.approx(0.09 / sum(expected[1:]), rel=1e-4)
    assert (found.attrs["runs"], found.attrs["left_out"], found.attrs["note"]) == (len(table), 0, "")


def test_planted_components_are_recovered_in_a_large_grid_with_missing_runs():
    table = sweep(25, 25, sd=(1.0, 0.6, 0.8), rng=1).sample(frac=0.8, random_state=0)
    found = stats.variance_components(table, "gap", **BY, n_draws=500)
    assert found["sd"].to_numpy() == pytest.approx([1.0, 0.6, 0.8], rel=0.3)
    assert (found["sd_low"] < [1.0, 0.6, 0.8]).all() and (found["sd_high"] > [1.0, 0.6, 0.8]).all()


@pytest.mark.slow
@pytest.mark.parametrize(("sd", "missing"), [((1.0, 0.7, 0.5), 0), ((1.0, 0.7, 0.5), 4), ((0.0, 1.0, 1.0), 0)])
def test_intervals_of_shares_hold_the_truth_as_often_as_promised(sd, missing):
    """Drawn from the inside, so that no grid takes a fit."""
    from helpers.stats import variance

    truth, hits, rng = np.square(sd) / np.square(sd).sum(), [], np.random.default_rng(0)
    codes = {"configuration": np.repeat(range(6), 5), "seed": np.tile(range(5), 6)}
    kept = np.arange(30) >= missing
    for _ in range(300):
        y = sum(rng.normal(0, s, 6)[code] for s, code in zip(sd, codes.values(), strict=False))
        y = (y + rng.normal(0, sd[2], 30))[kept]
        drawn = variance._draws(y, {k: c[kept] for k, c in codes.items()}, "rest", rng, 200)
        shares = np.array(list(drawn.values())) / sum(drawn.values())
        low, high = np.quantile(shares, [0.025, 0.975], axis=1)
        hits.append((low <= truth + 1e-12) & (truth <= high + 1e-12))
    assert (np.mean(hits, axis=0) > 0.91).all()  # Monte-Carlo error 1.3%; at 0 the interval holds more


def test_closed_form_of_the_draws_where_nothing_is_missing():
    from helpers.stats import variance

    table = sweep(5, 4)
    codes = {"configuration": np.repeat(range(5), 4), "seed": np.tile(range(4), 5)}
    y = table["gap"].to_numpy()
    drawn = variance._draws(y, codes, "rest", np.random.default_rng(3), 200)
    rng, grid = np.random.default_rng(3), y.reshape(5, 4)
    rest = by_mean_squares(table)[2] * 12 / rng.chisquare(12, 200)
    for name, n, of in (("configuration", 4, grid.mean(axis=1)), ("seed", 5, grid.mean(axis=0))):
        sums = n * ((of - of.mean()) ** 2).sum()
        assert drawn[name] == pytest.approx(np.maximum(sums / rng.chisquare(len(of) - 1, 200) - rest, 0) / n, rel=1e-6)


def test_no_variance_of_seeds_is_a_share_of_zero_whose_interval_begins_there():
    table = sweep(6, 5, sd=(1.0, 0.0, 0.5), rng=3)
    assert by_mean_squares(table)[1] < 0
    found = stats.variance_components(table, "gap", **BY)
    assert found.loc["seed", "share"] == pytest.approx(0, abs=1e-3)
    assert found.loc["seed", "low"] == 0 and 0 < found.loc["seed", "high"] < 0.3


def test_one_configuration_leaves_seed_and_rest_together():
    table = sweep(1, 5)
    for by in ({"configuration": []}, BY):
        found = stats.variance_components(table, "gap", **by)
        assert list(found.index) == ["seed and rest"]
        assert found["variance"].item() == pytest.approx(table["gap"].var())
        ends = np.sqrt(4 * table["gap"].var() / scipy.stats.chi2.ppf([0.975, 0.025], 4))
        assert found[["sd_low", "sd_high"]].to_numpy()[0] == pytest.approx(ends, rel=0.05)
        assert found["share"].item() == 1 and found[["low", "high"]].isna().all(axis=None)
        assert found["levels"].item() == 5
        assert found.attrs["samples_share"] == pytest.approx(0.09 / table["gap"].var())


def test_one_configuration_with_two_runs_of_each_seed_is_split():
    table = pd.concat([sweep(1, 6, rng=k).assign(SAMPLING="c0") for k in (0, 1)])
    table["gap"] = np.repeat([[1, 2, 3, 4, 5, 6]], 2, axis=0).ravel() + np.repeat([0.1, -0.1], 6)
    found = stats.variance_components(table, "gap", **BY)
    assert list(found.index) == ["seed", "rest"]
    assert found["variance"].to_numpy() == pytest.approx([3.5 - 0.01, 0.02], rel=1e-3)


def test_configurations_that_share_no_seed_leave_seed_and_rest_together():
    table = sweep(3, 9)
    table = table[table["SEED"] % 3 == table["SAMPLING"].str[1].astype(int)]
    table["gap"] += table["SAMPLING"].map({"c0": 0, "c1": 5, "c2": 9})
    found = stats.variance_components(table, "gap", **BY)
    assert list(found.index) == ["configuration", "seed and rest"]
    within = table.groupby("SAMPLING")["gap"].var().mean()
    assert found.loc["seed and rest", "variance"] == pytest.approx(within, rel=1e-3)


def test_a_value_that_does_not_vary_has_no_shares():
    found = stats.variance_components(sweep().assign(gap=0.25), "gap", **BY)
    assert (found["variance"] == 0).all() and found["share"].isna().all()
    assert found.attrs["note"] == "the value does not vary"


def test_runs_without_a_value_are_left_out_and_counted():
    table = sweep(4, 6)
    table.loc[[0, 7], "gap"] = [np.nan, np.inf]
    found = stats.variance_components(table, "gap", **BY)
    assert (found.attrs["runs"], found.attrs["left_out"]) == (22, 2)
    whole = stats.variance_components(table.drop(index=[0, 7]), "gap", **BY)
    pd.testing.assert_frame_equal(found, whole, check_flags=False)
    assert stats.over_seeds(table, "gap", **BY)["seeds"].tolist() == [5, 5, 6, 6]
    assert stats.over_seeds(table, "gap", **BY)["left_out"].tolist() == [1, 1, 0, 0]


def test_what_cannot_be_split_is_said():
    with pytest.raises(InputError, match="2 seed"):
        stats.variance_components(sweep(4, 2), "gap", **BY)
    with pytest.raises(InputError, match="column other"):
        stats.variance_components(sweep(), "other", **BY)
    with pytest.raises(InputError, match="not numbers"):
        stats.variance_components(sweep().assign(gap="high"), "gap", **BY)
    with pytest.raises(InputError, match="1 runs have no seed"):
        table = sweep()
        stats.variance_components(table.assign(SEED=table["SEED"].where(table.index > 0)), "gap", **BY)


def test_several_values_stand_in_one_table_and_a_hopeless_one_says_why():
    table = sweep().assign(rare=np.nan, auroc=lambda t: 0.1 * t["gap"])
    table.loc[0, "rare"] = 1.0
    found = stats.variance_shares(table, ["gap", "rare", "auroc"], **BY, n_draws=200)
    assert found["value"].tolist() == ["gap"] * 3 + ["rare"] + ["auroc"] * 3
    shares = found.pivot(index="component", columns="value", values="share")
    assert shares["gap"].dropna().to_numpy() == pytest.approx(shares["auroc"].dropna().to_numpy(), rel=1e-3)
    rare = found[found["value"] == "rare"].iloc[0]
    assert rare["note"] == "1 seed(s), 3 are needed" and np.isnan(rare["share"]) and rare["left_out"] == 23
    assert found.loc[found["value"] == "auroc", "samples_share"].isna().all()  # no intervals of its own
    empty = stats.variance_shares(table[:0], [], **BY)
    assert not len(empty) and list(empty) == list(found)


def test_means_over_seeds_are_students():
    table = sweep(3, 5).assign(N=lambda t: t["SAMPLING"].map({"c0": 1, "c1": 2, "c2": np.nan}))
    found = stats.over_seeds(table, "gap", configuration=["SAMPLING", "N"])
    assert found["SAMPLING"].tolist() == ["c0", "c1", "c2"] and found["N"].isna().tolist() == [False, False, True]
    own = table[table["SAMPLING"] == "c1"]["gap"]
    ends = scipy.stats.t.interval(0.95, 4, own.mean(), scipy.stats.sem(own))
    row = found.iloc[1]
    assert (row["seeds"], row["mean"], row["sd"]) == (5, pytest.approx(own.mean()), pytest.approx(own.std()))
    assert (row["low"], row["high"]) == pytest.approx(ends)
    alone = stats.over_seeds(table[:1], "gap", configuration=[])
    assert alone["seeds"].item() == 1 and alone[["sd", "low", "high"]].isna().all(axis=None)
    assert list(stats.over_seeds(table[:0], "gap", **BY)) == ["SAMPLING", *list(found)[2:]]


def test_differences_are_paired_over_the_seeds_that_both_have():
    table = sweep(4, 6)[:-1]  # the last configuration lacks a seed
    found = stats.change_over_seeds(table, "gap", **BY, reference=["c1"])
    assert found["SAMPLING"].tolist() == ["c0", "c2", "c3"] and found["seeds"].tolist() == [6, 6, 5]
    wide = table.pivot(index="SEED", columns="SAMPLING", values="gap")
    for row in found.itertuples():
        test = scipy.stats.ttest_rel(*wide[[row.SAMPLING, "c1"]].dropna().T.to_numpy())
        assert row.p == pytest.approx(test.pvalue)
        assert (row.low, row.high) == pytest.approx(tuple(test.confidence_interval()))
    assert found["p_holm"].to_numpy() == pytest.approx(stats.adjust_p(found["p"])["holm"].to_numpy())
    first = stats.change_over_seeds(table, "gap", **BY)
    assert first["SAMPLING"].tolist() == ["c1", "c2", "c3"]
    assert first["change"].iloc[0] == pytest.approx(-found["change"].iloc[0])
    same = stats.change_over_seeds(table.assign(gap=1.0), "gap", **BY)
    assert (same["p"] == 1).all() and (same["high"] == 0).all()
    assert not len(stats.change_over_seeds(table[:0], "gap", **BY))
    with pytest.raises(InputError, match="no run is of"):
        stats.change_over_seeds(table, "gap", **BY, reference=["c9"])


@pytest.mark.slow
def test_intervals_over_seeds_hold_the_mean_as_often_as_promised():
    rng, hits = np.random.default_rng(0), []
    for _ in range(60):
        table = pd.DataFrame({"C": np.repeat(range(10), 4), "SEED": np.tile(range(4), 10)})
        found = stats.over_seeds(table.assign(y=rng.normal(3, 1, 40)), "y", configuration=["C"])
        hits += list((found["low"] < 3) & (found["high"] > 3))
    assert np.mean(hits) == pytest.approx(0.95, abs=0.03)


def test_single_runs_with_honest_intervals_miss_one_time_in_twenty():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"C": np.repeat(range(400), 4), "SEED": np.tile(range(4), 400)})
    y = rng.normal(3, 1, 1600)
    honest = table.assign(y=y, **{"y low": y - 1.96, "y high": y + 1.96})
    assert stats.single_runs(honest, "y", configuration=["C"])["missed"].mean() == pytest.approx(0.05, abs=0.02)
    proud = table.assign(y=y, lo=y - 0.5, hi=y + 0.5)
    found = stats.single_runs(proud, "y", configuration=[], low="lo", high="hi")
    assert found["missed"].item() == pytest.approx(2 * scipy.stats.norm.sf(0.5), abs=0.05)


def test_single_runs_say_what_each_would_have_concluded():
    table = pd.DataFrame({"SEED": range(4), "y": [1.0, 2.0, -1.0, 2.0]})
    table = table.assign(**{"y low": [0.5, -1.0, -1.5, 1.0], "y high": [1.5, 5.0, -0.5, 3.0]})
    found = stats.single_runs(table, "y", configuration=[]).iloc[0]
    assert found[["runs", "same_sign", "above", "below", "open"]].tolist() == [4, 0.75, 0.5, 0.25, 0.25]
    bare = stats.single_runs(table[["SEED", "y"]], "y", configuration=[]).iloc[0]
    assert bare["same_sign"] == 0.75 and np.isnan(bare["missed"])
    assert list(stats.single_runs(table[:0], "y", configuration=[])) == list(bare.index)


def test_seeds_needed_is_the_first_number_that_is_enough():
    n = stats.seeds_needed(2.0, 0.5)
    assert stats.half_width_of(2.0, n) <= 0.5 < stats.half_width_of(2.0, n - 1)
    assert stats.half_width_of(2.0, 5) == pytest.approx(scipy.stats.t.ppf(0.975, 4) * 2 / np.sqrt(5))
    assert stats.seeds_needed(0.0, 0.1) == 2 and stats.seeds_needed(1.0, 1e-4, most=1000) is None
    with pytest.raises(InputError, match="half_width"):
        stats.seeds_needed(1.0, 0.0)
