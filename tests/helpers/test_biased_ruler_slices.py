"""Networks on slices: they learn what they are given, and one of them becomes a labeller; all tiny."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import datasets, learn, metrics
from helpers.studies import biased_ruler
from helpers.studies.biased_ruler import slices

SIZE = 32
TINY = {"steps": 2, "channels": 2, "device": "cpu"}


@pytest.fixture(scope="module")
def squares() -> slices.Slices:
    """Bright squares on noise; the expert draws the square, the automatic mask is its left half."""
    rng = np.random.default_rng(0)
    image = rng.normal(0, 0.3, (24, 2, SIZE, SIZE)).astype(np.float32)
    expert = np.zeros((24, SIZE, SIZE), bool)
    for mask, (x, y) in zip(expert, rng.integers(2, SIZE - 14, (24, 2)), strict=True):
        mask[x : x + 12, y : y + 12] = True
    image[:, 1][expert] += 3
    return slices.Slices(image, expert, np.roll(expert, 8, axis=1))


def mean_dice(expert: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.mean([metrics.dice(e, p) for e, p in zip(expert, predicted, strict=True)]))


def test_a_network_learns_bright_squares_in_a_few_steps(squares):
    options = {"batch_size": 8, "lr": 2e-2, "channels": 4, "device": "cpu"}
    before, after = (slices.fit(squares.image[:16], squares.expert[:16], steps=n, **options) for n in (1, 40))
    predicted = slices.predict(after, squares.image[16:])
    assert predicted.shape == (8, SIZE, SIZE) and predicted.dtype == bool
    assert mean_dice(squares.expert[16:], predicted) > 0.75
    assert mean_dice(squares.expert[16:], slices.predict(before, squares.image[16:])) < 0.5
    assert biased_ruler.embed(after, squares.image[16:]).shape == (8, 16)


def test_the_seed_decides_the_network(squares):
    first, again, other = (
        slices.fit(squares.image, squares.expert, seed=s, batch_size=4, **TINY).state_dict() for s in (0, 0, 1)
    )
    assert all((first[name] == again[name]).all() for name in first)
    assert any((first[name] != other[name]).any() for name in first)


def test_networks_are_trained_on_silver_where_asked(squares, monkeypatch):
    given = {}

    def fit(image, target, **options):
        given.update(image=image, target=target, **options)
        return "network"

    monkeypatch.setattr(slices, "fit", fit)
    monkeypatch.setattr(slices, "predict", lambda model, image: squares.automatic[16:])
    include, silver = np.arange(24) < 16, np.arange(24) % 3 == 0
    found = slices.scorer(squares, steps=5)(include, silver, ~include, 4, "name")
    assert given["seed"] == 4 and given["steps"] == 5
    np.testing.assert_array_equal(given["image"], squares.image[:16])
    for target, gold, auto, swapped in zip(given["target"], squares.expert, squares.automatic, silver, strict=False):
        np.testing.assert_array_equal(target, auto if swapped else gold)
    assert found.shape == (8, 2)
    np.testing.assert_array_equal(found[:, 1], 1)
    gold = [metrics.dice(e, p) for e, p in zip(squares.expert[16:], squares.automatic[16:], strict=True)]
    np.testing.assert_allclose(found[:, 0], gold)


def test_what_a_network_learns_follows_the_masks_it_is_given(squares):
    empty = squares._replace(automatic=np.zeros_like(squares.expert))
    score = slices.scorer(empty, steps=25, batch_size=8, lr=2e-2, channels=4, device="cpu")
    include, none = np.arange(24) < 16, np.zeros(24, bool)
    by_gold, by_silver = (score(include, silver, ~include, 0, "") for silver in (none, ~none))
    assert by_gold[:, 0].mean() > by_silver[:, 0].mean() + 0.3


def test_a_labeller_has_a_key_of_its_weights():
    networks = [learn.light_unet(2, 2, 1, features=[2, 4], seed=s) for s in (0, 0, 1)]
    first, again, other = (biased_ruler.as_labeller(network)[1] for network in networks)
    assert first == again != other
    next(networks[1].parameters()).data.view(-1)[0] += 1
    assert biased_ruler.as_labeller(networks[1])[1] not in (first, other)


def test_a_labeller_gives_the_largest_part_slice_by_slice(monkeypatch):
    predicted = np.zeros((6, 16, 20), bool)  # slice first
    predicted[1:3, 2:5, 2:5] = True
    predicted[4, 8:14, 8:16] = True
    seen = []

    def predict(model, image):
        seen.append(image)
        return predicted

    monkeypatch.setattr(slices, "predict", predict)
    label, _ = biased_ruler.as_labeller(learn.light_unet(2, 2, 1, features=[2, 4]))
    phases = np.random.default_rng(0).normal(100, 20, (2, 16, 20, 6)).astype(np.float32)
    mask = label(phases, (1.0, 1.0, 3.0))
    assert mask.shape == (16, 20, 6) and mask.dtype == bool
    expected = np.zeros((16, 20, 6), bool)
    expected[8:14, 8:16, 4] = True
    np.testing.assert_array_equal(mask, expected)
    assert seen[0].shape == (6, 2, 16, 20)
    np.testing.assert_array_equal(seen[0][3], datasets.enhancement(phases)[..., 3])
    predicted[:] = False
    assert label(phases, (1.0, 1.0, 3.0)).sum() == 0
