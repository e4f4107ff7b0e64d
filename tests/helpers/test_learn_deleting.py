"""Deletion curves against a linear network, in which the loss is a sum of known terms."""

import numpy as np
import pytest
import torch
from torch import nn

from helpers import learn
from helpers.errors import InputError

N, SIDE = 4, 6


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((N, 1, SIDE, SIDE)).astype(np.float32)


@pytest.fixture(scope="module")
def weight():
    return np.random.default_rng(1).normal(size=(SIDE, SIDE)).astype(np.float32)


@pytest.fixture(scope="module")
def linear(weight):
    layer = nn.Linear(SIDE * SIDE, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.stack([np.zeros(SIDE * SIDE, np.float32), weight.ravel()])))
    return nn.Sequential(nn.Flatten(), layer)


@pytest.mark.parametrize("baseline", [0.0, 0.4])
def test_the_loss_is_the_sum_of_what_is_replaced(linear, images, weight, baseline):
    maps = np.random.default_rng(2).normal(size=(N, SIDE, SIDE))
    found = learn.deletion_curve(linear, images, maps, 1, baseline=baseline, shares=(0.1, 0.5, 1.0), batch_size=5)
    terms = (weight * (images[:, 0] - baseline)).reshape(N, -1).astype(float)
    order = (-maps.reshape(N, -1)).argsort(1)
    for column, count in enumerate((4, 18, 36)):  # 3.6 pixels are rounded up
        expected = np.take_along_axis(terms, order[:, :count], 1).sum(1)
        np.testing.assert_allclose(found[:, column], expected, atol=1e-5)


def test_no_map_loses_more_than_that_of_the_same_contrast(linear, images, weight):
    """In a linear network the map of a contrast sorts pixels by what their replacement loses."""
    best = weight * (images[:, 0] - 0.4)
    found = learn.deletion_curve(linear, images, best, 1, baseline=0.4)
    other = learn.deletion_curve(linear, images, weight * images[:, 0], 1, baseline=0.4)
    assert (found >= other - 1e-5).all() and (found > other + 1e-3).any()


def test_of_tied_pixels_the_first_are_replaced_and_a_map_of_nan_has_no_curve(linear, images):
    maps = np.zeros((N, SIDE, SIDE))
    maps[1] = np.nan
    found = learn.deletion_curve(linear, images, maps, 1, shares=(0.5,))
    first = images.copy()
    first[:, :, : SIDE // 2] = 0
    whole, half = (learn.predict(linear, one, precision="32")[:, 1] for one in (images, first))
    assert np.isnan(found[1]).all()
    np.testing.assert_allclose(found[[0, 2, 3], 0], (whole - half)[[0, 2, 3]], atol=1e-5)


def test_the_mode_of_the_network_is_kept(linear, images):
    learn.deletion_curve(linear.train(), images, images[:, 0], 1)
    assert linear.training


@pytest.mark.parametrize(("how", "message"), [
    ({"maps": np.zeros((N, 3, 3))}, r"expected shape \(4, 6, 6\)"),
    ({"maps": np.where(np.arange(SIDE) < 1, np.nan, np.zeros((N, SIDE, SIDE)))}, "map 0 is NaN in some pixels alone"),
    ({"shares": (0.0, 0.5)}, "are not all above 0"),
    ({"shares": (1.5,)}, "are not all above 0"),
    ({"shares": ()}, "are not all above 0"),
    ({"baseline": np.zeros((1, 2, 2))}, "expected a number, or shape"),
    ({"target": 2}, "there is no class 2"),
])  # fmt: skip
def test_bad_input_is_one_clear_line(linear, images, how, message):
    given = {"maps": np.zeros((N, SIDE, SIDE)), "target": 1} | how
    with pytest.raises(InputError, match=message):
        learn.deletion_curve(linear, images, given.pop("maps"), given.pop("target"), **given)
