"""Textures of another domain: what "natural images" are here, with nothing of a fetus in them."""

from __future__ import annotations

import numpy as np

from helpers.datasets.shared.checks import check_count, check_seed

SLOPE = 1.0  # amplitudes fall with frequency to this power, as in photographs (Field 1987)
EDGES = 3  # straight edges of an image


def other_textures(n: int, *, size: int, seed: int) -> np.ndarray:
    """Draw grey textures: noise whose amplitude falls as 1/f, cut by straight edges.

    Amplitudes of photographs fall about as 1/f (Field, J Opt Soc Am A 4:2379, 1987), and occlusion adds edges.

    Parameters
    ----------
    n : int
    size : int
        Pixels of a side.
    seed : int

    Returns
    -------
    uint8 ndarray of shape (n, 1, size, size)
        Each image has the mean 128 and the SD 48, before it is cut to 0 to 255.

    Raises
    ------
    InputError
        A number is out of range.
    """
    rng = np.random.default_rng((check_seed(seed), 9))
    n, size = check_count(n), check_count(size)
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    frequency[0, 0] = np.inf
    white = np.fft.rfft2(rng.standard_normal((n, size, size), dtype=np.float32))
    drawn = _scaled(np.fft.irfft2(white / frequency**SLOPE, (size, size)))
    y, x = (np.mgrid[:size, :size] + 0.5) / size * 2 - 1
    angle, place, height = rng.uniform(-1, 1, (3, EDGES, n, 1, 1))
    for a, p, h in zip(np.pi * angle, 0.7 * place, 1.5 * height, strict=True):
        drawn += h * (np.cos(a) * x + np.sin(a) * y > p)
    return (128 + 48 * _scaled(drawn)).clip(0, 255).round().astype(np.uint8)[:, None]


def _scaled(images: np.ndarray) -> np.ndarray:
    images = images - images.mean((1, 2), keepdims=True)
    return images / images.std((1, 2), keepdims=True).clip(1e-6)
