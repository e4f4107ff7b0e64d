"""Explanations of networks of planted worlds: what must be found, and what may not be."""

import numpy as np
import pandas as pd
import pytest

from helpers import learn, metrics, stats
from helpers.errors import InputError
from helpers.studies import explanations

NAMES = ("gradient", "gradient x input", "SmoothGrad", "IG zero", "IG mean", "IG mean, difference", "occlusion mean")
SIZE, N_BOOT = 16, 100


def explained(network, training, tested, seed=0):
    """Maps of a network, and those of a second call."""
    how = {"seed": seed}
    return [explanations.explain(network, training.images, tested.images, NAMES, again=a, **how) for a in (False, True)]


@pytest.fixture(scope="module")
def cue():
    """Two seeds of a network of the world with one cue, and their maps of the images that show it."""
    training = explanations.draw_world("one cue", 200, size=SIZE, seed=1)
    tested = explanations.draw_world("one cue", 40, size=SIZE, stage="test", seed=1)
    networks = [explanations.train(training, epochs=8, seed=s) for s in (1, 2)]
    shown = tested.take(tested.shown["A"])
    return training, tested, shown, networks, [explained(net, training, shown, s) for s, net in enumerate(networks)]


@pytest.fixture(scope="module")
def linear():
    training = explanations.draw_world("linear", 100, size=SIZE, seed=2)
    tested = explanations.draw_world("linear", 12, size=SIZE, stage="test", seed=2)
    network = explanations.train(training, kind="linear", epochs=4, seed=2)
    return explained(network, training, tested)


def test_the_cue_is_learned_and_found(cue):
    _, tested, shown, networks, maps = cue
    assert min(explanations.accuracy(net, tested) for net in networks) > 0.9
    audit = explanations.audit_table([m[0] for m in maps], shown.places["A"], n_boot=N_BOOT)
    assert audit.loc["occlusion mean", "answer"] == "yes" and audit.loc["occlusion mean", "estimate"] > 0.75
    assert explanations.removal(networks[0], shown, "A").mean() > 1
    # The mark is in no image here; equal images of two arrays differ by the rounding of single precision alone.
    assert np.abs(explanations.removal(networks[0], shown, "mark")).max() < 1e-5


def test_a_baseline_moves_the_map_and_the_difference_of_logits_does_not(cue):
    *_, maps = cue
    table = explanations.switch_table(*zip(*maps, strict=True), n_boot=N_BOOT)
    assert table.loc["mean to zero", "found"] and not table.loc["logit to difference", "found"]
    assert table.loc["mean to zero", "n"] == 20 and (table["undefined"] == 0).all()
    assert (table["estimate"] - (table["moved"] - table["noise"])).abs().max() < 1e-9


def test_in_the_linear_world_nothing_is_found_between_what_is_equal(linear):
    first, again = linear
    table = explanations.switch_table([first], [again], n_boot=N_BOOT)
    equal = table[table["kind"] == "equal if linear"]
    assert len(equal) == 2 and equal["moved"].max() < 1e-6 and not equal["found"].any()
    assert table.loc["mean to zero", "found"]


def test_noise_of_a_method_is_drawn_apart(linear):
    first, again = linear
    assert (first["SmoothGrad"] == again["SmoothGrad"]).all()  # the gradient of a linear network is the same everywhere
    assert not (first["IG mean"] == again["IG mean"]).all()
    assert metrics.spearman(first["IG mean"], again["IG mean"]).min() > 0.9


def test_two_seeds_agree_more_than_a_network_and_noise(cue):
    _, _, shown, _, maps = cue
    first, second = maps[0][0], maps[1][0]
    noise = {name: explanations.controls(shown)["random"] for name in first}
    table = explanations.agreement_of(first, noise, second, n_boot=N_BOOT)
    assert table.loc["occlusion mean", "high"] < 0 and abs(table.loc["occlusion mean", "between"]) < 0.1


def test_controls_are_of_the_image(cue):
    shown = cue[2]
    found = explanations.controls(shown, seed=3)
    assert (found["image"] == shown.images[:, 0]).all() and found["edges"].min() >= 0
    assert (found["random"] == explanations.controls(shown, seed=3)["random"]).all()


def test_superpixels_are_a_grid_of_four_by_four():
    found = explanations.superpixels(18)
    assert found.shape == (18, 18) and (np.unique(found) == np.arange(16)).all()
    counts = np.bincount(found.ravel())
    assert counts.min() >= 16 and counts.max() <= 25


def test_the_share_of_answers_that_turn():
    place = np.zeros((12, 4, 4), bool)
    place[:, 0, 0] = True
    high, low = place.astype(float), -place.astype(float)
    half = np.where(np.arange(12)[:, None, None] < 6, high, low)
    maps = [{"IG mean": high, "IG zero": half, "IG blur": high}]
    found = explanations.turned(maps, place, n_boot=N_BOOT)
    assert found["estimate"].to_dict() == {"mean to zero": 0.5, "mean to blur": 0.0}
    audit = explanations.audit_table([{"yes": high, "no": low, "half": half}], place, n_boot=N_BOOT)
    assert audit["answer"].to_dict() == {"yes": "yes", "no": "no", "half": "open"}
    assert audit["images"].to_dict() == {"yes": 1.0, "no": 0.0, "half": 0.5}


def test_groups_are_compared_at_equal_confidence():
    rng = np.random.default_rng(4)
    groups = np.arange(40) % 2
    first = rng.normal(size=(40, 6, 6))
    noise = rng.normal(size=first.shape)
    second = first + np.where(groups == 1, 2.0, 0.1)[:, None, None] * noise
    how = {"groups": groups, "confidence": rng.random(40), "n_boot": N_BOOT}
    assert explanations.agreement_by_group({"a": first}, {"a": second}, **how).loc["a", "high"] < 0
    alone = {**how, "confidence": np.where(groups == 1, 0.0, np.arange(40))}  # all are nearest to one image
    table = explanations.agreement_by_group({"a": first}, {"a": second}, **alone)
    assert table.loc["a", "n"] == 20 and table.loc["a", "high"] < 0


def test_what_confidence_decides_is_no_difference_of_groups():
    """Noise follows confidence alone; three quarters of group 1 are noisy, and one quarter of group 0."""
    rng = np.random.default_rng(6)
    groups = np.repeat([1, 0], [20, 60])
    confidence = np.concatenate([np.repeat([2.0, 1.0], [15, 5]), np.repeat([2.0, 1.0], [15, 45])])
    first = rng.normal(size=(80, 6, 6))
    second = first + confidence[:, None, None] * rng.normal(size=first.shape)
    agree = metrics.spearman(first, second)
    assert agree[groups == 1].mean() < agree[groups == 0].mean() - 0.05
    table = explanations.agreement_by_group({"a": first}, {"a": second}, groups, confidence, n_boot=N_BOOT)
    assert table.loc["a", "low"] < 0 < table.loc["a", "high"] and table.loc["a", "n"] == 20


def test_an_interval_draws_images_and_networks():
    values = np.random.default_rng(5).normal(1, 1, (3, 200))
    values[0, :5] = np.nan
    found = explanations.interval(values, n_boot=400)
    assert found.estimate == pytest.approx(np.nanmean(values, axis=1).mean()) and found.low < 1 < found.high
    apart = explanations.interval(values + np.array([[-2.0], [0], [2]]), n_boot=400)
    assert apart.high - apart.low > 5 * (found.high - found.low)
    inside = explanations.interval(values + np.array([[-2.0], [0], [2]]), limits=(0, 1.5), n_boot=400)
    assert apart.low < 0 < 1.5 < apart.high and (inside.low, inside.high) == (0, 1.5)
    one = explanations.interval(values[1], n_boot=400)
    assert one.high - one.low == pytest.approx(4 * values[1].std() / np.sqrt(200), rel=0.2)


@pytest.fixture(scope="module")
def two():
    """A pair of networks that learned from different cues, and a twin of the first."""
    names = ("IG mean", "IG zero", "occlusion mean", "occlusion zero")
    return explanations.run_world("two cues", n=200, n_test=40, size=SIZE, epochs=8, names=names, seed=3)


def test_second_calls_are_left_out_on_request_and_asked_for_by_switches(two):
    names = ("IG mean", "IG zero", "occlusion mean", "occlusion zero")
    how = {"n": 200, "n_test": 40, "size": SIZE, "epochs": 8, "names": names, "seed": 3}
    once = explanations.run_world("two cues", noise=False, **how)
    for one, other in zip(once.before, two.before, strict=True):
        assert all((one[name] == other[name]).all() for name in names)
    assert once.again == []
    calls = [lambda: explanations.switch_table(once.before[:2], once.again[:2])]
    calls += [lambda: explanations.network_table(once.before[:2], once.again[:2])]
    calls += [lambda: explanations.small_switch(once), lambda: explanations.consequence(once, "A")]
    calls += [lambda: explanations.draw_matrix(once, ax=None)]
    for call in calls:
        with pytest.raises(InputError, match="again: has maps of 0 networks, and before those of 2"):
            call()


def test_one_decision_has_two_reasons(two):
    assert len(two.networks) == len(two.before) == len(two.again) == 3
    found = explanations.uniqueness(two, n_boot=N_BOOT)
    assert found["predictions"] > 0.9 and found["high"] < 0 and found["n"] == len(two.explained.labels) == 20
    places = two.explained.places
    first, rival = ([explanations.audit_table([two.before[k]], places[c]) for c in "AB"] for k in (0, 2))
    assert first[0].loc["occlusion mean", "estimate"] > first[1].loc["occlusion mean", "estimate"] + 0.2
    assert rival[1].loc["occlusion mean", "estimate"] > rival[0].loc["occlusion mean", "estimate"] + 0.2


def test_statistics_are_means_over_switches_less_the_noise(two):
    moved = explanations.small_switch(two, n_boot=N_BOOT)
    table = explanations.switch_table(two.before[:2], two.again[:2], n_boot=N_BOOT)
    large = table[table["kind"].isin(["baseline", "replacement", "resolution"])]
    assert len(large) == 3 and moved["estimate"] == pytest.approx(large["estimate"].mean())
    still = two._replace(before=[dict.fromkeys(m, m["IG mean"]) for m in two.before])
    still = still._replace(again=still.before)
    assert explanations.small_switch(still, n_boot=N_BOOT)["high"] == pytest.approx(0, abs=1e-9)
    assert explanations.consequence(still, "A", n_boot=N_BOOT)["estimate"] == 0
    assert explanations.confidence(two).mean() > 0


def test_a_world_needs_images_and_a_pair(two):
    with pytest.raises(InputError, match="8 images show the cue"):
        explanations.run_world("one cue", n=20, n_test=16, size=SIZE, epochs=1)
    with pytest.raises(InputError, match="Run the world with two cues"):
        explanations.uniqueness(two._replace(networks=two.networks[:2]))
    with pytest.raises(InputError, match="Add IG mean and IG zero"):
        explanations.small_switch(two._replace(before=[{"gradient": m["IG mean"]} for m in two.before]))


@pytest.mark.parametrize(("values", "message"), [
    (np.zeros((2, 9)), "9 are too few"),
    (np.full((1, 12), np.nan), "undefined for all images of a network"),
])  # fmt: skip
def test_an_interval_needs_images(values, message):
    with pytest.raises(InputError, match=message):
        explanations.interval(values)


def test_bad_input_is_one_clear_line(cue):
    training, tested, _, networks, _ = cue
    with pytest.raises(InputError, match="Did you mean IG mean"):
        explanations.explain(networks[0], training.images, tested.images, ("IG means",))
    with pytest.raises(InputError, match="seed = -1: expected a whole number"):
        explanations.explain(networks[0], training.images, tested.images, ("IG mean",), seed=-1)
    with pytest.raises(InputError, match="images: expected numbers, found <U"):
        explanations.explain(networks[0], training.images, tested.images.astype(str), ("IG mean",))
    with pytest.raises(InputError, match="0 images in group 0, 12 in group 1"):
        maps = {"a": np.zeros((12, 4, 4))}
        explanations.agreement_by_group(maps, maps, np.ones(12, int), np.ones(12))
    with pytest.raises(InputError, match="kind"):
        explanations.train(training, kind="large")
    assert learn.attribute(networks[0], tested.images, 1).shape == (40, SIZE, SIZE)


def test_many_data_sets_give_rates():
    how = {"n": 100, "n_test": 60, "size": SIZE, "epochs": 1, "n_boot": 50, "names": ("IG mean", "IG zero")}
    rows = pd.DataFrame([{"world": "equal noise", "seed": s, **row} for s in (1, 2)
                         for row in explanations.world_job("equal noise", s, **how)])  # fmt: skip
    names = {"switch: mean to zero", "audit: IG mean", "audit: IG zero", "group: IG mean", "group: IG zero"}
    names |= {"gain: IG mean", "gain: IG zero"}
    assert set(rows["statistic"]) == names and len(rows) == 2 * len(names)
    rates = stats.world_rates(rows, rows["seed"] == 1)
    assert (rates["rate"] == 0.5).all() and (rates["n"] == 2).all()
    first = rows[rows["statistic"] == "audit: IG mean"]
    assert rates.loc[rates["statistic"] == "audit: IG mean", "mean"].item() == pytest.approx(first["estimate"].mean())
