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


@pytest.mark.parametrize("shape", [(127, 129), (128, 128), (300, 70), (3, 300_000), (300_000, 3), (600, 700)], ids=str)
@pytest.mark.parametrize("precision", [float, np.float32, np.float16, np.uint8])
def test_psnr_of_large_images_is_that_of_their_pixels(precision, shape):
    """Images that are summed whole, by rows, and in several parts, and the transpose of each in memory."""
    rng = np.random.default_rng(6)
    x, y = ((100 * rng.random((2, 1, *shape))).astype(precision) for _ in range(2))
    error = ((x.astype(float) - y) ** 2).mean(axis=(1, 2, 3))
    for first, second in ((x, y), (x.swapaxes(2, 3), y.swapaxes(2, 3))):
        found = metrics.psnr(first, second, data_range=100)
        np.testing.assert_allclose(found, 10 * np.log10(100**2 / error), rtol=1e-12)
        np.testing.assert_array_equal(metrics.psnr(first[1:], second[1:], data_range=100), found[1:])


def test_psnr_of_small_images_keeps_the_digits_of_a_sum():
    """Records of the book have them."""
    x, y = (images.astype(float) for images in batch(shape=(48, 48)))
    error = ((x - y) ** 2).mean(axis=(1, 2, 3))
    np.testing.assert_array_equal(metrics.psnr(x, y), 10 * np.log10(1 / error))


def test_psnr_leaves_the_buffers_of_numpy_as_they_were():
    before = np.getbufsize()
    metrics.psnr(*batch(2))
    assert np.getbufsize() == before


def test_equal_images_are_infinitely_close_and_perfectly_similar():
    x, _ = batch()
    assert np.isposinf(metrics.psnr(x, x)).all()
    np.testing.assert_allclose(metrics.ssim(x, x), 1)


def test_chunks_do_not_change_a_value(monkeypatch):
    x, y = batch(7)
    whole = metrics.psnr(x, y), metrics.ssim(x, y)
    for limit in ("PIXELS", "ROOM"):
        monkeypatch.setattr(f"helpers.metrics.images.{limit}", 2 * 32 * 41)
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


BAD_RANGES = [
    0,
    -1,
    np.nan,
    np.inf,
    True,
    np.True_,
    None,
    "1",
    b"1",
    1j,
    np.complex64(1),
    [1.0],
    np.ones(2),
    [1, [2]],
    {},
]


@pytest.mark.parametrize("data_range", BAD_RANGES, ids=repr)
@pytest.mark.parametrize("metric", [metrics.psnr, metrics.ssim])
def test_a_range_that_is_no_positive_number_is_refused(metric, data_range):
    with pytest.raises(InputError, match=r"data_range = .*: expected a positive number") as found:
        metric(*batch(2), data_range=data_range)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("metric", [metrics.psnr, metrics.ssim])
@pytest.mark.parametrize("kind", ["u1", "u2", "i2", "i8"])
def test_whole_numbers_need_their_range(metric, kind):
    """With the range 1 of floats, the PSNR of 8 bits is 48 dB too low: 10 log10(255^2) = 48.13."""
    x = np.arange(256).reshape(1, 1, 16, 16).astype(kind)
    for pair in ((x, x // 2), (x // 200, x)):
        with pytest.raises(
            InputError, match=r"[xy]: whole numbers up to 255, .* as data_range=255 for images of 8 bits"
        ):
            metric(*pair)
    assert np.isfinite(metric(x, x // 2, data_range=255)).all()
    assert np.isfinite(metric(x // 200, x // 128)).all() and np.isfinite(metric(x.astype(float), x / 2.0)).all()
    assert metrics.psnr(x.astype(float), x / 2.0) == pytest.approx(
        metrics.psnr(x, x / 2.0, data_range=255) - 48.1308, abs=1e-4
    )


@pytest.mark.parametrize("data_range", [2, 2.0, np.float32(2), np.int16(2), np.array(2.0)], ids=repr)
def test_a_range_may_be_any_real_number(data_range):
    found, wanted = (metrics.psnr(*batch(2), data_range=r) for r in (data_range, 2.0))
    np.testing.assert_array_equal(found, wanted)


NO_IMAGES = [
    (lambda x: x + 0j, "complex values .complex64.. Take magnitudes first"),
    (lambda x: np.abs(x) * np.exp(1j * np.pi * x), "complex values .complex"),
    (lambda x: np.ma.masked_less(x, 0.5), "masked array"),
    (lambda x: list(np.ma.masked_less(x, 0.5)), "masked array"),
    (lambda x: x.astype(object), "not numbers .data type object"),
    (lambda x: x.astype(str), "not numbers .data type <U"),
    (lambda x: (1000 * x).astype("m8[s]"), "not numbers .data type timedelta64"),
    (lambda x: None, "not numbers .data type object"),
    (lambda x: [[1.0], [1.0, 2.0]], "not an array of numbers"),
]


@pytest.mark.parametrize(("spoil", "message"), NO_IMAGES)
@pytest.mark.parametrize("metric", [metrics.psnr, metrics.ssim, metrics.lpips])
def test_what_is_no_image_is_refused_in_one_line(metric, spoil, message):
    x, y = batch(2)
    for pair, name in (((spoil(x), y), "x"), ((x, spoil(y)), "y")):
        with pytest.raises(InputError, match=f"^{name}: .*{message}") as found:
            metric(*pair)
        assert "\n" not in str(found.value)


def test_tensors_are_taken_but_not_with_a_gradient():
    torch = pytest.importorskip("torch")
    x, y = batch(2)
    tensors = [torch.from_numpy(images) for images in (x, y)]
    for metric in (metrics.psnr, metrics.ssim):
        np.testing.assert_array_equal(metric(*tensors), metric(x, y))
        with pytest.raises(InputError, match=r"^y: .*\.detach\(\)"):
            metric(x, tensors[1].clone().requires_grad_())


# -- images far from 0, in data ranges


def exact(x: np.ndarray, y: np.ndarray, peak: float) -> float:
    """SSIM of one image by its definition, from deviations, in extended precision."""
    a, b = (np.lib.stride_tricks.sliding_window_view(v.astype(np.longdouble), (7, 7)) for v in (x, y))
    mean_a, mean_b = (v.mean(axis=(2, 3), keepdims=True) for v in (a, b))
    covariance = ((a - mean_a) * (b - mean_b)).sum(axis=(2, 3)) / 48
    variances = ((a - mean_a) ** 2 + (b - mean_b) ** 2).sum(axis=(2, 3)) / 48
    mean_a, mean_b = mean_a[..., 0, 0], mean_b[..., 0, 0]
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return float((light * (2 * covariance + c2) / (variances + c2)).mean())


# The pedestal and scale of both images, and the precision in which they are stored.
PEDESTALS = [
    (0, 1, float, 0.985),
    (3, 1, np.float32, 0.985),
    (5, 1, np.float32, 0.985),
    (1000, 1, np.float32, 0.985),
    (-1000, 1, np.float32, 0.985),
    (1e6, 1, float, 0.985),
    (-1e6, 1, float, 0.985),
    (1e9, 1, float, 0.985),
    (32768, 4095, np.float32, 0.985),  # CT as unsigned numbers
    (32768, 100, np.uint16, 0.985),
    (-1000, 0.01, float, 0.985),
]


@pytest.mark.parametrize(("pedestal", "peak", "dtype", "about"), PEDESTALS)
def test_ssim_on_a_pedestal_is_exact(pedestal, peak, dtype, about):
    rng = np.random.default_rng(4)
    x = rng.random((3, 1, 40, 33))
    x, y = ((pedestal + peak * v).astype(dtype) for v in (x, x + rng.normal(0, 0.05, x.shape)))
    found = metrics.ssim(x, y, data_range=peak)
    np.testing.assert_allclose(found, [exact(a[0], b[0], peak) for a, b in zip(x, y, strict=True)], rtol=1e-6)
    assert found.mean() == pytest.approx(about, abs=0.003)
    error = ((x.astype(np.longdouble) - y) ** 2).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(metrics.psnr(x, y, data_range=peak), (10 * np.log10(peak**2 / error)).astype(float))


def test_ssim_sees_a_difference_between_pedestals():
    """The luminance term falls with the difference of the means, relative to these, and nothing else does."""
    x = np.random.default_rng(5).random((1, 1, 20, 20))
    for first, second in ((1000, 1100), (1e6, -1e6), (0, 50)):
        a, b = x + first, x + second
        assert metrics.ssim(a, b)[0] == pytest.approx(exact(a[0, 0], b[0, 0], 1.0), abs=1e-12)
        assert metrics.ssim(a, b)[0] == pytest.approx(2 * first * second / (first**2 + second**2), abs=0.05)


def test_ssim_of_steps_far_larger_than_the_range():
    """A shift by one number would not do: the parts of this image are far from each other."""
    rng = np.random.default_rng(6)
    x = rng.random((1, 1, 30, 30)) + 1e6 * (np.arange(30) > 14)
    y = x + rng.normal(0, 0.05, x.shape)
    assert metrics.ssim(x, y)[0] == pytest.approx(exact(x[0, 0], y[0, 0], 1.0), abs=1e-9)


def test_an_image_far_from_0_leaves_its_neighbours_in_the_batch_alone():
    x, y = batch(6)
    alone = metrics.ssim(x, y)
    far = np.arange(6)[:, None, None, None] % 3 == 1
    found = metrics.ssim(x + 1000 * far.astype(np.float32), y + 1000 * far.astype(np.float32))
    np.testing.assert_array_equal(found[~far.ravel()], alone[~far.ravel()])
    np.testing.assert_allclose(found, alone, atol=0.01)
    assert structural_similarity(x[2, 0] + 1000, y[2, 0] + 1000, data_range=1.0) > 1.5  # as the docstring has it


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
