"""Results have one notation of an estimate: estimate, low, high and n."""

import numpy as np
import pandas as pd
import pytest

from helpers import stats
from helpers.errors import InputError
from helpers.report import recording
from helpers.stats.resample import null_shares

ROW = {"rate": 0.25, "low": 0.125, "high": 0.5, "n": 40.0, "p": 0.01}
PARTS = {"estimate": 0.25, "low": 0.125, "high": 0.5}


def test_an_interval_and_an_effect_are_written_alike():
    rng = np.random.default_rng(0)
    age, dice = rng.integers(30, 80, 60), rng.random(60)
    groups = np.where(age > 55, "Older", "Young")
    interval = stats.bootstrap(dice, groups=groups, a="Young", b="Older", n_boot=50)
    effect = stats.slope(pd.DataFrame({"dice": dice, "age": age}), score="dice", on="age")
    for found in (interval, effect):
        assert stats.estimate(found) == {"estimate": found.estimate, "low": found.low, "high": found.high, "n": 60}
    assert stats.estimate(interval, n=12)["n"] == 12


@pytest.mark.parametrize("row", [ROW, pd.Series(ROW)], ids=["mapping", "series"])
def test_a_row_is_written_by_the_names_of_its_columns(row):
    found = stats.estimate(row, "rate")
    assert found == {**PARTS, "n": 40} and list(found) == ["estimate", "low", "high", "n"]
    assert isinstance(found["n"], int)
    ends = {"change": 0.25, "change_low": 0.125, "change_high": 0.5, "patients": 7}
    assert stats.estimate(ends, "change", "change_low", "change_high", n="patients") == {**PARTS, "n": 7}


def test_n_is_left_out_where_none_is_defined():
    assert stats.estimate({k: v for k, v in ROW.items() if k != "n"}, "rate", n=None) == PARTS


def test_what_is_not_defined_is_none():
    found = stats.estimate({"estimate": np.nan, "low": None, "high": np.float64(1)}, n=3)
    assert found == {"estimate": None, "low": None, "high": 1.0, "n": 3} and type(found["high"]) is float


def test_few_patients_are_suppressed_and_few_runs_are_not():
    few = stats.estimate(ROW, "rate", n=5)
    assert recording.suppress(few) == {"estimate": None, "low": None, "high": None, "n": "<10"}
    for units in (5, "n"):
        runs = stats.estimate({**ROW, "n": 5}, "rate", units=units)
        assert recording.suppress(runs) == {**PARTS, "n": 5.0} and type(runs["n"]) is float


@pytest.mark.parametrize(
    ("missing", "options"),
    [("rate", {}), ("low", {}), ("high", {}), ("n", {}), ("n", {"units": "n"}), ("runs", {"n": "runs"})],
)
def test_a_part_that_is_not_there_is_named(missing, options):
    row = {k: v for k, v in ROW.items() if k != missing}
    with pytest.raises(InputError, match=f"estimate, {missing}: only .*p are there"):
        stats.estimate(row, "rate", **options)


def test_a_table_is_an_estimate_a_row_with_its_other_columns():
    table = pd.DataFrame({"a": ROW, "b": {**ROW, "rate": 0.375, "n": 12}}).T
    found = stats.estimates(table, "rate")
    assert found == {"a": {**PARTS, "n": 40, "p": 0.01}, "b": {**PARTS, "estimate": 0.375, "n": 12, "p": 0.01}}
    assert stats.estimates(table.drop(columns="n"), "rate", units=3)["b"]["n"] == 3.0
    assert stats.estimates(table.iloc[:0], "rate") == {}


def test_a_claim_of_no_effect_gets_its_90_percent_interval():
    ends = {"low90": 0.15, "high90": 0.4}
    assert stats.estimate({**ROW, **ends}, "rate", null=True) == {**PARTS, **ends, "n": 40}
    assert stats.estimate({**ROW, **ends}, "rate") == {**PARTS, "n": 40}  # only where asked
    seeded = {**ROW, **ends, "seeds": 3, "seeds_share": 0.25}
    found = stats.estimate(seeded, "rate", null=True)
    assert found == {**PARTS, **ends, "seeds": 3.0, "seeds_share": 0.25, "n": 40}
    assert type(found["seeds"]) is float  # few seeds are no small group
    runs = {**ROW, **ends, "runs": 3}
    assert stats.estimate(runs, "rate", null=True)["seeds"] == 3.0
    changes = {"change": 0.25, "change_low": 0.125, "change_high": 0.5, "change_low90": 0.15, "change_high90": 0.4}
    assert stats.estimate(changes, *list(changes)[:3], n=None, null=True) == {**PARTS, **ends}
    with pytest.raises(InputError, match="estimate, low90: only rate, "):
        stats.estimate(ROW, "rate", null=True)


def test_a_table_has_90_percent_intervals_where_asked():
    row = {**ROW, "low90": 0.15, "high90": 0.4, "seeds": 3, "seeds_share": np.nan}
    table = pd.DataFrame({"a": row}).T
    assert stats.estimates(table, "rate")["a"] == {**PARTS, "n": 40, "p": 0.01, "seeds": 3}
    null = {"low90": 0.15, "high90": 0.4, "seeds": 3.0, "n": 40, "p": 0.01}
    assert stats.estimates(table, "rate", null=True)["a"] == {**PARTS, **null}


@pytest.mark.parametrize("statistic", ["difference", "ratio"])
def test_both_intervals_come_from_the_same_replicates(statistic):
    how = {"groups": np.repeat(["a", "b"], 40), "a": "a", "b": "b", "statistic": statistic, "n_boot": 400}
    found = stats.bootstrap(np.arange(80), **how)
    written = stats.estimate(found, null=True)
    assert [written["low90"], written["high90"]] == pytest.approx(np.quantile(found.replicates, null_shares(80)))
    assert written["low"] < written["low90"] < written["high90"] < written["high"]


@pytest.mark.parametrize(
    ("n", "low"),
    [(10**9, 0.05), (80, 0.04397), (20, 0.02666), (12, 0.025), (1, 0.025)],
)
def test_few_patients_have_a_wider_90_percent_interval_inside_the_95(n, low):
    """By hand: 40 patients a group have 1.684875 standard errors, times the root of 40 / 39; 10 have 1.833113."""
    assert null_shares(n) == pytest.approx((low, 1 - low), abs=1e-5)
