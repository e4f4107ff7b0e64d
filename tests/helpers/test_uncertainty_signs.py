"""Warning signs against hand-made ranks, and on a study in which the answer is planted."""

import numpy as np
import pandas as pd
import pytest
import scipy
from sklearn.metrics import roc_auc_score

from helpers import stats
from helpers.errors import InputError
from helpers.studies import uncertainty

TWO = {"a": "light", "b": "dark"}


def study(*, runs=3, n=80, seed=0):
    """Dark skin has the larger error; `between` tells the groups apart and no more, `within` orders inside alone."""
    rng = np.random.default_rng(seed)
    parts = []
    for training in ("50%", "1%"):
        for run in range(runs):
            group = np.repeat(["light", "dark"], n)
            own = rng.normal(size=2 * n)
            dark = group == "dark"
            frame = pd.DataFrame({"training": training, "run": run, "image": np.arange(2 * n), "group": group})
            frame["mse"] = 5 + own + 6 * dark
            frame["between"] = dark + 0.1 * rng.normal(size=2 * n)
            frame["within"] = own + 0.3 * rng.normal(size=2 * n) - 6 * dark
            frame["nothing"] = rng.normal(size=2 * n)
            parts.append(frame)
    return pd.concat(parts, ignore_index=True)


def found(table, sign, scope, measure="rank correlation", training="1%"):
    chosen = table.query("sign == @sign and scope == @scope and measure == @measure and training == @training")
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_a_sign_of_the_group_is_no_sign_within_it():
    table = stats.compare_signs(study(), ["between", "within", "nothing"], error="mse", **TWO)
    between, within = (found(table, sign, "pooled") for sign in ("between", "within"))
    assert between.low > 0.6 and within.high < 0.2  # pooled, the sign that orders nobody looks the better one
    for scope in ("light", "dark", "within"):
        assert found(table, "between", scope).low < 0.1
        assert found(table, "within", scope).low > 0.8
        assert found(table, "nothing", scope).low < 0 < found(table, "nothing", scope).high
    assert found(table, "between", "pooled", "AUROC, dark").estimate > 0.99
    mean = (found(table, "within", "light").estimate + found(table, "within", "dark").estimate) / 2
    assert found(table, "within", "within").estimate == pytest.approx(mean)


def test_estimates_are_means_over_runs_of_scipys():
    rows = study()
    table = stats.compare_signs(rows, ["within"], error="mse", **TWO)
    wanted = [
        scipy.stats.spearmanr(part["mse"], part["within"]).statistic
        for _, part in rows.query("training == '50%' and group == 'dark'").groupby("run")
    ]
    assert found(table, "within", "dark", training="50%").estimate == pytest.approx(np.mean(wanted))
    wanted = [
        roc_auc_score(part["mse"] > part["mse"].quantile(0.75), part["within"])
        for _, part in rows.query("training == '50%'").groupby("run")
    ]
    inside = [
        roc_auc_score(part["mse"] > part["mse"].quantile(0.75), part["within"])
        for _, part in rows.query("training == '50%' and group == 'dark'").groupby("run")
    ]
    in_dark = found(table, "within", "dark", "AUROC, served badly", training="50%")
    assert in_dark.estimate == pytest.approx(np.mean(inside))
    served = found(table, "within", "pooled", "AUROC, served badly", training="50%")
    assert served.estimate == pytest.approx(np.mean(wanted))
    assert served.runs == 3 and served.n_images == 160


@pytest.mark.slow
def test_intervals_hold_no_correlation_as_often_as_they_say():
    """The sign that is noise, in 60 studies: 95% intervals, 7 or more misses come by chance in under 1 of 20."""
    missed = 0
    for seed in range(60):
        table = stats.compare_signs(study(n=30, seed=seed), ["nothing"], error="mse", seed=seed, **TWO)
        row = found(table, "nothing", "within")
        missed += not row.low <= 0 <= row.high
    assert missed < 9


def test_what_is_handed_over():
    rows = study()
    table = uncertainty.hand_over(rows, ["between", "within"], error="mse", shares=(0, 0.25, 0.5), **TWO)

    def at(sign, share, measure):
        row = table.query("sign == @sign and share == @share and measure == @measure and training == '1%'")
        return row.iloc[0]

    one = rows.query("training == '1%'")
    means = one.groupby("group")["mse"].mean()
    assert at("between", 0, "gap").estimate == pytest.approx(means["dark"] - means["light"])
    assert at("between", 0, "error").estimate == pytest.approx(one["mse"].mean())
    assert at("between", 0, "handed over, dark").estimate == 0
    # A quarter of all is half of the dark, and with half of all nobody dark is kept: there is no gap to tell.
    assert at("between", 0.25, "handed over, dark").estimate == pytest.approx(0.5, abs=0.02)
    assert at("between", 0.25, "error").estimate < one["mse"].mean() - 0.8
    assert np.isnan(at("between", 0.5, "gap").estimate) or at("between", 0.5, "handed over, dark").estimate < 1
    # The other sign hands over light skin, and what is kept is worse on average.
    assert at("within", 0.25, "handed over, dark").estimate < 0.05
    assert at("within", 0.25, "error").estimate > one["mse"].mean()
    assert (table["low"].dropna() <= table["estimate"].dropna()).all()


def test_calibration_bins():
    rows = study()
    rows["sign"] = rows["mse"] * 2
    table = uncertainty.calibration(rows, "sign", error="mse", bins=4, **TWO)
    assert list(table["bin"]) == [1, 2, 3, 4] * 2 and (table["n"] == 120).all()
    assert list(table["training"]) == ["50%"] * 4 + ["1%"] * 4
    assert table["sign"].to_numpy() == pytest.approx(2 * table["error"].to_numpy())
    assert table[["ratio", "ratio_low", "ratio_high"]].to_numpy() == pytest.approx(2.0)
    assert (table["low"] < table["error"]).all() and (table["error"] < table["high"]).all()
    lowest = [part.nsmallest(40, "sign")["mse"].mean() for _, part in rows.query("training == '1%'").groupby("run")]
    first = table.query("training == '1%' and bin == 1").iloc[0]
    assert first["error"] == pytest.approx(np.mean(lowest))
    half = scipy.stats.t.ppf(0.975, 2) * np.std(lowest, ddof=1) / 3**0.5
    assert first["high"] - first["error"] == pytest.approx(half)
    assert list(table["share dark"].iloc[:2]) == [0, 0] and table["share dark"].iloc[3] == 1


ROWS = study(n=20)
BAD = {
    "no column": (ROWS.drop(columns="within"), ["column within"]),
    "nan": (ROWS.assign(within=ROWS["within"].where(ROWS.index != 5)), ["column within"]),
    "twice": (pd.concat([ROWS, ROWS.iloc[:1]]), ["column image", "twice"]),
    "one run": (ROWS.query("run == 0"), ["one run", "Repeat"]),
    "one group": (ROWS.query("group == 'light'"), ["no image of dark"]),
    "the same": (ROWS.assign(within=1.0), ["within is the same in all"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(case):
    rows, words = BAD[case]
    for call in (stats.compare_signs, uncertainty.hand_over):
        with pytest.raises(InputError) as error:
            call(rows, ["within"], error="mse", **TWO)
        assert all(word in str(error.value) for word in words), str(error.value)


def test_a_sign_may_lack_in_rows_of_other_groups():
    others = ROWS.assign(group="unknown", image=ROWS["image"] + 1000, within=np.nan)
    options = {"error": "mse", "n_boot": 20, **TWO}
    found = stats.compare_signs(pd.concat([ROWS, others]), ["within"], **options)
    pd.testing.assert_frame_equal(found, stats.compare_signs(ROWS, ["within"], **options))


def test_no_interval_where_replicates_often_keep_nobody():
    table = uncertainty.hand_over(study(), ["between"], error="mse", shares=(0.5,), **TWO)
    row = table.query("measure == 'gap' and training == '1%'").iloc[0]
    assert np.isnan(row.low) and np.isnan(row.high)


@pytest.mark.parametrize("bins", [0, 1, 41])
def test_bins_that_cannot_be(bins):
    with pytest.raises(InputError, match=f"bins = {bins}: expected 2 to 40"):
        uncertainty.calibration(ROWS, "within", error="mse", bins=bins, **TWO)


def test_a_share_out_of_range():
    with pytest.raises(InputError, match=r"shares = 1\.0"):
        uncertainty.hand_over(ROWS, ["within"], error="mse", shares=(0.5, 1.0), **TWO)
