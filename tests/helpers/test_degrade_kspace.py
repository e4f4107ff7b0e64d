"""Radial undersampling against the published masks and the identities of the Fourier transform."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers import degrade
from helpers.errors import InputError

SIZE = 32


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((3, 1, SIZE, SIZE), dtype=np.float32)


@pytest.fixture
def mask() -> np.ndarray:
    return degrade.radial_mask(SIZE, 8)


@pytest.mark.parametrize(("nominal", "spokes", "share"), [(4, 140, 0.237), (8, 60, 0.107), (16, 32, 0.0574)])
def test_uniform_masks_have_the_published_density(nominal, spokes, share):
    assert degrade.spokes_for(nominal, 256) == spokes
    mask = degrade.radial_mask(256, spokes, pattern="uniform")
    assert f"{mask.mean():.3g}" == str(share)
    assert degrade.acceleration(mask) == pytest.approx(1 / mask.mean())


@pytest.mark.parametrize(("spokes", "printed"), [(140, "4.23"), (60, "9.30"), (32, "17.1")])
def test_golden_masks_have_the_measured_acceleration(spokes, printed):
    found = degrade.acceleration(degrade.radial_mask(256, spokes, pattern="golden"))
    assert f"{found:.{len(printed.split('.')[1])}f}" == printed


@pytest.mark.parametrize("pattern", ["uniform", "golden"])
@pytest.mark.parametrize("size", [31, 32, 64])
def test_spokes_leave_the_centre(pattern, size):
    mask = degrade.radial_mask(size, 6, pattern=pattern)
    assert mask.shape == (size, size) and mask.dtype == bool
    centre = size // 2
    assert mask[centre, centre]
    assert mask[centre, centre:-1].all()  # the first leaves along the columns
    # As many samples as spokes have, less those that fall on one pixel near the centre.
    assert 0.7 * 6 * centre < mask.sum() <= 6 * centre


def test_golden_spokes_are_where_the_golden_angle_puts_them():
    mask = degrade.radial_mask(101, 6, pattern="golden")
    for turn in (0, 111.246, 222.492):
        for radius in (-40, 25, 50):
            row, column = (50 + radius * f(np.deg2rad(turn)) for f in (np.sin, np.cos))
            assert mask[round(row), round(column)]
    assert not mask[round(50 + 40 * np.sin(np.deg2rad(60))), round(50 + 40 * np.cos(np.deg2rad(60)))]


def test_spokes_scale_with_the_image_and_are_pairs():
    assert [degrade.spokes_for(a, 128) for a in (4, 8, 16)] == [70, 30, 16]
    assert all(degrade.spokes_for(a, size) % 2 == 0 for a in (4, 8, 16) for size in (2, 33, 64, 240))
    true = [degrade.acceleration(degrade.radial_mask(64, degrade.spokes_for(a, 64))) for a in (4, 8, 16)]
    np.testing.assert_allclose(true, [4.22, 9.32, 17.4], rtol=0.15)  # near those of 256 pixels


def test_the_centre_of_the_mask_is_the_zero_frequency(images):
    only = np.zeros((SIZE, SIZE), bool)
    only[SIZE // 2, SIZE // 2] = True
    means = np.broadcast_to(images.mean((-2, -1), keepdims=True), images.shape)
    np.testing.assert_allclose(degrade.undersample(images, only), means, rtol=1e-4)


def test_a_wave_is_one_point_of_kspace():
    wave = np.exp(2j * np.pi * (3 * np.arange(16)[:, None] - 2 * np.arange(16)) / 16)
    images = ((1 + wave.real) / 2).astype(np.float32)
    points, one = np.zeros((2, 16, 16), bool)
    for row, column in ((8 - 3, 8 + 2), (8, 8), (8 + 3, 8 - 2)):
        points[row, column] = True
    one[8 + 3, 8 - 2] = True
    np.testing.assert_allclose(degrade.undersample(images, points), images, atol=1e-6)
    np.testing.assert_allclose(degrade.undersample(images, ~points), 0, atol=1e-6)
    np.testing.assert_allclose(degrade.undersample(images, one), 1 / 4, rtol=1e-4)  # half of the cosine, halved


@pytest.mark.parametrize("part", ["magnitude", "real"])
def test_a_full_mask_gives_the_image_back(images, part):
    full = np.ones((SIZE, SIZE), bool)
    np.testing.assert_allclose(degrade.undersample(images, full, part=part), images, atol=1e-6)


def test_undersampling_is_the_masked_transform(images, mask):
    def filled(x: np.ndarray) -> np.ndarray:
        kspace = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(x, axes=(-2, -1))), axes=(-2, -1))
        return np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(kspace * mask, axes=(-2, -1))), axes=(-2, -1))

    for part, of in (("magnitude", np.abs), ("real", lambda u: np.abs(u.real))):
        np.testing.assert_allclose(degrade.undersample(images, mask, part=part), of(filled(images)), atol=1e-5)
    # The half-spokes are truncated, so the mask is not symmetric, u is complex, and the two parts are not one.
    gap = degrade.undersample(images, mask) - degrade.undersample(images, mask, part="real")
    assert gap.min() >= -1e-6 and gap.max() > 1e-2


def test_fewer_spokes_give_a_larger_error(images):
    smooth = np.abs(degrade.undersample(images, degrade.radial_mask(SIZE, 12)))
    smooth /= smooth.max()
    errors = [
        np.square(degrade.undersample(smooth, degrade.radial_mask(SIZE, degrade.spokes_for(a, SIZE))) - smooth).mean()
        for a in (4, 8, 16)
    ]
    assert errors[0] < errors[1] < errors[2]


def test_kind_shape_and_batch_do_not_matter(images, mask):
    batch = degrade.undersample(images, mask)
    assert batch.dtype == np.float32 and batch.shape == images.shape
    tensor = degrade.undersample(torch.from_numpy(images), mask)
    assert isinstance(tensor, torch.Tensor)
    np.testing.assert_array_equal(tensor.numpy(), batch)
    np.testing.assert_allclose(degrade.undersample(images[1, 0], mask), batch[1, 0], atol=1e-6)
    flipped = images[..., ::-1]
    flipped.flags.writeable = False
    np.testing.assert_array_equal(degrade.undersample(flipped, mask), degrade.undersample(flipped.copy(), mask))


IMAGE = np.full((1, 1, 8, 8), 0.5, np.float32)
MASK = np.ones((8, 8), bool)
SPOILT = {
    "not square": (lambda: degrade.undersample(IMAGE[..., :7], MASK), ["8 x 7", "square"]),
    "NaN": (lambda: degrade.undersample(np.stack([IMAGE, IMAGE * np.nan]), MASK), ["image 1", "NaN"]),
    "above 1": (lambda: degrade.undersample(IMAGE * 255, MASK), ["127.5", "0 to 1"]),
    "below 0": (lambda: degrade.undersample(-IMAGE, MASK), ["-0.5", "0 to 1"]),
    "a list": (lambda: degrade.undersample([[0.5]], MASK), ["images", "list"]),
    "complex": (lambda: degrade.undersample(IMAGE.astype(np.complex64), MASK), ["expected float32", "complex64"]),
    "complex tensor": (lambda: degrade.undersample(torch.ones(4, 4) * 1j, MASK), ["expected float32", "complex64"]),
    "text": (lambda: degrade.undersample(np.array([["a"]]), MASK), ["images", "<U1"]),
    "nothing": (lambda: degrade.undersample(None, MASK), ["images", "NoneType"]),
    "none": (lambda: degrade.undersample(IMAGE[:0], MASK), ["images", "(0, 1, 8, 8)"]),
    "mask of another size": (lambda: degrade.undersample(IMAGE, MASK[:4]), ["mask", "(4, 8)"]),
    "mask of numbers": (lambda: degrade.undersample(IMAGE, MASK * 1.0), ["mask", "bool"]),
    "part": (lambda: degrade.undersample(IMAGE, MASK, part="phase"), ["part: must be", "got 'phase'", "magnitude"]),
    "acceleration": (lambda: degrade.spokes_for(5, 256), ["acceleration: must be 4, 8 or 16, got 5"]),
    "pattern": (lambda: degrade.radial_mask(8, 4, pattern="spiral"), ["pattern: must be", "got 'spiral'", "golden"]),
    "spokes": (lambda: degrade.radial_mask(8, 0), ["spokes = 0"]),
    "no number": (lambda: degrade.radial_mask(8, float("nan")), ["spokes = nan"]),
    "odd golden": (lambda: degrade.radial_mask(8, 3, pattern="golden"), ["spokes = 3", "even"]),
    "size": (lambda: degrade.radial_mask(1, 3), ["size = 1"]),
    "empty mask": (lambda: degrade.acceleration(~MASK), ["mask", "no point is sampled"]),
}


@pytest.mark.parametrize("name", SPOILT)
def test_bad_input_is_one_clear_line(name):
    act, words = SPOILT[name]
    with pytest.raises(InputError) as caught:
        act()
    assert all(word in str(caught.value) for word in words) and "\n" not in str(caught.value)
