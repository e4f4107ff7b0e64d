"""PSNR and SSIM against scikit-image and by hand; LPIPS, which is mostly absent, says so."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from helpers import metrics
from helpers.errors import InputError


def batch(n: int = 5, shape: tuple[int, int] = (32, 41), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.random((n, 1, *shape)).astype(np.float32)
    y = np.clip(x + rng.normal(0, 0.1, x.shape), 0, 1).astype(np.float32)
    x[0, 0, :16] = 0.5
    x[1, 0, :16] = y[1, 0, :16] = 1  # flat and bright, where variances are rounding
    return x, y


@pytest.mark.parametrize("data_range", [1.0, 2.5])
@pytest.mark.parametrize(("precision", "tolerance"), [(float, 1e-10), (np.float32, 1e-5)])
def test_psnr_and_ssim_agree_with_scikit_image(data_range, precision, tolerance):
    x, y = (images.astype(precision) for images in batch())
    pairs = [(a[0].astype(float), b[0].astype(float)) for a, b in zip(x, y, strict=True)]
    expected = [peak_signal_noise_ratio(*pair, data_range=data_range) for pair in pairs]
    np.testing.assert_allclose(metrics.psnr(x, y, data_range=data_range), expected, rtol=1e-12)
    expected = [structural_similarity(*pair, data_range=data_range) for pair in pairs]
    np.testing.assert_allclose(metrics.ssim(x, y, data_range=data_range), expected, rtol=tolerance)


def test_psnr_by_hand():
    x = np.zeros((2, 1, 8, 8))
    y = np.stack([np.full((1, 8, 8), 0.1), np.full((1, 8, 8), 0.01)])
    np.testing.assert_allclose(metrics.psnr(x, y), [20, 40])


def test_equal_images_are_infinitely_close_and_perfectly_similar():
    x, _ = batch()
    assert np.isposinf(metrics.psnr(x, x)).all()
    np.testing.assert_allclose(metrics.ssim(x, x), 1)


def test_chunks_do_not_change_a_value(monkeypatch):
    x, y = batch(7)
    whole = metrics.psnr(x, y), metrics.ssim(x, y)
    monkeypatch.setattr("helpers.metrics.images.PIXELS", 2 * 32 * 41)
    for before, after in zip(whole, (metrics.psnr(x, y), metrics.ssim(x, y)), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("metric", [metrics.psnr, metrics.ssim])
def test_bad_images_are_said(metric):
    x, y = batch()
    for first, second, said in (
        (x[:, 0], y[:, 0], "expected .n, 1, h, w."),
        (x[:0], y[:0], "expected .n, 1, h, w."),
        (x, y[:4], "differ"),
        (x, np.where(np.arange(5).reshape(5, 1, 1, 1) == 2, np.nan, y), "1 of 5 images hold NaN"),
    ):
        with pytest.raises(InputError, match=said):
            metric(first, second)
    with pytest.raises(InputError, match="data_range = 0"):
        metric(x, y, data_range=0)


def test_ssim_needs_a_window():
    with pytest.raises(InputError, match="at least 7"):
        metrics.ssim(*batch(shape=(6, 40)))


def test_lpips_says_what_is_missing_and_never_gives_a_number(monkeypatch):
    monkeypatch.setitem(sys.modules, "lpips", None)
    there, reason = metrics.lpips_available()
    assert not there
    assert "cannot be imported" in reason
    with pytest.raises(InputError, match="or report no LPIPS"):
        metrics.lpips(*batch())


class Network:
    """Stands for the network of the package: the mean distance of what it is given, kept to be looked at."""

    seen: list = []  # noqa: RUF012

    def __init__(self, net, verbose):
        assert (net, verbose) == ("alex", False)

    def eval(self):
        return self

    def __call__(self, x, y):
        self.seen.append(x)
        return (x - y).abs().mean(dim=(1, 2, 3), keepdim=True)


@pytest.fixture
def pretended(monkeypatch, tmp_path):
    """A torchvision and an lpips that need no weights, and a cache of torch's that is empty."""
    torch = pytest.importorskip("torch")
    url = "https://example.org/alexnet-1.pth"
    enum = types.SimpleNamespace(IMAGENET1K_V1=types.SimpleNamespace(url=url))
    models = types.SimpleNamespace(AlexNet_Weights=enum)
    monkeypatch.setitem(sys.modules, "torchvision", types.SimpleNamespace(models=models))
    monkeypatch.setitem(sys.modules, "lpips", types.SimpleNamespace(LPIPS=Network))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    return tmp_path / "checkpoints" / "alexnet-1.pth"


def test_lpips_does_not_fetch_weights(pretended):
    assert metrics.lpips_available() == (False, "AlexNet's weights alexnet-1.pth are not in torch's cache")


def test_lpips_gives_the_network_colour_images_from_minus_one_to_one(pretended):
    pretended.parent.mkdir()
    pretended.touch()
    assert metrics.lpips_available() == (True, "")
    x, y = batch(40)
    Network.seen.clear()
    np.testing.assert_allclose(metrics.lpips(x, y), 2 * np.abs(x - y).mean(axis=(1, 2, 3)), rtol=1e-5)
    assert [tuple(part.shape) for part in Network.seen] == [(32, 3, 32, 41), (8, 3, 32, 41)]
    np.testing.assert_allclose(Network.seen[0][:, 2].numpy(), 2 * x[:32, 0] - 1)
    with pytest.raises(InputError, match="outside 0 to 1"):
        metrics.lpips(x * 255, y * 255)


def test_a_broken_torchvision_is_missing(monkeypatch, pretended):
    def broken(name):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr("helpers.metrics.images.importlib.import_module", broken)
    assert "nms does not exist" in metrics.lpips_available()[1]
