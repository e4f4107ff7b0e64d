"""The cohort of the sandbox: each planted effect does what it says, and nothing else does."""

import numpy as np
import pytest

from helpers.errors import InputError
from helpers.studies import calibration

LARGE = {"n_a": 20_000, "n_b": 20_000}


def difference(frame, column, where=None):
    part = frame if where is None else frame[frame["hospital"] == where]
    means = part.groupby("group", observed=True)[column].mean()
    return means["B"] - means["A"]


@pytest.mark.parametrize(
    ("planted", "gold", "score"),
    [
        ({}, 0, 0),
        ({"difficulty": 0.05}, -0.05, -0.05),
        ({"spread": 3}, 0, 0),
        ({"label_bias": 0.5}, 0, -0.5 * 0.3 * 0.8),
        ({"label_bias": -0.5}, 0, 0.5 * 0.2),
        ({"hospital_effect": 0.15}, 0, 0),
        ({"second_a": 0.1, "second_b": 0.9}, 0, 0),
        ({"hospital_effect": 0.15, "second_a": 0.2, "second_b": 0.8}, -0.15 * 0.6, -0.15 * 0.6),
        ({"opposite": 0.06}, 0, 0),
    ],
)
def test_effect_is_as_large_as_it_says(planted, gold, score):
    frame, truth = calibration.scored_cohort(**LARGE, **planted)
    for column, expected in (("gold", gold), ("score", score)):
        assert truth[column]["mean"]["pooled"] == pytest.approx(expected, abs=1e-12)
        assert difference(frame, column) == pytest.approx(expected, abs=0.006)  # four standard errors


@pytest.mark.parametrize("threshold", [0.5, 0.69, 0.8, 0.95])
@pytest.mark.parametrize("label_bias", [0.4, -0.4])
def test_truth_of_rates_and_of_hospitals_is_what_a_large_cohort_shows(threshold, label_bias):
    planted = {"difficulty": 0.03, "spread": 2.5, "opposite": 0.05, "second_a": 0.3, "label_bias": label_bias}
    frame, truth = calibration.scored_cohort(**LARGE, threshold=threshold, **planted)
    for column in ("score", "gold"):
        good = frame.assign(good=frame[column] > threshold)
        for kind, shown in (("mean", column), ("rate", "good")):
            for where in (None, *calibration.scored.HOSPITALS):
                expected = truth[column][kind][where or "pooled"]
                assert difference(good, shown, where) == pytest.approx(expected, abs=0.025)


def test_spread_multiplies_the_variance_alone():
    frame, _ = calibration.scored_cohort(**LARGE, spread=3)
    variance = frame.groupby("group", observed=True)["gold"].var()
    assert variance["B"] / variance["A"] == pytest.approx(3, rel=0.06)


def test_an_effect_changes_no_luck_and_a_larger_cohort_keeps_its_cases():
    small, _ = calibration.scored_cohort(n_a=30, n_b=40, attributes=3, seed=5)
    large, _ = calibration.scored_cohort(n_a=30, n_b=90, attributes=3, seed=5, difficulty=0.1)
    a, b = (large[large["group"] == group].reset_index(drop=True) for group in "AB")
    others = [c for c in small if c.startswith("attribute")] + ["hospital"]
    first = small[small["group"] == "B"].reset_index(drop=True)
    assert a.equals(small[small["group"] == "A"].reset_index(drop=True))
    assert b.loc[:39, others].equals(first[others])
    assert b.loc[:39, "gold"].rank().equals(first["gold"].rank())
    assert (b.loc[:39, "gold"] < first["gold"]).all()
    other, _ = calibration.scored_cohort(n_a=30, n_b=40, attributes=3, seed=6)
    assert not np.isclose(other["gold"], small["gold"]).any()


def test_attributes_have_their_levels_and_nothing_to_do_with_the_score():
    frame, _ = calibration.scored_cohort(**LARGE, attributes=2, levels=5, difficulty=0.1)
    for name in ("attribute 1", "attribute 2"):
        assert sorted(frame[name].unique()) == [1, 2, 3, 4, 5]
        assert np.ptp(frame.groupby(name)["score"].mean()) < 0.01
    assert abs(np.corrcoef(frame["attribute 1"], frame["attribute 2"])[0, 1]) < 0.02


def test_one_group_or_one_hospital_is_a_cohort_too():
    frame, truth = calibration.scored_cohort(n_a=0, n_b=20)
    assert list(frame["group"].unique()) == ["B"] and len(frame) == 20
    frame, truth = calibration.scored_cohort(second_a=0, second_b=0)
    assert list(frame["hospital"].unique()) == ["hospital 1"]
    assert np.isnan(truth["score"]["mean"]["hospital 2"]) and truth["score"]["mean"]["hospital 1"] == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"n_a": 0, "n_b": 0}, "both groups are empty"),
        ({"n_a": -1}, "n_a: -1 is not a whole number"),
        ({"n_b": 10**9}, "n_b"),
        ({"attributes": 2.5}, "attributes: 2.5"),
        ({"levels": 0}, "levels: must be 1 or more, got 0"),
        ({"dificulty": 0.1}, "planted effect: must be .*, got 'dificulty'. Did you mean difficulty"),
        ({"difficulty": float("nan")}, "difficulty: nan"),
        ({"difficulty": 0.9}, "together they ask for mean scores"),
        ({"label_bias": 1.5}, "label_bias: 1.5 is not a share"),
        ({"second_a": -0.1}, "second_a: -0.1 is not a share"),
        ({"spread": 0}, "spread: 0 is out of range"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(arguments, says):
    with pytest.raises(InputError, match=says) as error:
        calibration.scored_cohort(**arguments)
    assert "\n" not in str(error.value)


def test_set_ups_are_cohorts():
    for arguments in calibration.SET_UPS.values():
        calibration.scored_cohort(**arguments)
