"""Repeated runs of three trainings: the gap at equal conditions, and causes as planted."""

import gc
import warnings

import numpy as np
import pandas as pd
import pytest

from helpers.studies import skin_tone
from helpers.studies.skin_tone.representation import _parts
from tests.helpers.repeats import MIX, USUAL, at_most, world

WORLDS = 100


# -- equal conditions


def test_the_parts_of_the_gap_add_up_and_are_those_of_a_hand_calculation():
    rows = world(5, tone=0.05, harder=0.1, mix="other")
    found = skin_tone.at_equal_conditions(rows, **USUAL, training="C", at_least=1, n_boot=50)
    part = rows[rows["training"] == "C"]
    means = part.groupby(["label", "group"])["nmse"].mean().unstack()
    shares = part.groupby("group")["label"].value_counts(normalize=True).unstack().T
    whole = part.groupby("group")["nmse"].mean()
    equal = (shares.mean(axis=1) * (means["dark"] - means["light"])).sum()
    mix = (means.mean(axis=1) * (shares["dark"] - shares["light"])).sum()
    assert list(found.index) == ["gap", "at equal conditions", "made by the mix"]
    assert found["estimate"].to_list() == pytest.approx([whole["dark"] - whole["light"], equal, mix])
    assert whole["dark"] - whole["light"] == pytest.approx(equal + mix)
    sizes = rows.groupby("group")["image"].nunique()
    assert (found[["n_light", "n_dark", "conditions"]] == [sizes["light"], sizes["dark"], 3]).all(axis=None)


@pytest.mark.slow
def test_intervals_of_the_parts_hold_the_truth():
    """As published runs are: labels are harder to give back, and more of the dark have such labels."""
    truth = pd.Series({"gap": 0.05 + 0.1 * MIX, "at equal conditions": 0.05, "made by the mix": 0.1 * MIX})
    missed = pd.Series(0, index=truth.index)
    for seed in range(WORLDS):
        rows = world(seed, pool=60, tested=20, tone=0.05, harder=0.1, mix="other")
        found = skin_tone.at_equal_conditions(rows, **USUAL, at_least=1, n_boot=300, seed=seed)
        missed += (found["low"] > truth) | (found["high"] < truth)
    assert (missed <= at_most(WORLDS, 0.05)).all(), missed


def test_conditions_that_one_group_lacks_are_left_out():
    rows = world(6)
    rare = rows["image"].isin(rows.loc[rows["group"] == "light", "image"].unique()[:7])
    rows.loc[rare, ["label", "nmse"]] = ["only light", 9.0]
    unlabelled = rows["image"].isin(rows.loc[rows["group"] == "dark", "image"].unique()[:4])
    rows["label"] = rows["label"].mask(unlabelled)
    found = skin_tone.at_equal_conditions(rows, **USUAL, at_least=3, n_boot=100)
    without = skin_tone.at_equal_conditions(rows[~rare & ~unlabelled], **USUAL, at_least=3, n_boot=100)
    pd.testing.assert_frame_equal(found, without)
    sizes = rows.groupby("group")["image"].nunique()
    expected = {"light": 1 - 7 / sizes["light"], "dark": 1 - 4 / sizes["dark"]}
    assert found.attrs["share"] == pytest.approx(expected) and without.attrs["share"] == {"light": 1, "dark": 1}
    assert set(skin_tone.by_condition(rows, **USUAL, at_least=3)["condition"]) == {"mild", "plain", "severe"}


def test_a_replicate_leaves_out_the_conditions_that_it_lacks_in_a_group():
    means, counts = np.random.default_rng(0).random((1, 3, 2, 4)), np.arange(1, 25.0).reshape(1, 3, 2, 4)
    less = [0, 2]
    expected = _parts((means[..., less], counts[..., less]), 1)
    counts[:, :, 0, 1] = counts[:, :, 1, 3] = 0
    found = _parts((np.where(counts > 0, means, np.nan), counts), 1)
    assert {name: value.item() for name, value in found.items()} == pytest.approx(
        {name: value.item() for name, value in expected.items()}
    )


def test_where_nothing_is_left_out_the_gap_is_the_balanced_gap_with_its_interval():
    """Also the pseudo-values of runs are then the values of the runs."""
    rows = world(14, pool=100, tested=60, harder=0.1, run_sd=0.1)
    options = {**USUAL, "n_boot": 400, "seed": 2}
    plain = skin_tone.representation_effects(rows, **options).loc["balanced gap", ["estimate", "low", "high"]]
    parts = skin_tone.at_equal_conditions(rows, **options, at_least=1)
    assert parts.loc["gap", ["estimate", "low", "high"]].to_list() == pytest.approx(plain.to_list())
    one = skin_tone.at_equal_conditions(rows.assign(label="one"), **options)
    for name in ("gap", "at equal conditions"):
        assert one.loc[name, ["estimate", "low", "high"]].to_list() == pytest.approx(plain.to_list())
    assert (one.loc["made by the mix", ["estimate", "low", "high"]] == 0).all()


def test_a_condition_of_one_image_may_be_missing_from_a_replicate():
    rows = world(7)
    for group in ("light", "dark"):
        rows.loc[rows["image"] == rows.loc[rows["group"] == group, "image"].iloc[0], "label"] = "rare"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = skin_tone.at_equal_conditions(rows, **USUAL, at_least=1, n_boot=100)
    assert (found["conditions"] == 4).all() and np.isfinite(found).all(axis=None)


def test_by_condition_counts_images_and_means_rows():
    rows = world(8, harder=0.3)
    found = skin_tone.by_condition(rows, **USUAL, at_least=8).set_index(["condition", "training"])
    images = rows.drop_duplicates("image").groupby(["label", "group"]).size().unstack()
    kept = images[(images >= 8).all(axis=1)]
    assert 0 < len(kept) < 3 and len(found) == 3 * len(kept)
    for (condition, training), row in found.iterrows():
        part = rows[(rows["label"] == condition) & (rows["training"] == training)]
        for group in ("light", "dark"):
            assert row[group] == pytest.approx(part.loc[part["group"] == group, "nmse"].mean())
            assert row[f"n_{group}"] == images.loc[condition, group]


# -- causes

PLANTED = {
    "representation": {"represented": 0.15},
    "tone": {"tone": 0.2},
    "condition": {"harder": 0.4, "mix": "other"},
}


@pytest.fixture
def quick_corrections():
    """A correction for many tests by statsmodels collects garbage, which takes longer the more is loaded."""
    gc.freeze()
    yield
    gc.unfreeze()


def causes(seed: int, **planted) -> pd.DataFrame:
    return skin_tone.gap_causes(
        world(seed, runs=8, pool=120, tested=50, **planted), **USUAL, at_least=1, n_boot=300, seed=seed
    )


@pytest.mark.usefixtures("quick_corrections")
@pytest.mark.parametrize("n", [1, pytest.param(8, marks=pytest.mark.slow)])
@pytest.mark.parametrize("cause", PLANTED)
def test_the_planted_cause_is_named(cause, n):
    found = [causes(seed, **PLANTED[cause]) for seed in range(n)]
    assert all(frame.loc[cause, "status"] == "yes" for frame in found)
    # Beside it two others, corrected for three.
    assert sum(skin_tone.gap_verdict(frame) != cause for frame in found) <= at_most(n, 0.05)
    assert all(list(frame.index) == list(PLANTED) for frame in found)
    turned = causes(0, **{name: -v if isinstance(v, float) else v for name, v in PLANTED[cause].items()})
    assert turned.loc[cause, "status"] == "opposite" and cause not in skin_tone.gap_verdict(turned)


def test_two_causes_are_both_named():
    found = causes(1, represented=0.15, tone=0.2)
    assert skin_tone.gap_verdict(found) == "representation and tone"
    assert (found["p_holm"] >= found["p"]).all()


@pytest.mark.usefixtures("quick_corrections")
@pytest.mark.parametrize("n", [3, pytest.param(60, marks=pytest.mark.slow)])
def test_without_a_cause_something_is_named_in_5_percent_of_worlds_at_most(n):
    """Labels are harder to give back, but neither group has more of the hard ones."""
    found = [causes(seed, harder=0.1) for seed in range(n)]
    assert sum((frame["status"] != "not shown").any() for frame in found) <= at_most(n, 0.05)
    assert all(skin_tone.gap_verdict(frame) == "none" for frame in found if (frame["status"] == "not shown").all())
    for frame in found:
        p = frame["p"].sort_values(kind="stable")
        holm = (p * [3, 2, 1]).cummax().clip(upper=1)
        pd.testing.assert_series_equal(frame["p_holm"], holm[frame.index], check_names=False)
        assert ((frame["p_holm"] < 0.05) == (frame["status"] != "not shown")).all()
