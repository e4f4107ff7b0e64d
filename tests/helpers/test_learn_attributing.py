"""Attributions against mathematics: a linear network, in which all is known, and Shapley's axioms."""

import copy
import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from helpers import learn
from helpers.errors import InputError
from helpers.learn import attributing

N, SIDE = 5, 8
PARTS = np.kron(np.arange(4).reshape(2, 2), np.ones((4, 4), int))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((N, 1, SIDE, SIDE)).astype(np.float32)


@pytest.fixture(scope="module")
def weight():
    return np.random.default_rng(1).normal(size=(2, 1, SIDE, SIDE)).astype(np.float32)


@pytest.fixture(scope="module")
def linear(weight):
    """A linear network of two classes: each logit is the sum of weights times pixels."""
    layer = nn.Linear(SIDE * SIDE, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight.reshape(2, -1)))
        layer.bias.copy_(torch.tensor([0.3, -0.2]))
    return nn.Sequential(nn.Flatten(), layer)


@pytest.fixture(scope="module")
def curved():
    """A network that is not linear, of smooth layers."""
    net = learn.classifier("small", 2, seed=3)
    for name, layer in list(net.named_children()):
        if isinstance(layer, nn.ReLU):
            setattr(net, name, nn.Softplus())
    return net


def logit(network, images, k=1):
    return learn.predict(network, images, precision="32")[:, k].astype(float)


def over_parts(maps):
    return np.stack([maps[:, p == PARTS].sum(1) for p in range(4)], axis=1)


def test_in_a_linear_network_all_is_known(linear, images, weight):
    mean = images.mean(0)
    found = {m: learn.attribute(linear, images, 1, method=m) for m in ("gradient", "gradient x input", "SmoothGrad")}
    assert (found["gradient"] == weight[1, 0]).all() and (found["SmoothGrad"] == found["gradient"]).all()
    how = {"method": "integrated gradients"}
    zero, by_mean = (learn.attribute(linear, images, 1, baseline=b, **how) for b in (0, mean))
    np.testing.assert_allclose(zero, found["gradient x input"], rtol=1e-12)
    contrast = images[:, 0].astype(float) - mean[0]
    np.testing.assert_allclose(by_mean, weight[1, 0].astype(float) * contrast, rtol=1e-9, atol=1e-12)
    shapley = learn.attribute(linear, images, 1, method="Shapley", parts=PARTS, background=mean)
    np.testing.assert_allclose(shapley[:, ::4, ::4].reshape(N, 4), over_parts(by_mean), atol=1e-5)
    many = learn.attribute(linear, images, 1, method="Shapley", parts=PARTS, background=images)
    np.testing.assert_allclose(many, shapley, atol=1e-5)


def test_a_difference_of_logits_is_the_difference_of_maps(linear, images, weight):
    found = learn.attribute(linear, images, 1, against=0)
    np.testing.assert_allclose(found, np.broadcast_to(weight[1, 0] - weight[0, 0], found.shape), atol=1e-6)
    targets = np.array([0, 1, 0, 1, 1])
    assert (learn.attribute(linear, images, targets) == weight[targets, 0]).all()


def test_a_gradient_is_the_limit_of_differences(curved, images):
    found = learn.attribute(curved, images, 1, output="probability")
    up, down = images[:, None].repeat(2, 1).astype(np.float64).swapaxes(0, 1)
    up[:, 0, 2, 3] += 1e-4
    down[:, 0, 2, 3] -= 1e-4
    with torch.no_grad():
        exact = copy.deepcopy(curved).eval().double()
        high, low = (torch.softmax(exact(torch.from_numpy(x)), 1)[:, 1].numpy() for x in (up, down))
    np.testing.assert_allclose(found[:, 2, 3], (high - low) / 2e-4, rtol=1e-3, atol=1e-7)


def test_integrated_gradients_add_up_to_the_change(curved, images):
    found = learn.attribute(curved, images, 1, method="integrated gradients", baseline=1.0, steps=32, batch_size=7)
    change = logit(curved, images) - logit(curved, np.ones_like(images))
    np.testing.assert_allclose(found.sum((1, 2)), change, rtol=1e-3)


def test_noise_of_smooth_grad_follows_its_seed(curved, images):
    how = {"method": "SmoothGrad", "sigma": 0.1, "draws": 4}
    first, again = (learn.attribute(curved, images, 1, seed=3, **how) for _ in range(2))
    assert (first == again).all() and not (first == learn.attribute(curved, images, 1, seed=4, **how)).any()
    few = learn.attribute(curved, images, 1, seed=3, batch_size=3, **how)
    np.testing.assert_allclose(few, first, rtol=1e-4, atol=1e-7)


def test_occlusion_replaces_each_patch(curved, images):
    found = learn.attribute(curved, images, 1, method="occlusion", patch=4, stride=3, baseline=0.5)
    total, times = np.zeros((N, SIDE, SIDE)), np.zeros((SIDE, SIDE))
    for down, right in itertools.product((0, 3, 6), repeat=2):
        hidden = images.copy()
        hidden[:, :, down : down + 4, right : right + 4] = 0.5
        place = np.s_[down : down + 4, right : right + 4]
        total[:, *place] += (logit(curved, images) - logit(curved, hidden))[:, None, None]
        times[place] += 1
    np.testing.assert_allclose(found, total / times, atol=1e-5)


def test_shapley_values_are_means_over_all_orders(curved, images):
    found = learn.attribute(curved, images, 1, method="Shapley", parts=PARTS, background=images[:2])
    worth = {}
    for size in range(5):
        for some in itertools.combinations(range(4), size):
            kept = np.isin(PARTS, some)
            worth[frozenset(some)] = np.mean([logit(curved, np.where(kept, images, b)) for b in images[:2]], axis=0)
    values = np.zeros((N, 4))
    for order in itertools.permutations(range(4)):
        for k, part in enumerate(order):
            values[:, part] += worth[frozenset(order[: k + 1])] - worth[frozenset(order[:k])]
    np.testing.assert_allclose(found[:, ::4, ::4].reshape(N, 4), values / math.factorial(4), atol=1e-5)


def test_sampled_shapley_values_come_near_the_exact_ones_and_add_up(curved, images):
    how = {"parts": PARTS, "background": 0.2}
    exact = learn.attribute(curved, images, 1, method="Shapley", **how)
    found = [learn.attribute(curved, images, 1, method="sampled Shapley", samples=s, **how) for s in (5, 400)]
    for maps in found:
        np.testing.assert_allclose(maps.sum((1, 2)), exact.sum((1, 2)), rtol=1e-4)
    far, near = (np.abs(maps - exact).mean() for maps in found)
    assert near < far / 3


def test_a_counterfactual_goes_straight_to_the_plane_of_a_linear_network(linear, images, weight):
    logits = learn.predict(linear, images, precision="32")
    target = logits.argmax(1)
    found = learn.attribute(linear, images, target, method="counterfactual", step=0.01, steps=2000)
    away = (weight[1 - target] - weight[target])[:, 0].astype(float)
    unit = away / np.linalg.norm(away, axis=(1, 2), keepdims=True)
    length = np.abs(logits[:, 1] - logits[:, 0]) / np.linalg.norm(away, axis=(1, 2))
    along = (found * unit).sum((1, 2))
    assert np.allclose(found, along[:, None, None] * unit, atol=1e-4)
    assert (along >= length - 1e-4).all() and (along <= length + 0.011).all()
    never = learn.attribute(linear, images, target, method="counterfactual", step=1e-6, steps=1)
    assert np.isnan(never).all()
    other = learn.attribute(linear, images, 1 - target, method="counterfactual")
    assert (other == 0).all()


class Half(nn.Module):
    """A generator that knows the upper half of an image alone."""

    def encode(self, images):
        return (images[..., : SIDE // 2, :],)

    def decode(self, code):
        return torch.cat([code, torch.zeros_like(code)], dim=2)


def test_a_latent_counterfactual_stays_where_the_generator_can_go(linear, images):
    shown = images.copy()
    shown[..., SIDE // 2 :, :] = 0
    target = learn.predict(linear, shown, precision="32").argmax(1)
    how = {"method": "latent counterfactual", "generator": Half(), "steps": 2000}
    found = learn.attribute(linear, images, target, **how)
    assert (found[:, SIDE // 2 :] == 0).all() and np.abs(found[:, : SIDE // 2]).max() > 0
    changed = (shown[:, 0] + found).astype(np.float32)[:, None]
    assert (learn.predict(linear, changed, precision="32").argmax(1) != target).all()


def test_a_concept_is_the_derivative_along_its_direction(linear, images, weight):
    direction = np.random.default_rng(5).normal(size=(1, SIDE, SIDE)).astype(np.float32)
    found = learn.attribute(linear, images, 1, method="concept", direction=3 * direction)
    expected = (weight[1] * direction).sum() / np.linalg.norm(direction)
    np.testing.assert_allclose(found.sum((1, 2)), expected, rtol=1e-5)


def test_maps_are_of_evaluation_and_the_mode_is_kept(curved, images):
    still = learn.attribute(curved.eval(), images, 1)
    assert (learn.attribute(curved.train(), images, 1) == still).all() and curved.training


METHOD_ERRORS = [
    ({"method": "gradients"}, "Did you mean gradient"),
    ({"method": "occlusion", "patches": 3}, "Did you mean patch"),
    ({"target": 2}, "there is no class 2"),
    ({"target": 0.5}, "expected a class"),
    ({"against": 1}, "compared with itself"),
    ({"method": "integrated gradients", "baseline": np.zeros((1, 4, 4))}, "expected a number, or shape"),
    ({"method": "integrated gradients", "baseline": np.nan}, "NaN or infinity"),
    ({"method": "gradient", "steps": 3}, "steps: gradient has no settings"),
    ({"method": "occlusion", "patch": 9}, "patch 9 and stride 2 for images of 8 x 8"),
    ({"method": "occlusion", "patch": 2, "stride": 3}, "leaves out no pixel"),
    ({"method": "Shapley", "parts": np.arange(64).reshape(8, 8)}, "64 parts have 18,446,744,073,709,551,616"),
    ({"method": "Shapley", "parts": 2 * PARTS}, "Number two parts or more from 0"),
    ({"method": "Shapley", "parts": PARTS[:4]}, "expected whole numbers of shape"),
    ({"method": "Shapley", "parts": PARTS, "background": np.zeros((0, 1, 8, 8))}, "background"),
    ({"method": "concept", "direction": np.zeros((1, 8, 8))}, "zero everywhere"),
]


@pytest.mark.parametrize(("how", "message"), METHOD_ERRORS, ids=[m for _, m in METHOD_ERRORS])
def test_bad_input_is_one_clear_line(linear, images, how, message):
    with pytest.raises(InputError, match=message):
        learn.attribute(linear, images, **{"target": 1} | how)


def test_a_baseline_that_is_an_image_is_refused(linear, images):
    with pytest.raises(InputError, match="equals image 2, so its map is 0 everywhere"):
        learn.attribute(linear, images, 1, method="integrated gradients", baseline=images[2])


def test_networks_without_gradient_are_refused(linear, images):
    class Hard(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x):
            return (x.flatten(1)[:, :2] > 0.5).float()

    with pytest.raises(InputError, match="has no gradient"):
        learn.attribute(Hard(), images, 1)
    assert learn.attribute(Hard(), images, 1, method="occlusion").shape == (N, SIDE, SIDE)
    with torch.inference_mode(), pytest.raises(InputError, match="inference mode is on"):
        learn.attribute(linear, images, 1)


def test_every_method_of_the_table_is_there():
    names = [line.split("  ")[0] for line in attributing.__doc__.splitlines()]
    assert set(attributing.METHODS) <= set(names)
