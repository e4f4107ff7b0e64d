"""What an attribution refuses: settings, networks, generators, and images of another scale; each in one line."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from helpers import learn
from helpers.errors import InputError

N, SIDE = 6, 8
PARTS = np.kron(np.arange(4).reshape(2, 2), np.ones((4, 4), int))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((N, 1, SIDE, SIDE)).astype(np.float32)


@pytest.fixture(scope="module")
def linear():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 2))


@pytest.fixture(scope="module")
def trained():
    """A network with batch norm, trained on images from 0 to 1."""
    rng = np.random.default_rng(1)
    shown = rng.random((80, 1, SIDE, SIDE)).astype(np.float32)
    loss = lambda net, batch: nn.functional.cross_entropy(net(batch[0]), batch[1])  # noqa: E731
    how = {"epochs": 2, "batch_size": 20, "lr": 1e-3, "seed": 0, "progress": False, "device": "cpu"}
    return learn.fit(learn.classifier("small", 2, seed=3), (shown, rng.integers(0, 2, 80)), loss, **how).model


class Whole:
    """A generator whose code is the image."""

    def __init__(self, encode=lambda x: (x,), decode=lambda code: code):
        self.encode, self.decode = encode, decode


class Sums(nn.Module):
    """A network with one parameter, whose outputs are made by a function."""

    def __init__(self, output):
        super().__init__()
        self.scale, self.output = nn.Parameter(torch.ones(1)), output

    def forward(self, x):
        return self.output(self.scale * x.flatten(2).sum(2).expand(-1, 2))


class Bare(nn.Module):
    def forward(self, x):
        return x.flatten(1)[:, :2]


SETTINGS = [
    ("Shapley", {}, "parts: Shapley needs it. Number the part"),
    ("sampled Shapley", {"parts": None}, "parts: sampled Shapley needs it"),
    ("concept", {}, "direction: concept needs it"),
    ("latent counterfactual", {"generator": None}, "generator: latent counterfactual needs it"),
    ("latent counterfactual", {"generator": 7}, "generator: a int does not encode and decode"),
    ("SmoothGrad", {"draws": 2.5}, "draws = 2.5: expected a whole number"),
    ("SmoothGrad", {"draws": True}, "draws = True: expected a whole number"),
    ("SmoothGrad", {"sigma": "wide"}, "sigma = 'wide': expected a number above 0"),
    ("SmoothGrad", {"sigma": float("inf")}, "sigma = inf: expected a number above 0"),
    ("SmoothGrad", {"seed": -1}, "seed = -1: expected a whole number, 0 or more"),
    ("SmoothGrad", {"seed": None}, "seed = None: expected a whole number"),
    ("sampled Shapley", {"parts": PARTS, "seed": 0.5}, "seed = 0.5: expected a whole number"),
    ("sampled Shapley", {"parts": PARTS, "samples": 0}, "samples = 0: expected a whole number, 1 or more"),
    ("integrated gradients", {"steps": "16"}, "steps = '16': expected a whole number"),
    ("integrated gradients", {"baseline": "mean"}, "baseline: expected numbers, found <U4"),
    ("integrated gradients", {"baseline": [[1, 2], [3]]}, "baseline: are no array of numbers"),
    ("occlusion", {"patch": 2.0}, "patch = 2.0: expected a whole number"),
    ("occlusion", {"stride": 0}, "stride = 0: expected a whole number"),
    ("Shapley", {"parts": PARTS, "background": "noise"}, "background: expected numbers, found <U5"),
    ("concept", {"direction": "up"}, "direction: expected numbers"),
    ("counterfactual", {"step": None}, "step = None: expected a number above 0"),
    ("counterfactual", {"steps": 0}, "steps = 0: expected a whole number, 1 or more"),
    ("counterfactual", {"limits": 1.0}, "limits = 1.0: expected two numbers"),
    ("counterfactual", {"limits": (1.0, 0.0)}, r"limits = \(1.0, 0.0\): expected two numbers, the lowest grey value"),
    ("counterfactual", {"limits": (0.0, 0.5, 1.0)}, "expected two numbers"),
    ("counterfactual", {"limits": (0.0, float("nan"))}, "expected two numbers"),
    ("counterfactual", {"limits": "01"}, "limits = '01': expected two numbers"),
    ("gradient", {"batch_size": 2.5}, "batch_size = 2.5: expected a whole number"),
    ("gradient", {"target": None}, "target: expected a class"),
]


@pytest.mark.parametrize(("method", "how", "message"), SETTINGS, ids=[f"{m} {h}"[:50] for m, h, _ in SETTINGS])
def test_a_setting_that_cannot_be_used_is_one_clear_line(linear, images, method, how, message):
    with pytest.raises(InputError, match=message) as error:
        learn.attribute(linear, images, **{"target": 1, "method": method} | how)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("method", "how"),
    [
        ("SmoothGrad", {"sigma": np.float32(0.2), "draws": np.int64(2), "seed": np.int32(4)}),
        ("counterfactual", {"limits": np.array([0.0, 1.0])}),
        ("counterfactual", {"limits": (0, float("inf"))}),
        ("occlusion", {"baseline": np.float64(0.5), "patch": np.int64(8), "stride": 8}),
        ("Shapley", {"parts": PARTS.tolist(), "background": [[[0.5] * SIDE] * SIDE]}),
        ("latent counterfactual", {"generator": Whole(encode=lambda x: [x, x])}),
    ],
)
def test_settings_of_other_number_types_are_taken(linear, images, method, how):
    assert learn.attribute(linear, images, 1, method=method, **how).shape == (N, SIDE, SIDE)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (lambda x: x, "network: expected a torch.nn.Module, found a function"),
        (nn.Linear, "network: expected a torch.nn.Module, found a type"),
        ("resnet18", "network: expected a torch.nn.Module, found a str"),
        (Bare(), "network: has no parameters"),
        (Sums(lambda x: (x, x)), r"network: returns a tuple, expected one tensor of shape \(n, classes\)"),
        (Sums(lambda x: {"logits": x}), "network: returns a dict"),
        (Sums(lambda x: x[:, 0]), r"network: returns a tensor of shape \(6,\), expected one tensor"),
    ],
)
def test_what_is_no_network_is_refused_by_maps_and_curves(images, network, message):
    with pytest.raises(InputError, match=message):
        learn.attribute(network, images, 1)
    with pytest.raises(InputError, match=message):
        learn.deletion_curve(network, images, images[:, 0], 1)


def test_each_layer_keeps_its_mode(trained, images):
    part = copy.deepcopy(trained).train()
    part[1].eval()
    learn.attribute(part, images, 1)
    assert [layer.training for layer in part][:3] == [True, False, True]


def test_a_refused_network_keeps_its_mode_and_no_hook(images):
    network = Sums(lambda x: (x, x)).train()
    with pytest.raises(InputError):
        learn.attribute(network, images, 1)
    assert network.training and not network._forward_hooks


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("scan.png", "images: expected numbers, found <U8"),
        ([[[["1", "2"]]]], "images: expected numbers, found <U1"),
        ([[1, 2], [3]], "images: are no array of numbers"),
        (None, "images: expected numbers, found object"),
        (np.ones((2, 1, SIDE, SIDE), complex), "images: expected numbers, found complex128"),
        (torch.ones(2, 1, SIDE, SIDE, dtype=torch.complex64), "images: expected numbers, found complex64"),
        (np.ones((1, SIDE, SIDE)), r"images: expected \(n, channels, h, w\)"),
    ],
)
def test_what_are_no_images_is_one_clear_line(linear, given, message):
    with pytest.raises(InputError, match=message):
        learn.attribute(linear, given, 1)


@pytest.mark.parametrize(
    ("generator", "message"),
    [
        (Whole(encode=lambda x: x), "generator: encodes to a Tensor, expected a tuple"),
        (Whole(decode=lambda code: (code,)), "generator: decodes tuple from images of shape"),
        (Whole(decode=lambda code: code[..., :4]), "generator: decodes .* from images of shape"),
        (Whole(encode=lambda x: (torch.nan * x,)), "generator: codes or decoded images are NaN"),
        (Whole(decode=lambda code: code.reshape(3, -1, 5)), "generator: cannot take images of shape"),
        (nn.Identity(), "generator: a Identity does not encode and decode"),
    ],
)
def test_what_generates_no_such_images_is_refused(linear, images, generator, message):
    with pytest.raises(InputError, match=message):
        learn.attribute(linear, images, 1, method="latent counterfactual", generator=generator)


def test_a_generator_is_used_in_evaluation_and_its_mode_is_kept(linear, images):
    class Noisy(nn.Module):
        def encode(self, x):
            return (torch.nan * x if self.training else x,)

        def decode(self, code):
            return torch.nan * code if self.training else code

    generator = Noisy().train()
    found = learn.attribute(linear, images, 1, method="latent counterfactual", generator=generator, steps=500)
    assert np.isfinite(found).all() and generator.training


def test_images_of_another_scale_than_the_limits_are_refused(linear, images):
    how = {"method": "counterfactual", "limits": (0, 1)}
    with pytest.raises(InputError, match=r"images: are from .* to 25.*, and limits from 0 to 1\. Scale"):
        learn.attribute(linear, 255 * images, 1, **how)
    grain = images + np.random.default_rng(2).normal(0, 0.05, images.shape)
    assert learn.attribute(linear, grain, 1, **how).shape == (N, SIDE, SIDE)


@pytest.mark.parametrize(
    ("method", "how"),
    [
        ("integrated gradients", {"baseline": 255}),
        ("occlusion", {"baseline": np.full((1, SIDE, SIDE), 200.0)}),
        ("Shapley", {"parts": PARTS, "background": np.full((2, 1, SIDE, SIDE), -200.0)}),
    ],
)
def test_a_contrast_of_another_scale_is_refused(linear, images, method, how):
    with pytest.raises(InputError, match=r"reaches 2\d\d, and the images 0.99|reaches 2\d\d, and the images 1"):
        learn.attribute(linear, images, 1, method=method, **how)
    dark = 0.05 * images
    assert learn.attribute(linear, dark, 1, method="occlusion", baseline=1.0).shape == (N, SIDE, SIDE)
    assert learn.attribute(linear, 0 * images, 1, method="occlusion", baseline=1.0).shape == (N, SIDE, SIDE)
    far = learn.attribute(linear, images, 1, method="concept", direction=np.full((1, SIDE, SIDE), 1e4))
    assert np.isfinite(far).all()


@pytest.mark.parametrize(
    ("maps", "shares", "message"),
    [
        ("high", (0.1,), "maps: expected numbers"),
        (np.ones((N, SIDE, SIDE)), "half", "shares: expected numbers"),
        (np.ones((N, SIDE, SIDE)), [[0.1], [0.1, 0.2]], "shares: are no array of numbers"),
    ],
)
def test_a_curve_of_text_is_refused(linear, images, maps, shares, message):
    with pytest.raises(InputError, match=message):
        learn.deletion_curve(linear, images, maps, 1, shares=shares)


@pytest.mark.parametrize("bytes_", [False, True])
def test_a_batch_norm_shows_images_of_another_scale(trained, images, bytes_):
    wide = (255 * images).astype(np.uint8) if bytes_ else 255 * images
    with pytest.raises(InputError, match=r"images: are in the first batch norm \d+ times as large as those"):
        learn.attribute(trained, wide, 1)
    with pytest.raises(InputError, match="images: are in the first batch norm"):
        learn.deletion_curve(trained, wide, images[:, 0], 1)


@pytest.mark.parametrize("change", ["as they are", "white", "black", "noise", "normalised", "negative"])
def test_images_of_the_scale_of_the_training_pass_whatever_they_show(trained, images, change):
    rng = np.random.default_rng(3)
    made = {
        "as they are": images,
        "white": np.ones_like(images),
        "black": np.zeros_like(images),
        "noise": rng.random(images.shape),
        "normalised": (images - images.mean()) / images.std(),
        "negative": -images,
    }
    assert learn.attribute(trained, made[change].astype(np.float32), 1).shape == (N, SIDE, SIDE)


def test_a_batch_norm_without_a_training_shows_no_scale(trained, images):
    fresh = learn.classifier("small", 2, seed=3)
    assert np.isfinite(learn.attribute(fresh, 255 * images, 1)).all()
    still = copy.deepcopy(trained)
    for layer in still.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean = layer.running_var = None
    assert np.isfinite(learn.attribute(still, 255 * images, 1)).all()
