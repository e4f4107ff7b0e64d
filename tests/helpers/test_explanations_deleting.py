"""A score of maps that replaces pixels, and the mean map of several networks, in worlds where the answer is known."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from helpers.errors import InputError
from helpers.studies import explanations

SIZE, N_BOOT = 16, 100
NAMES = ("gradient", "IG zero", "IG mean", "occlusion zero", "occlusion mean")


@pytest.fixture(scope="module")
def linear():
    how = {"n": 100, "n_test": 30, "size": SIZE, "epochs": 4, "names": NAMES}
    return explanations.run_world("linear", **how, seed=2)


@pytest.fixture(scope="module")
def cue():
    how = {"n": 200, "n_test": 40, "size": SIZE, "epochs": 8, "names": NAMES}
    return explanations.run_world("one cue", **how, seed=1)


def test_in_a_linear_network_each_fill_prefers_the_map_of_its_contrast(linear):
    """No map is better as such: each is the best for the replacement that it explains."""
    table = explanations.deletion_contrasts(linear, n_boot=N_BOOT)
    pair = "IG zero less mean"
    assert table.loc[(pair, "zero"), "low"] > 0 and table.loc[(pair, "mean"), "high"] < 0
    assert list(table.loc[pair].index) == ["zero", "mean", "blur", "white"] and (table["n"] == 15).all()


def test_a_map_loses_more_than_a_map_without_network(cue):
    lost = {name: explanations.deleted(cue, name, fill="mean") for name in ("occlusion mean", "random")}
    assert lost["random"].shape == (2, 20, 6)
    assert lost["occlusion mean"].mean() > 2 * abs(lost["random"].mean())


def test_curves_are_drawn_with_what_replaces_the_pixels(cue):
    _, ax = plt.subplots()
    explanations.draw_deletion(cue, ["IG mean", "image"], fill="mean", ax=ax)
    assert "by mean" in ax.get_xlabel() and [line.get_label() for line in ax.lines] == ["IG mean", "image"]
    plt.close("all")


def test_the_mean_of_other_networks_is_nearer_than_another_one(cue):
    maps = explanations.seeds_of(cue, n=4, epochs=8, seed=1)
    assert set(maps) == set(NAMES) and maps["IG mean"].shape == (4, 20, SIZE, SIZE)
    assert (maps["IG mean"][:2] == np.stack([one["IG mean"] for one in cue.before])).all()
    table = explanations.mean_table(maps, n_boot=N_BOOT)
    assert (table["estimate"] - (table["another"] - table["mean"])).abs().max() < 1e-9
    assert table.loc["gradient", "low"] > 0 and (table["n"] == 20).all()


def test_equal_networks_are_as_near_as_their_mean():
    maps = {"a": np.repeat(np.random.default_rng(0).normal(size=(1, 12, 5, 5)), 3, axis=0)}
    row = explanations.mean_table(maps, n_boot=N_BOOT).loc["a"]
    assert abs(row["another"]) < 1e-9 and abs(row["estimate"]) < 1e-9


@pytest.mark.parametrize(("call", "message"), [
    (lambda found: explanations.deleted(found, "IG mean", fill="black"), "fill: must be zero"),
    (lambda found: explanations.deleted(found, "IG means", fill="mean"), "Did you mean IG mean"),
    (lambda found: explanations.seeds_of(found, n=2), "needs three networks"),
])  # fmt: skip
def test_bad_input_is_one_clear_line(linear, call, message):
    with pytest.raises(InputError, match=message):
        call(linear)
