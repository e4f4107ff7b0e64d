"""The variational autoencoder against its description, and the feature network against VGG19's."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.signal import correlate

from helpers import learn
from helpers.errors import InputError
from helpers.learn.features import WIDTHS
from helpers.learn.vae_networks import _Residual, _Resized

TINY = {"channels": 8, "blocks": (1, 2), "latent": 16}


def images(n: int = 2, size: int = 32, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).uniform(-1, 1, (n, 3, size, size)).astype(np.float32))


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


# -- the autoencoder

# Settings -> pixels, shape of the code, and millions of parameters as counted in the code that the paper names.
PUBLISHED = {
    "its default": ({}, 64, (256, 4, 4), "51.03"),
    "the study's": ({"latent": 64, "deep": True}, 128, (64, 8, 8), "56.7"),
    "not deep": ({"latent": 64}, 128, (64, 8, 8), "50.4"),
    "three blocks": ({"latent": 64, "blocks": (1, 2, 4)}, 64, (64, 8, 8), "12.6"),
    "five blocks": ({"latent": 64, "blocks": (1, 2, 4, 8, 8)}, 256, (64, 8, 8), "59.9"),
}


@pytest.mark.parametrize("case", PUBLISHED)
def test_size_and_code_are_the_published_ones(case):
    settings, size, code, millions = PUBLISHED[case]
    with torch.device("meta"):
        net = learn.vae(**settings)
        found = net(torch.zeros(2, 3, size, size))
    decimals = len(millions.split(".")[1])
    assert f"{sum(p.numel() for p in net.parameters()) / 1e6:.{decimals}f}" == millions
    assert found.mean.shape == found.log_variance.shape == (2, *code)
    assert found.reconstruction.shape == (2, 3, size, size)


@pytest.mark.parametrize("other", [{}, {"deep": True, "residual_blocks": 3}, {"channels": 16, "norm": "group"}])
def test_small_networks_give_images_and_codes(other):
    net = learn.vae(**TINY | other)
    found = net(images())
    assert found.reconstruction.shape == (2, 3, 32, 32) and found.reconstruction.abs().max() < 1
    assert found.mean.shape == found.log_variance.shape == (2, 16, 8, 8)
    kinds = {type(layer) for layer in net.modules() if "Norm" in type(layer).__name__}
    assert kinds == {torch.nn.GroupNorm if other.get("norm") else torch.nn.BatchNorm2d}
    assert {layer.eps for layer in net.modules() if isinstance(layer, torch.nn.BatchNorm2d)} <= {1e-4}


def test_blocks_add_to_what_comes_in():
    x = images(size=8).repeat(1, 2, 1, 1)
    same_size, half = _Residual(6, torch.nn.BatchNorm2d), _Resized(6, 4, torch.nn.BatchNorm2d, up=False)
    double = _Resized(6, 4, torch.nn.BatchNorm2d, up=True)
    for block in (same_size, half, double):
        torch.nn.init.zeros_(block.conv2.weight)
        torch.nn.init.zeros_(block.conv2.bias)
    assert torch.equal(same_size(x), x)
    entered = torch.nn.functional.elu(half.norm1(x))
    torch.testing.assert_close(half(x), half.conv1(entered)[:, :4])
    torch.testing.assert_close(double(x), double.conv1(entered.repeat_interleave(2, 2).repeat_interleave(2, 3))[:, :4])


def test_seed_alone_decides_the_first_weights_of_the_autoencoder():
    torch.manual_seed(5)
    first = learn.vae(**TINY, seed=1)
    drawn = torch.rand(1)
    torch.manual_seed(6)
    assert same(first, learn.vae(**TINY, seed=1))
    assert not same(first, learn.vae(**TINY, seed=2))
    torch.manual_seed(5)
    assert torch.rand(1) == drawn, "building has drawn from the global generator"


def test_the_code_is_its_mean_in_evaluation_and_drawn_in_training():
    net, x = learn.vae(**TINY), images()
    with torch.no_grad():
        net.eval()
        found = net(x)
        assert torch.equal(found.reconstruction, net.decode(found.mean))
        assert torch.equal(found.mean, net.encode(x)[0])
        net.train()
        torch.manual_seed(1)
        found = net(x)
        torch.manual_seed(1)
        code = found.mean + torch.randn_like(found.mean) * found.log_variance.exp().sqrt()
        torch.testing.assert_close(found.reconstruction, net.decode(code))
        assert not torch.equal(found.reconstruction, net(x).reconstruction)


# -- the features


def by_hand(net: learn.Features, x: np.ndarray) -> list[np.ndarray]:
    """Convolutions as sums of correlations, in float64: the ReLU after each, then the maximum of two by two."""
    found = []
    for place, layer in enumerate(net.layers, start=1):
        weight, bias = layer.weight.double().numpy(), layer.bias.double().numpy()
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
        y = np.stack([correlate(padded, w, "valid")[0] + b for w, b in zip(weight, bias, strict=True)])
        found.append(y)
        x = np.maximum(y, 0)
        if place in (2, 4, 8, 12):
            x = x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2).max((2, 4))
    return found


def test_features_are_those_of_the_topology():
    net = learn.random_features(channels=1, seed=3)
    for layer in net.layers:
        torch.nn.init.constant_(layer.bias, 0.1)
    x = images(1, size=16)
    found, expected = net(x), by_hand(net, x[0].double().numpy())
    assert [y.shape[1:] for y in found] == [y.shape for y in expected]
    assert [y.shape[-1] for y in found] == [16] * 2 + [8] * 2 + [4] * 4 + [2] * 4 + [1] * 4
    for y, z in zip(found, expected, strict=True):
        np.testing.assert_allclose(y[0].numpy(), z, rtol=1e-4, atol=1e-5)


def test_full_width_is_that_of_vgg19():
    with torch.device("meta"):
        net = learn.Features(64, "", pretrained=False)
    assert sum(p.numel() for p in net.parameters()) == 20_024_384


def test_features_are_frozen_and_let_gradients_through():
    net = learn.random_features(channels=2)
    x = images(size=16).requires_grad_()
    net(x)[-1].sum().backward()
    assert x.grad.abs().sum() > 0
    assert not any(p.requires_grad for p in net.parameters()) and not net.training


def test_random_features_have_a_seed_say_what_they_are_and_keep_the_scale():
    net = learn.random_features(channels=8, seed=1)
    assert same(net, learn.random_features(channels=8, seed=1))
    assert not same(net, learn.random_features(channels=8, seed=2))
    assert not net.pretrained and net.name == "random features, 8 channels, seed 1"
    spread = [float(y.std()) for y in net(images(8))]
    assert max(spread) < 10 * min(spread)


@pytest.fixture(scope="module")
def vgg() -> dict[str, torch.Tensor]:
    """Tensors in the order and of the shapes of VGG19's convolutions, then some of a classifier."""
    rng = torch.Generator().manual_seed(0)
    widths = [3, *(64 * w for w in WIDTHS)]
    content = {}
    for k, (before, after) in enumerate(pairwise(widths)):
        content[f"features.{k}.weight"] = torch.empty(after, before, 3, 3).uniform_(-0.1, 0.1, generator=rng)
        content[f"features.{k}.bias"] = torch.full((after,), float(k))
    return content | {f"classifier.{k}": torch.zeros(k + 2) for k in range(6)}


@pytest.mark.parametrize("zipped", [True, False])
def test_weights_of_a_file_are_taken_in_their_order(vgg, tmp_path, zipped):
    file = tmp_path / "vgg19.pth"
    torch.save(vgg, file, _use_new_zipfile_serialization=zipped)
    net = learn.vgg19_features(file)
    for given, own in zip(list(vgg.values())[:32], net.parameters(), strict=True):
        assert torch.equal(given, own) and not own.requires_grad
    assert net.pretrained and net.name == "VGG19, weights of vgg19.pth"
    assert len(net(images(1, size=16))) == 16


def some(vgg: dict[str, torch.Tensor], **changed: object) -> dict[str, object]:
    return dict(list(vgg.items())[:4]) | {name.replace("_", "."): value for name, value in changed.items()}


def flipped(whole: bytes, tensor: torch.Tensor) -> bytes:
    """A file with one bit of a tensor changed."""
    inside = tensor.numpy().tobytes()
    return whole.replace(inside, bytes([inside[0] ^ 1]) + inside[1:])


SPOILT = {
    "no table": (lambda vgg: [torch.zeros(3)], "not a complete file"),
    "no tensor": (lambda vgg: some(vgg, features_0_bias="none"), "not a table of tensors"),
    "too few": (some, "expected 32 tensors or more, found 4"),
    "narrow": (lambda vgg: some(vgg, features_0_weight=torch.zeros(8, 3, 3, 3)), r"\(64, 3, 3, 3\), found \(8, 3, 3"),
    "NaN": (lambda vgg: some(vgg, features_1_weight=torch.full((64, 64, 3, 3), np.nan)), "layers.1.weight holds NaN"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_another_file_is_one_clear_error(vgg, tmp_path, case):
    content, words = SPOILT[case]
    torch.save(content(vgg), tmp_path / "other.pth")
    with pytest.raises(InputError, match=words) as raised:
        learn.vgg19_features(tmp_path / "other.pth")
    assert "other.pth" in str(raised.value) and "\n" not in str(raised.value)


DAMAGED = {
    "half": lambda whole, tensor: whole[: len(whole) // 2],
    "a bit": flipped,
    "empty": lambda whole, tensor: b"",
    "a page of the web": lambda whole, tensor: b"<!DOCTYPE html>",
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_one_clear_error(vgg, tmp_path, damage):
    file = tmp_path / "vgg19.pth"
    torch.save(some(vgg), file)
    whole = file.read_bytes()
    file.write_bytes(DAMAGED[damage](whole, vgg["features.0.weight"]))
    assert file.read_bytes() != whole
    with pytest.raises(InputError, match=r"vgg19.pth: not a complete file of weights.*random_features"):
        learn.vgg19_features(file)


BAD = {
    "no channel": (lambda: learn.vae(channels=0), "channels = 0"),
    "odd": (lambda: learn.vae(channels=7), "channels = 7: expected a multiple of 2"),
    "odd groups": (lambda: learn.vae(channels=8, norm="group"), "channels = 8: expected a multiple of 16"),
    "no block": (lambda: learn.vae(blocks=()), "blocks"),
    "half a block": (lambda: learn.vae(blocks=(1, 0.5)), "blocks"),
    "norm": (lambda: learn.vae(norm="layer"), "norm: must be .*, got 'layer'"),
    "seed": (lambda: learn.vae(**TINY, seed=-1), "seed = -1"),
    "pixels": (lambda: learn.vae(**TINY)(images(size=30)), "30 x 30 pixels cannot be halved 2 times.*multiple of 4"),
    "no feature": (lambda: learn.random_features(channels=0), "channels = 0"),
    "small": (lambda: learn.random_features(channels=1)(images(size=8)), r"images.*16 or more.*found \(2, 3, 8, 8\)"),
    "grey": (lambda: learn.random_features(channels=1)(images()[:, :1]), r"found \(2, 1, 32, 32\)"),
    "no file": (lambda: learn.vgg19_features("absent.pth"), "absent.pth: there is no such file.*random_features"),
    "a folder": (lambda: learn.vgg19_features(""), "there is no such file"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(case):
    act, words = BAD[case]
    with pytest.raises(InputError, match=words) as raised:
        act()
    assert "\n" not in str(raised.value)
