"""Few photons: the statistics of counts, the published numbers, and noise that belongs to an image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import transform
from skimage.data import shepp_logan_phantom

from helpers import degrade
from helpers.errors import InputError

MODES = ["as_published", "corrected"]
NO_NOISE = 1e14


def psnr(image: np.ndarray, other: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((image - other) ** 2)))


def stretched(image: np.ndarray) -> np.ndarray:
    return (image - image.min()) / (image.max() - image.min())


@pytest.fixture(scope="module")
def phantom() -> np.ndarray:
    return transform.resize(shepp_logan_phantom(), (48, 48), anti_aliasing=True).astype(np.float32)


def test_counts_are_poisson_and_the_bowtie_is_divided_out():
    repeats, photons, line = 5000, 1000.0, 0.8
    measured = degrade.measured_lines(np.full((repeats, 9), line), photons, np.random.default_rng(0))
    sent = photons * degrade.bowtie(9)
    counts, mean = sent * np.exp(-measured), sent * np.exp(-line)
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-6)
    assert (np.abs(counts.mean(0) - mean) < 4.5 * np.sqrt(mean / repeats)).all()
    np.testing.assert_allclose(counts.var(0), mean, rtol=4.5 * np.sqrt(2 / repeats) + 0.5 / mean.min())
    enough = mean > 100  # where the logarithm is nearly linear
    assert 6 <= enough.sum() < 9
    np.testing.assert_allclose(measured.var(0)[enough], 1 / mean[enough], rtol=0.12)
    np.testing.assert_allclose(measured.mean(0)[enough], line, atol=0.01)


def test_the_bowtie_lets_most_through_in_the_middle():
    share = degrade.bowtie(363)
    assert share[181] == 1 and share[0] == pytest.approx(0.05) and share[-1] == pytest.approx(0.05)
    np.testing.assert_allclose(np.diff(share[:182]), 0.95 / 181)
    assert degrade.bowtie(34).min() == pytest.approx(0.05)


def test_no_photon_counts_as_one():
    measured = degrade.measured_lines(np.full((2, 5), 50.0), 1000, np.random.default_rng(0))
    np.testing.assert_allclose(measured, np.broadcast_to(np.log(1000 * degrade.bowtie(5)), (2, 5)))


def test_corrected_without_noise_is_plain_back_projection(phantom):
    plain = degrade.fbp(degrade.radon(phantom)).clip(0, 1)
    for attenuation in (1.0, 4.0):
        found = degrade.low_dose(phantom, NO_NOISE, mode="corrected", seed=0, attenuation=attenuation)
        np.testing.assert_allclose(found, plain, atol=1e-4)


def test_published_without_noise_is_a_profile_over_the_angles(phantom):
    lines = degrade.radon(phantom)
    profile = np.interp(np.linspace(-1, 1, 48), [-1, 0, 1], [1, 0.05, 1]).astype(np.float32)
    found = degrade.low_dose(phantom, NO_NOISE, mode="as_published", seed=0)
    np.testing.assert_allclose(found, stretched(degrade.fbp(lines * profile[:, None])), atol=0.51 / 255)
    np.testing.assert_allclose(found * 255, np.rint(found * 255), atol=1e-4)
    assert found.min() == 0 and found.max() == 1


@pytest.mark.slow
def test_the_published_distortion_at_full_size():
    """Measured with scikit-image: 26.4 dB of stretched back-projection, 18.7 dB after the published profile."""
    image = transform.resize(shepp_logan_phantom(), (256, 256), anti_aliasing=True).astype(np.float32)
    plain = degrade.fbp(degrade.radon(image))
    assert psnr(image, stretched(plain)) == pytest.approx(26.4, abs=0.1)
    assert psnr(image, plain) > psnr(image, stretched(plain))  # stretching costs, too
    published, corrected = (degrade.low_dose(image, NO_NOISE, mode=mode, seed=0) for mode in MODES)
    assert psnr(image, published) == pytest.approx(18.7, abs=0.1)
    assert psnr(image, corrected) == pytest.approx(psnr(image, plain), abs=0.05)


def test_only_the_corrected_mode_keeps_magnitudes(phantom):
    def half(mode: str) -> tuple[np.ndarray, np.ndarray]:
        return tuple(degrade.low_dose(x, NO_NOISE, mode=mode, seed=0) for x in (phantom / 2, phantom))

    small, large = half("corrected")
    assert np.abs(2 * small - large)[large < 1].max() < 1e-3
    small, large = half("as_published")
    np.testing.assert_allclose(small, large, atol=1.01 / 255)


@pytest.mark.parametrize("mode", MODES)
def test_fewer_photons_are_farther_from_no_noise(phantom, mode):
    clean, *noisy = (degrade.low_dose(phantom, n, mode=mode, seed=0) for n in (NO_NOISE, 1e5, 1e4, 1e3))
    errors = [np.square(image - clean).mean() for image in noisy]
    assert errors[0] < errors[1] < errors[2]


@pytest.mark.parametrize("mode", MODES)
def test_noise_belongs_to_an_image_not_to_its_batch(mode):
    images = np.random.default_rng(0).random((20, 1, 16, 16), dtype=np.float32)
    full = degrade.low_dose(images, 3000, mode=mode, seed=4)
    assert full.shape == images.shape and full.dtype == np.float32 and full.min() >= 0 and full.max() <= 1
    np.testing.assert_array_equal(degrade.low_dose(images[5:10], 3000, mode=mode, seed=4, first=5), full[5:10])
    np.testing.assert_array_equal(degrade.low_dose(torch.from_numpy(images), 3000, mode=mode, seed=4).numpy(), full)
    assert np.abs(degrade.low_dose(images, 3000, mode=mode, seed=5) - full).max() > 0.01
    same = degrade.low_dose(np.repeat(images[:1], 2, axis=0), 3000, mode=mode, seed=4)
    assert np.abs(same[0] - same[1]).max() > 0.01  # each image has its own draws


def test_noise_does_not_begin_anew_in_a_large_batch():
    """Of more images than are worked on at once, each is as it is alone."""
    images = np.full((100, 1, 8, 8), 0.5, np.float32)
    full = degrade.low_dose(images, 1000, mode="corrected", seed=0)
    for k in (0, 60, 99):
        alone = degrade.low_dose(images[:1], 1000, mode="corrected", seed=0, first=k)
        np.testing.assert_array_equal(alone[0], full[k])
    assert len(np.unique(full.reshape(100, -1), axis=0)) == 100


@pytest.mark.parametrize("mode", MODES)
def test_a_black_image_is_finite(mode):
    found = degrade.low_dose(np.zeros((16, 16), np.float32), 1000, mode=mode, seed=0)
    assert np.isfinite(found).all() and (mode == "corrected" or not found.any())


IMAGE = np.full((1, 1, 8, 8), 0.5, np.float32)
SPOILT = {
    "not square": (IMAGE[..., :7], {}, ["8 x 7", "square"]),
    "NaN": (IMAGE * np.nan, {}, ["image 0", "NaN"]),
    "out of range": (IMAGE * 3, {}, ["1.5", "0 to 1"]),
    "no photons": (IMAGE, {"photons": 0}, ["photons = 0"]),
    "negative photons": (IMAGE, {"photons": -5}, ["photons = -5"]),
    "photons NaN": (IMAGE, {"photons": float("nan")}, ["photons = nan"]),
    "too many photons": (IMAGE, {"photons": 1e30}, ["photons = 1e+30", "1e+15"]),
    "mode": (IMAGE, {"mode": "physical"}, ["mode: must be", "got 'physical'", "corrected"]),
    "seed": (IMAGE, {"seed": -1}, ["seed = -1"]),
    "first": (IMAGE, {"first": 0.5}, ["first = 0.5"]),
    "attenuation": (IMAGE, {"attenuation": 0}, ["attenuation = 0"]),
}


@pytest.mark.parametrize("name", SPOILT)
def test_bad_input_is_one_clear_line(name):
    images, options, words = SPOILT[name]
    with pytest.raises(InputError) as caught:
        degrade.low_dose(images, **({"photons": 1000, "mode": "corrected", "seed": 0} | options))
    assert all(word in str(caught.value) for word in words) and "\n" not in str(caught.value)
