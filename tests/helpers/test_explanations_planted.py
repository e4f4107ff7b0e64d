"""Answers about planted parts, what an explanation needs, a generator of a world, and the tiny run of the page."""

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib import pyplot as plt
from torch import nn

from helpers import learn
from helpers.errors import InputError
from helpers.studies import explanations

SIZE, N_BOOT = 16, 100
NAMES = ("gradient", "SmoothGrad", "IG mean", "IG data", "Shapley of parts", "counterfactual", "latent counterfactual")


class Curved(nn.Module):
    """A network without training: logit 1 is a weighted sum of pixels and of the product of two cues' sums."""

    def __init__(self, weight: np.ndarray, pairs: float = 0.0) -> None:
        super().__init__()
        self.weight, self.pairs = nn.Parameter(torch.from_numpy(weight.astype(np.float32))), pairs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left, right = (part.flatten(1).sum(1) for part in x.chunk(2, dim=3))
        one = (x[:, 0] * self.weight).flatten(1).sum(1) + self.pairs * left * right
        return torch.stack([torch.zeros_like(one), one], dim=1)


@pytest.fixture(scope="module")
def world():
    drawn = explanations.draw_world("two cues", 40, size=SIZE, stage="test", seed=1)
    return drawn.take(drawn.labels == 1)


@pytest.fixture(scope="module")
def weight():
    return np.random.default_rng(2).normal(0.05, 0.02, (SIZE, SIZE))


def test_parts_are_numbered_where_cues_are(world):
    assert world.parts.shape == (20, SIZE, SIZE)
    assert all((world.parts[world.places[cue]] == number).all() for number, cue in enumerate(explanations.CUES, 1))
    assert (world.parts == 0).sum() == 20 * SIZE**2 - sum(place.sum() for place in world.places.values())


def test_without_interactions_each_part_counts_what_its_removal_changes(world, weight):
    """In a linear network all answers are one: a cue adds the same in every coalition."""
    network = Curved(weight)
    values = explanations.simulated_shapley(network, world)
    for cue in "AB":
        removed = explanations.removal(network, world, cue)
        assert removed.min() > 0.1
        np.testing.assert_allclose(values[cue], removed, atol=1e-5)
    assert np.abs(values["mark"]).max() < 1e-5  # no image shows the mark


def test_shapley_values_share_an_interaction_in_halves(world):
    """The logit is the product of the sums of both halves of the image: each cue gets half of what is joint."""
    network = Curved(np.zeros((SIZE, SIZE)), pairs=0.01)
    values = explanations.simulated_shapley(network, world)
    whole, one, other = (explanations.removal(network, world, *cues) for cues in ("AB", "A", "B"))
    joint = one + other - whole
    assert joint.min() > 0.01
    np.testing.assert_allclose(values["A"], one - joint / 2, atol=1e-4)
    np.testing.assert_allclose(values["A"] + values["B"], whole, atol=1e-4)


def test_a_mean_in_the_place_of_a_part_is_another_answer(world, weight):
    network = Curved(weight)
    filled = explanations.filled_shapley(network, world.images, world)
    contrast = world.images[:, 0] - world.images[:, 0].mean(0)
    expected = (weight * contrast * world.places["A"]).sum((1, 2))
    np.testing.assert_allclose(filled["A"], expected, atol=1e-4)
    assert np.abs(filled["A"] - explanations.removal(network, world, "A")).mean() > 0.1


def test_a_concept_s_direction_is_the_mean_of_what_a_cue_adds(world, weight):
    found = explanations.along_concept(Curved(weight), world, "A")
    np.testing.assert_allclose(found, explanations.removal(Curved(weight), world, "A").mean(), rtol=1e-4)


def test_the_table_has_cues_that_ten_images_show(world, weight):
    table = explanations.part_table([Curved(weight), Curved(2 * weight)], world, world, n_boot=N_BOOT)
    answers = ["removed", "Shapley, simulator", "Shapley, mean", "direction"]
    assert list(table.index) == [(cue, answer) for cue in "AB" for answer in answers] and (table["n"] == 20).all()
    removed = explanations.removal(Curved(weight), world, "A").mean()
    assert table.loc[("A", "removed"), "estimate"] == pytest.approx(1.5 * removed, rel=1e-4)


# What an explanation needs


@pytest.fixture(scope="module")
def found():
    """The world of the shortcut with a generator, at the smallest size."""
    how = {"n": 120, "n_test": 50, "size": SIZE, "epochs": 8, "names": NAMES, "latent": True}
    return explanations.run_world("shortcut", **how, seed=4)


def test_latent_counterfactuals_are_on_the_manifold_of_a_generator(found):
    maps = found.before[0]
    pixel, latent = (maps[name] for name in ("counterfactual", "latent counterfactual"))
    assert set(maps) == set(NAMES) and pixel.shape == latent.shape == found.explained.scene.shape
    table = explanations.switch_table(found.before, found.again, n_boot=N_BOOT)
    moved = table.loc["pixels to codes"]
    assert moved["kind"] == "manifold" and moved["found"] and 0 < moved["noise"] < moved["moved"]
    # A pixel counterfactual changes pixels one by one, and a decoder cannot.
    rough = [np.nanmean(np.abs(np.diff(one, axis=2))) / np.nanmean(np.abs(one)) for one in (pixel, latent)]
    assert rough[1] < rough[0]


def test_a_generator_decodes_images_in_the_scale_of_the_classifier(found):
    generator = explanations.train_generator(found.training, epochs=4, seed=1)
    images = torch.from_numpy(found.explained.images)
    with torch.no_grad():
        drawn = generator.decode(generator.encode(images)[0])
    assert drawn.shape == images.shape and drawn.min() >= 0 and drawn.max() <= 1
    assert (drawn - images).pow(2).mean() < images.var()


def test_maps_without_ranks_are_counted_and_not_found(found):
    """A network of which no image flips its class has no counterfactual: its row is there, and NaN."""
    none = {name: np.full_like(one, np.nan) for name, one in found.before[0].items()}
    before, again = [none, found.before[1]], [none, found.again[1]]
    row = explanations.switch_table(before, again, n_boot=N_BOOT).loc["pixels to codes"]
    assert np.isnan(row["estimate"]) and row["undefined"] >= len(found.explained.labels) and not row["found"]
    audit = explanations.audit_table([none], found.explained.places["mark"], n_boot=N_BOOT)
    assert (audit["answer"] == "open").all() and audit["images"].isna().all()


def test_methods_with_a_seed_have_noise_of_their_seed(found):
    for name in ("SmoothGrad", "IG data"):
        assert not (found.before[0][name] == found.again[0][name]).any()
    table = explanations.network_table(found.before, found.again, n_boot=N_BOOT)
    assert list(table.index) == list(NAMES) and table.loc["gradient", "found"]
    same = explanations.network_table(found.before[:1] * 2, found.again[:1] * 2, n_boot=N_BOOT)
    assert (same["moved"].abs() < 1e-9).all() and (same["estimate"] <= 0).all() and not same["found"].any()


def test_a_gain_is_the_localisation_less_a_rival_s():
    place = np.zeros((12, 4, 4), bool)
    place[:, 0, 0] = True
    high, low, level = place.astype(float), -place.astype(float), np.zeros(place.shape)
    table = explanations.gain_table([{"high": high, "low": low, "level": level}], level, place, n_boot=N_BOOT)
    assert table["estimate"].to_dict() == {"high": 0.5, "low": -0.5, "level": 0.0}
    assert table["beats"].to_dict() == {"high": True, "low": False, "level": False}
    same = explanations.gain_table([{"high": high}], {"high": high}, place, n_boot=N_BOOT)
    assert same.loc["high", "estimate"] == 0 and not same.loc["high", "beats"]


def test_one_image_before_and_after_a_switch(found):
    flips = int(np.nanargmax(found.before[0]["counterfactual"].std((1, 2))))
    view = explanations.one_image(found, image=flips, switch="pixels to codes", part="mark")
    assert list(view.index) == ["counterfactual", "latent counterfactual"] and (view["there"] == "yes").all()
    assert view.loc["counterfactual", "correlation"] == pytest.approx(1)
    _, ax = plt.subplots()
    explanations.draw_matrix(found, ax=ax)
    written = {text.get_text() for text in ax.texts}
    plt.close("all")
    assert "1.0" in written and "-0.0" not in written


def test_recorded_rates_have_a_column_for_each_world():
    rates: dict = {}
    for world, name, rate in (("linear", "pair", 0.5), ("one cue", "pair", 0.25), ("one cue", "audit: IG mean", 1.0)):
        holds = {"estimate": rate, "low": rate / 2, "high": 1.0, "n": 20}
        rates.setdefault(world, {})[name] = {"holds": holds, "mean": {"estimate": 0.1}}
    view = explanations.rates_view(rates, ["audit: IG mean", "pair", "none"])
    assert list(view.index) == ["audit: IG mean", "pair"] and view.loc["audit: IG mean", "linear"] == ""
    assert view.loc["pair", "one cue"] == "0.25 (0.12 to 1.00), n 20"
    assert explanations.rates_view({}, ["pair"]).empty


def test_a_job_counts_gains_and_codes(monkeypatch, found):
    monkeypatch.setattr("helpers.studies.explanations.repeating.run_world", lambda *a, **k: found)
    how = {"n": 120, "n_test": 50, "size": SIZE, "epochs": 3, "n_boot": 50, "latent": 1}
    rows = pd.DataFrame(explanations.world_job("shortcut", 4, **how)).set_index("statistic")
    assert rows.loc["switch: pixels to codes", "found"] and {"gain: IG mean", "audit: IG data"} <= set(rows.index)
    assert rows.loc["gain: IG mean", "estimate"] < rows.loc["audit: IG mean", "estimate"]


def test_every_kind_of_switch_has_a_reading():
    assert {one.kind for one in explanations.SWITCHES.values()} | {"network"} == set(explanations.READINGS)
    ends = {end for one in explanations.SWITCHES.values() for end in (one.before, one.after)}
    assert ends <= set(explanations.EXPLANATIONS)


@pytest.mark.parametrize(("how", "message"), [
    ({"names": ("Shapley of parts",)}, "Shapley of parts: needs parts"),
    ({"names": ("latent counterfactual",)}, "latent counterfactual: needs generator"),
    ({"scale": 255}, "those of the training from .* Scale them alike"),
])  # fmt: skip
def test_what_an_explanation_lacks_is_one_clear_line(world, weight, how, message):
    images = world.images * how.pop("scale", 1)
    with pytest.raises(InputError, match=message):
        explanations.explain(Curved(weight), world.images, images, **{"names": ("gradient",)} | how)


def test_bad_input_is_one_clear_line(found):
    with pytest.raises(InputError, match="image = 99"):
        explanations.one_image(found, image=99, switch="pixels to codes", part="A")
    with pytest.raises(InputError, match="explanation: must be"):
        explanations.one_image(found, image=0, switch="mean to zero", part="A")
    with pytest.raises(InputError, match="maps of 1 networks"):
        explanations.network_table(found.before[:1], found.again[:1])
    with pytest.raises(InputError, match="must be A, B or mark"):
        found.explained.without("A", "C")


def test_parts_of_each_image_apart(world, weight):
    """Exact Shapley values with the parts of each image are those of the images asked one by one."""
    network, few = Curved(weight, pairs=0.01), world.take(np.arange(3))
    how = {"method": "Shapley", "background": 0.3}
    together = learn.attribute(network, few.images, 1, parts=few.parts, **how)
    for k in range(3):
        alone = learn.attribute(network, few.images[[k]], 1, parts=few.parts[k], **how)
        np.testing.assert_allclose(together[[k]], alone, rtol=1e-5, atol=1e-5)


# The page


def test_the_tiny_run_finds_what_is_planted_and_nothing_where_nothing_is(tiny_run):
    values = tiny_run("11_explanations").results["values"]
    assert set(values["tests"]) == {"small-switch", "consequence", "uniqueness", "ours-groups"}
    assert values["tests"]["small-switch"]["low"] > 0.1 and values["tests"]["uniqueness"]["high"] < 0
    for pair in ("IG zero and gradient x input", "gradient and SmoothGrad"):
        assert abs(values["linear"][pair]["moved"]) < 1e-6
    assert values["removed"]["low"] > 0.5 and values["audit"]["occlusion mean"]["answer"] == "yes"
    assert values["parts"]["mark, removed"]["low"] > values["parts"]["B, removed"]["high"]
    assert values["beats"]["maps"] == len(values["audit"]) and set(values["gain"]) == {"the image", "untrained"}
    assert "patient" not in tiny_run("11_explanations").cases
