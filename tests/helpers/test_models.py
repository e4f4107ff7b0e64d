"""Builders of networks: shapes, seeds, nnU-Net's topology; features of an inner layer."""

import numpy as np
import pytest
import torch

from helpers import learn
from helpers.errors import InputError

SMALL = (8, 8, 16, 16, 32, 8)


@pytest.fixture(scope="module")
def net():
    return learn.unet(2, 1, 1, features=SMALL).eval()


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


@pytest.mark.parametrize("dims", [2, 3])
def test_unet_keeps_the_size(dims):
    made = learn.unet(dims, 2, 3, features=SMALL)
    assert made(torch.zeros(2, 2, *[32] * dims)).shape == (2, 3, *[32] * dims)


def test_dynunet_takes_its_patch_and_multiples():
    made = learn.dynunet((3, 1, 1), (8, 32, 16), 1, 2, base=4)
    for patch in ((8, 32, 16), (16, 32, 32)):
        assert made(torch.zeros(1, 1, *patch)).shape == (1, 2, *patch)
    kernels, strides = learn.topology((3, 1, 1), (8, 32, 16))
    assert [tuple(level.conv1.conv.kernel_size) for level in [made.input_block, made.bottleneck]] == [
        kernels[0],
        kernels[-1],
    ]
    assert tuple(made.bottleneck.conv1.conv.stride) == strides[-1]


@pytest.mark.parametrize(
    "build",
    [
        lambda seed: learn.unet(2, 1, 1, features=SMALL, seed=seed),
        lambda seed: learn.dynunet((1, 1), (16, 16), 1, 1, base=4, seed=seed),
    ],
)
def test_seed_alone_decides_the_first_weights(build):
    torch.manual_seed(5)
    first = build(1)
    drawn = torch.rand(1)
    torch.manual_seed(6)
    assert same(first, build(1))
    assert not same(first, build(2))
    torch.manual_seed(5)
    assert torch.rand(1) == drawn, "building has drawn from the global generator"


# Patches, spacings and strides of nnU-Net's own plans for tasks of the Medical Segmentation Decathlon and for ACDC.
PLANS = {
    "brain": ((1, 1, 1), (128, 128, 128), [(2, 2, 2)] * 5, 0),
    "heart": ((1.37, 1.25, 1.25), (80, 192, 160), [(2, 2, 2)] * 4 + [(1, 2, 2)], 0),
    "prostate": (
        (3.6, 0.62, 0.62),
        (20, 320, 256),
        [(1, 2, 2), (1, 2, 2), (2, 2, 2), (2, 2, 2), (1, 2, 2), (1, 2, 2)],
        2,
    ),
    "cine": ((5, 1.56, 1.56), (20, 256, 224), [(1, 2, 2), (2, 2, 2), (2, 2, 2), (1, 2, 2), (1, 2, 2)], 1),
}


@pytest.mark.parametrize("task", PLANS)
def test_topology_is_that_of_published_plans(task):
    spacing, patch, pools, flat = PLANS[task]
    kernels, strides = learn.topology(spacing, patch)
    assert strides == [(1, 1, 1), *pools]
    assert kernels == [(1, 3, 3)] * flat + [(3, 3, 3)] * (len(pools) + 1 - flat)


def test_topology_says_which_patch_would_do():
    with pytest.raises(InputError, match=r"Use \(32, 48, 32\)"):
        learn.topology((1, 1, 1), (32, 44, 32))
    learn.topology((1, 1, 1), (32, 48, 32))


def test_embedding_is_the_mean_of_the_bottleneck(net):
    images = np.random.default_rng(0).normal(size=(5, 1, 32, 32)).astype(np.float32)
    found = learn.embed(net, images, batch_size=2)
    assert found.shape == (5, 32) and found.dtype == np.float32
    with torch.no_grad():
        x = torch.from_numpy(images)
        for name in ("conv_0", "down_1", "down_2", "down_3", "down_4"):
            x = net.get_submodule(name)(x)
    np.testing.assert_allclose(found, x.mean((2, 3)).numpy(), rtol=1e-4, atol=1e-6)
    assert learn.embed(net, images, layer="conv_0").shape == (5, 8)
    assert not net.get_submodule("down_4")._forward_hooks


def test_embedding_of_a_volume_and_mode_of_the_network():
    made = learn.dynunet((1, 1, 1), (16, 16, 16), 1, 1, base=4)
    assert made.training
    assert learn.embed(made, torch.zeros(2, 1, 16, 16, 16)).shape == (2, 16)
    assert made.training


BAD = {
    "no dimension": (lambda net: learn.unet(4, 1, 1), "spatial_dims = 4"),
    "no channel": (lambda net: learn.unet(2, 0, 1), "in_channels = 0"),
    "five levels": (lambda net: learn.unet(2, 1, 1, features=(8,) * 5), "features"),
    "dropout": (lambda net: learn.unet(2, 1, 1, features=SMALL, dropout=1), "dropout = 1"),
    "negative seed": (lambda net: learn.unet(2, 1, 1, features=SMALL, seed=-1), "seed = -1"),
    "no spacing": (lambda net: learn.topology((0, 1, 1), (32, 32, 32)), "spacing"),
    "two for three": (lambda net: learn.topology((1, 1, 1), (32, 32)), "patch"),
    "tiny patch": (lambda net: learn.dynunet((1, 1), (4, 32), 1, 1), "patch"),
    "no base": (lambda net: learn.dynunet((1, 1), (32, 32), 1, 1, base=0), "base = 0"),
    "no layer": (
        lambda net: learn.embed(net, np.zeros((1, 1, 32, 32)), layer="middle"),
        "layer: must be a layer of the network, got 'middle'.*down_4",
    ),
    "no image": (lambda net: learn.embed(net, np.zeros((0, 1, 32, 32))), "images"),
    "channels": (lambda net: learn.embed(net, np.zeros((1, 3, 32, 32))), r"cannot take \(1, 3, 32, 32\)"),
    "not a number": (lambda net: learn.embed(net, np.full((1, 1, 32, 32), np.nan)), r"images\[0\]"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(net, case):
    act, words = BAD[case]
    with pytest.raises(InputError, match=words) as raised:
        act(net)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("dims", [2, 3])
def test_light_unet_keeps_the_grid_and_has_a_bottleneck(dims):
    net = learn.light_unet(dims, 2, 1, features=(4, 8, 12), seed=1)
    images = torch.rand(3, 2, *(16,) * dims)
    assert net(images).shape == (3, 1, *(16,) * dims)
    assert learn.embed(net, images).shape == (3, 12)
    again = learn.light_unet(dims, 2, 1, features=(4, 8, 12), seed=1)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), again.parameters(), strict=True))


def test_light_unet_refuses_one_level():
    with pytest.raises(InputError, match="two or more"):
        learn.light_unet(2, 1, 1, features=(4,))
