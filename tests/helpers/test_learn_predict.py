"""Using what was trained: predictions of images, of volumes in windows, and of what does not fit."""

import numpy as np
import pytest
import torch
from torch import nn

from helpers import learn
from helpers.errors import InputError
from tests.helpers.training import FEATURES, discs, line, table


@pytest.fixture(scope="module")
def net():
    return learn.unet(2, 1, 2, features=FEATURES).eval()


def test_prediction_is_the_networks_output(net):
    images, _ = discs(5)
    with torch.no_grad():
        expected = net(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(learn.predict(net, images, batch_size=2), expected, rtol=1e-4, atol=1e-5)
    masks = learn.predict(net, torch.from_numpy(images).double(), activation=lambda y: y > 0)
    assert masks.dtype == bool and np.array_equal(masks, expected > 0)


def test_prediction_leaves_the_mode_alone():
    model = line().train()
    x = table(4)[0]
    assert np.array_equal(learn.predict(model, x), learn.predict(model, x)), "dropout was active"
    assert model.training


class Local(nn.Module):
    """Output of a voxel that depends on no other, so that windows cannot matter."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        return torch.cat([x * self.weight, x**2], 1)


@pytest.mark.parametrize("shape", [(20, 17, 9), (40, 30)])
def test_volume_is_put_together_from_windows(shape):
    volume = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
    window = (16, 16, 16)[: len(shape)]
    found = learn.predict_volume(Local(), volume, window=window)
    np.testing.assert_allclose(found, np.concatenate([volume * 2, volume**2]), rtol=1e-5, atol=1e-5)
    masks = learn.predict_volume(Local(), volume, window=window, activation=lambda y: y > 0.5, batch_size=4)
    assert np.array_equal(masks, found > 0.5)


WRONG = {
    "no image": (lambda net: learn.predict(net, np.zeros((0, 1, 32, 32))), "images"),
    "channels": (lambda net: learn.predict(net, np.zeros((1, 2, 32, 32))), r"cannot take \(1, 2, 32, 32\)"),
    "NaN": (lambda net: learn.predict(net, np.where(np.eye(32) > 0, np.nan, np.zeros((3, 1, 32, 32)))), r"images\[0\]"),
    "batch": (lambda net: learn.predict(net, np.zeros((1, 1, 32, 32)), batch_size=0), "batch_size = 0"),
    "precision": (
        lambda net: learn.predict(net, np.zeros((1, 1, 32, 32)), precision="64"),
        "precision: must be .*, got '64'",
    ),
    "window": (lambda net: learn.predict_volume(net, np.zeros((1, 32, 32)), window=(32,)), "window"),
    "overlap": (lambda net: learn.predict_volume(net, np.zeros((1, 32, 32)), window=(32, 32), overlap=1), "overlap"),
}


@pytest.mark.parametrize("case", WRONG)
def test_images_that_do_not_fit_are_one_clear_error(net, case):
    act, words = WRONG[case]
    with pytest.raises(InputError, match=words) as raised:
        act(net)
    assert "\n" not in str(raised.value)
