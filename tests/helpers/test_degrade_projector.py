"""Projections and filtered back-projection against closed forms and against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import transform
from skimage.data import shepp_logan_phantom

from helpers import degrade
from helpers.degrade import projector
from helpers.errors import InputError

SIZE, ANGLES = 48, 12
SPREAD, X0, Y0 = 4.0, 6.0, -3.0  # of a Gaussian, in pixels from the centre


def psnr(image: np.ndarray, other: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((image - other) ** 2)))


def phantom(size: int) -> np.ndarray:
    return transform.resize(shepp_logan_phantom(), (size, size), anti_aliasing=True)


@pytest.fixture(scope="module")
def gaussian() -> np.ndarray:
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE // 2
    return np.exp(-((x - X0) ** 2 + (y - Y0) ** 2) / (2 * SPREAD**2)).astype(np.float32)


@pytest.fixture(scope="module")
def turns() -> np.ndarray:
    return np.arange(ANGLES) * np.pi / ANGLES


def offsets(sinogram: np.ndarray) -> np.ndarray:
    return np.arange(sinogram.shape[-1]) - sinogram.shape[-1] // 2


def test_a_gaussian_has_gaussian_projections(gaussian, turns):
    lines = degrade.radon(gaussian, angles=ANGLES)
    middle = X0 * np.cos(turns) - Y0 * np.sin(turns)
    expected = np.exp(-((offsets(lines) - middle[:, None]) ** 2) / (2 * SPREAD**2)) * SPREAD * np.sqrt(2 * np.pi)
    # Bilinear samples widen the Gaussian's variance, 16, by at most 1/4: its peak falls by under 1.6%.
    np.testing.assert_allclose(lines, expected, atol=0.016 * expected.max())


def test_projections_are_slices_of_the_transform(gaussian, turns):
    lines = degrade.radon(gaussian, angles=ANGLES)
    frequency = np.linspace(-0.1, 0.1, 21)  # cycles a pixel; the Gaussian has little beyond
    of_lines = lines @ np.exp(-2j * np.pi * np.multiply.outer(offsets(lines), frequency))
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE // 2
    for turn, found in zip(turns, of_lines, strict=True):
        phase = np.multiply.outer(frequency, x * np.cos(turn) - y * np.sin(turn))
        slice_ = (gaussian * np.exp(-2j * np.pi * phase)).sum((1, 2))
        assert np.abs(found - slice_).max() < 0.01 * gaussian.sum()


def test_no_projection_loses_mass(gaussian):
    np.testing.assert_allclose(degrade.radon(gaussian, angles=ANGLES).sum(1), gaussian.sum(), rtol=1e-4)
    rough = np.random.default_rng(0).random((SIZE, SIZE), dtype=np.float32)
    np.testing.assert_allclose(degrade.radon(rough, angles=2).sum(1), rough.sum(), rtol=1e-5)  # along the axes
    np.testing.assert_allclose(degrade.radon(rough, angles=ANGLES).sum(1), rough.sum(), rtol=0.02)


@pytest.mark.parametrize("window", ["ramp", "hann"])
def test_a_smooth_image_comes_back(gaussian, window):
    back = degrade.fbp(degrade.radon(gaussian), window=window)
    assert psnr(gaussian, back) > {"ramp": 45, "hann": 40}[window]


@pytest.mark.parametrize("size", [63, 64])
def test_agrees_with_scikit_image(size):
    image, theta = phantom(size), np.arange(size) * 180 / size
    theirs = transform.radon(image, theta, circle=False)
    ours = degrade.radon(image)
    np.testing.assert_allclose(ours, theirs.T, atol=2e-5)  # the largest is 16
    for window in ("ramp", "hann"):
        back = transform.iradon(theirs, theta, filter_name=window, circle=False)
        np.testing.assert_allclose(degrade.fbp(ours, window=window), back, atol=2e-6)


@pytest.mark.parametrize(("size", "angles"), [(2, 2), (6, 4), (9, 10), (16, 12), (16, 16), (23, 22)])
def test_views_of_an_image_give_what_every_angle_gives(size, angles, monkeypatch):
    """Detectors are odd and angles even in number, so that an eighth of a turn gives all."""
    rough = np.random.default_rng(size).random((3, size, size), dtype=np.float32)
    layout = projector._layout(projector._detectors(size), angles)
    assert len(layout) == 4 and sorted(layout[layout < angles].tolist()) == list(range(angles))
    found = [degrade.radon(rough, angles=angles), degrade.fbp(degrade.radon(rough, angles=angles), window="ramp")]
    monkeypatch.setattr(projector, "_layout", lambda detectors, angles: torch.arange(angles)[None])
    for made in (projector._forward, projector._backward):
        made.cache_clear()
    lines = degrade.radon(rough, angles=angles)
    every = [lines, degrade.fbp(lines, window="ramp")]
    for made in (projector._forward, projector._backward):
        made.cache_clear()
    for ours, plain in zip(found, every, strict=True):
        np.testing.assert_allclose(ours, plain, rtol=0, atol=1e-6 * np.abs(plain).max())


@pytest.mark.parametrize(("size", "detectors"), [(24, 34), (16, 23)])
def test_an_image_does_not_depend_on_its_batch(size, detectors):
    images = np.random.default_rng(1).random((37, 1, size, size), dtype=np.float32)
    lines = degrade.radon(images)
    assert lines.shape == (37, 1, size, detectors) and lines.dtype == np.float32
    np.testing.assert_array_equal(degrade.radon(images[20, 0]), lines[20, 0])
    back = degrade.fbp(lines)
    assert back.shape == images.shape and back.dtype == np.float32
    np.testing.assert_array_equal(degrade.fbp(lines[30:35]), back[30:35])


def test_tensors_stay_tensors():
    images = torch.rand(2, 16, 16, generator=torch.Generator().manual_seed(0))
    lines = degrade.radon(images, angles=5)
    assert isinstance(lines, torch.Tensor) and isinstance(degrade.fbp(lines), torch.Tensor)
    np.testing.assert_array_equal(lines.numpy(), degrade.radon(images.numpy(), angles=5))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU on this machine")
def test_a_gpu_gives_the_same():
    image = phantom(64)[None]
    there = torch.from_numpy(image).cuda()
    lines = degrade.radon(there)
    assert lines.is_cuda
    np.testing.assert_allclose(lines.cpu(), degrade.radon(image), atol=2e-5)
    np.testing.assert_allclose(degrade.fbp(lines).cpu(), degrade.fbp(degrade.radon(image)), atol=1e-5)


IMAGE = np.full((2, 8, 8), 0.5, np.float32)
SPOILT = {
    "not square": (lambda: degrade.radon(IMAGE[:, :7]), ["7 x 8", "square"]),
    "above 1": (lambda: degrade.radon(IMAGE * 4), ["from 2 to 2 ", "0 to 1"]),
    "angles": (lambda: degrade.radon(IMAGE, angles=0), ["angles = 0"]),
    "half an angle": (lambda: degrade.radon(IMAGE, angles=2.5), ["angles = 2.5"]),
    "NaN": (lambda: degrade.fbp(np.full((3, 12), np.nan)), ["sinograms, image 0", "NaN"]),
    "detectors": (lambda: degrade.fbp(np.zeros((3, 11))), ["sinograms", "11 detectors"]),
    "window": (lambda: degrade.fbp(np.zeros((3, 12)), window="cosine"), ["window: must be", "got 'cosine'", "hann"]),
}


@pytest.mark.parametrize("name", SPOILT)
def test_bad_input_is_one_clear_line(name):
    act, words = SPOILT[name]
    with pytest.raises(InputError) as caught:
        act()
    assert all(word in str(caught.value) for word in words) and "\n" not in str(caught.value)
