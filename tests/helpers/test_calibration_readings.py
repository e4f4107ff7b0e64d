"""One gap under several rulers, and the largest of many."""

import numpy as np
import pandas as pd
import pytest

from helpers import stats
from helpers.errors import InputError
from helpers.studies import calibration

RULER = {"group": "group", "a": "A", "b": "B", "source": "hospital", "gold": "gold", "n_boot": 300}


def test_each_reading_is_the_statistic_it_names():
    frame, _ = calibration.scored_cohort(n_a=150, n_b=90, opposite=0.05, label_bias=0.3, spread=2, second_b=0.7)
    table = calibration.readings(frame, **RULER, threshold=0.7)
    pair = {"groups": frame["group"], "a": "A", "b": "B"}
    top, _ = stats.success(frame["score"], quantile=0.75)
    first = frame[frame["hospital"] == "hospital 1"]
    given = stats.adjusted_contrast(frame, score="score", group="group", a="A", b="B", adjust=["hospital"])
    expected = {
        "mean": stats.contrast(frame["score"], **pair),
        "mean on gold": stats.contrast(frame["gold"], **pair),
        "share over 0.7": stats.contrast(frame["score"] > 0.7, **pair),
        "share in top 25%": stats.contrast(top, **pair),
        "mean, hospital 1": stats.contrast(first["score"], groups=first["group"], a="A", b="B"),
        "mean, given hospital": given.estimate,
    }
    for name, value in expected.items():
        assert table.loc[name, "estimate"] == pytest.approx(value), name
    assert (table["low"] < table["estimate"]).all() and (table["estimate"] < table["high"]).all()
    assert table.loc["mean", ["n_a", "n_b"]].tolist() == [150, 90]
    assert (table["note"] == "").all()


def test_interval_given_the_source_is_that_of_the_model_where_variances_are_equal():
    frame, _ = calibration.scored_cohort(n_a=4000, n_b=4000, second_a=0.3)
    ours = calibration.readings(frame, **RULER).loc["mean, given hospital"]
    model = stats.adjusted_contrast(frame, score="score", group="group", a="A", b="B", adjust=["hospital"])
    assert ours["high"] - ours["low"] == pytest.approx(model.high - model.low, rel=0.03)


# Each a call of what a class is to see, with room for the luck of one cohort.
SEES = {
    "hidden by pooling": {"mean, hospital 1": 1, "mean, hospital 2": -1, "mean": 0, "mean, given hospital": 0},
    "made by pooling": {"mean": -1, "share over 0.8": -1, "mean, given hospital": 0},
    "another threshold": {"share over 0.6": -1, "share in top 25%": 1},
    "other labels": {"mean": 1, "mean on gold": -1},
}


@pytest.mark.parametrize("n", [4, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", SEES)
def test_each_set_up_shows_what_it_is_for(name, n):
    set_up = calibration.SET_UPS[name]
    hits = []
    for seed in range(n):
        frame, _ = calibration.scored_cohort(**{**set_up, "seed": seed})
        table = calibration.readings(frame, **RULER, threshold=set_up.get("threshold", 0.8), seed=seed)
        signs = np.sign(table["low"]) * (np.sign(table["low"]) == np.sign(table["high"]))
        hits.append([signs[reading] == sign for reading, sign in SEES[name].items()])
    assert np.mean(hits, axis=0).min() >= 0.75


@pytest.mark.slow
def test_without_effects_the_intervals_and_the_largest_gap_keep_their_level():
    """200 cohorts: a rate of 5% is seen between 1% and 11% (binomial, 99.9%)."""
    apart, alone, chosen = [], [], []
    for seed in range(200):
        frame, _ = calibration.scored_cohort(n_a=60, n_b=60, attributes=12, seed=seed)
        table = calibration.readings(frame, **RULER, seed=seed)
        apart.append((table["low"] > 0) | (table["high"] < 0))
        found = calibration.largest_gap(frame["score"], attributes=frame.filter(like="attribute"), n=199, seed=seed)
        alone.append(found.p_alone <= 0.05)
        chosen.append(found.p <= 0.05)
    rates = pd.DataFrame(apart).mean()
    assert rates.between(0.01, 0.11).all(), rates
    assert 0.01 <= np.mean(chosen) <= 0.11
    assert np.mean(alone) > 0.3, "a gap picked for its size looks like one"


def test_the_largest_of_many_gaps_by_chance_is_no_finding():
    frame, _ = calibration.scored_cohort(n_a=60, n_b=60, attributes=12)
    found = calibration.largest_gap(frame["score"], attributes=frame.filter(like="attribute"), n=199)
    assert found.p_alone < found.p and found.p > 0.05


def test_a_real_gap_among_the_attributes_is_found():
    frame, _ = calibration.scored_cohort(attributes=10)
    frame["score"] += 0.08 * (frame["attribute 4"] == 2)
    found = calibration.largest_gap(frame["score"], attributes=frame.filter(like="attribute"), n=499)
    assert found.attribute == "attribute 4" and found.p < 0.01
    assert found.gap == pytest.approx(stats.gap(frame["score"], groups=frame["attribute 4"]))
    assert found.gaps["gap"].max() == found.gap and len(found.gaps) == 10


def test_small_levels_do_not_make_the_largest_gap():
    frame, _ = calibration.scored_cohort(n_a=100, n_b=100, attributes=2)
    frame.loc[:4, "attribute 2"], frame.loc[:4, "score"] = 9, 0.0
    found = calibration.largest_gap(frame["score"], attributes=frame.filter(like="attribute"), n=99)
    assert found.gaps.loc["attribute 2", "levels"] == 4 and found.gap < 0.2
    with pytest.raises(InputError, match="no attribute has two levels of 10 cases"):
        calibration.largest_gap(frame["score"], attributes=pd.DataFrame({"all": 1}, index=frame.index))


@pytest.mark.parametrize(
    ("arguments", "reading", "note"),
    [
        ({"n_a": 9}, "mean", "under 10 cases in A"),
        ({"n_b": 0}, "mean", "under 10 cases in B"),
        ({"threshold": 1.0}, "share over 1", "nobody succeeds"),
        ({"threshold": 0.0}, "share over 0", "everybody succeeds"),
        ({"second_a": 0, "second_b": 0}, "mean, given hospital", "1 hospital(s) with both groups"),
        ({"second_a": 0, "second_b": 1}, "mean, given hospital", "0 hospital(s) with both groups"),
        ({"second_a": 0, "second_b": 0}, "mean, hospital 2", "under 10 cases"),
    ],
)
def test_what_cannot_be_read_says_why(arguments, reading, note):
    frame, _ = calibration.scored_cohort(**arguments)
    row = calibration.readings(frame, **RULER, threshold=arguments.get("threshold", 0.8)).loc[reading]
    assert row["note"].startswith(note)
    assert np.isnan(row["estimate"]) or row["estimate"] == 0


def test_cases_without_a_score_are_left_out():
    frame, _ = calibration.scored_cohort(n_a=50, n_b=50)
    frame.loc[frame.index[:7], "score"] = np.nan
    frame.loc[frame.index[-3:], "gold"] = np.nan
    table = calibration.readings(frame, **RULER)
    assert table.loc["mean", ["n_a", "n_b"]].tolist() == [43, 50]
    assert table.loc["mean on gold", ["n_a", "n_b"]].tolist() == [43, 47]
