"""Simulated pictures of skin with a lesion, from two pigments: melanin sets the tone, and both form the lesion.

Light passes through the pigments of the upper skin twice. So reflectance decreases exponentially with their amounts in
each band of a camera (the model of Tsumura et al., ACM Trans. Graph. 22:770, 2003). A small share of the light is
reflected at the surface and is not absorbed. Relative absorption in the three bands follows the order of the spectra:
that of melanin decreases from blue to red, and that of haemoglobin is strong in green and blue and weak in red. All
sizes are chosen, not fitted.

Limits: there is no wavelength, no scattering, no hair, no body part, no clothes, no camera, and a lesion is a
caricature of its family. Nothing here has been compared with photographs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from helpers.datasets.shared.masks import noise

# Mean amount of melanin of each skin type, 1 to 6: each renders into a different class of the typology angle.
MELANIN = (0.50, 0.90, 1.20, 1.55, 2.20, 3.40)
MELANIN_SD = 0.12  # among people of one skin type
HAEMOGLOBIN, HAEMOGLOBIN_SD = 0.30, 0.03
MIDDLE = MELANIN[3]  # tone with the contrast that all tones get if contrast is equal
FAMILIES = ("macule", "plaque", "nodule", "ring", "rash", "network", "papules")

# Absorption in red, green and blue: of a unit of each pigment, and of the skin without either.
_MELANIN = np.array([0.57, 0.74, 1.00])
_HAEMOGLOBIN = np.array([0.10, 1.00, 0.70])
_BARE = np.array([0.18, 0.28, 0.42])
_SURFACE = 0.03  # share of the light that the surface reflects: (0.4 / 2.4)^2 at a refractive index of 1.4


class Fields(NamedTuple):
    """Fields that vary over one picture; each is an array of shape (size, size).

    `melanin` and `haemoglobin` are added to the amounts of the tone. `shade` is absorption that is equal in all bands,
    due to the form of the body. `white` is the share of light that scale and wet spots reflect before it enters the
    skin.
    """

    melanin: np.ndarray
    haemoglobin: np.ndarray
    shade: np.ndarray
    white: np.ndarray


def draw(rng: np.random.Generator, family: str, size: int) -> Fields:
    """Draw mottled skin on a curved body, with one lesion of a family.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of every random choice. No draw depends on the tone.
    family : str
        One of `FAMILIES`.
    size : int
        Side in pixels.
    """
    y, x = (np.mgrid[:size, :size] + 0.5) / size * 2 - 1

    def smooth(scale: float) -> np.ndarray:
        return noise(rng, (size, size), (2 / size, 2 / size), scale)

    slope = rng.normal(0, 0.08, 2)
    body = Fields(
        0.06 * smooth(0.30) + 0.03 * smooth(0.06),
        0.04 * smooth(0.25) + 0.02 * smooth(0.06),
        slope[0] * x + slope[1] * y + rng.uniform(0.05, 0.15) * (x**2 + y**2),
        np.zeros((size, size)),
    )
    middle, radius = rng.uniform(-0.2, 0.2, 2), rng.uniform(0.35, 0.55)
    strength = rng.uniform(0.8, 1.2)
    # Distance from the lesion's middle, 1 at its uneven margin.
    distance = np.hypot(x - middle[0], y - middle[1]) / radius * np.exp(0.12 * smooth(0.20))
    inside = expit((1 - distance) / 0.06)
    zero = np.zeros((size, size))
    if family == "macule":
        lesion = Fields(1.1 * inside, zero, zero, zero)
    elif family == "plaque":
        scale = 0.2 * inside * expit(4 * (smooth(0.07) - 0.3))
        lesion = Fields(0.15 * inside, 0.9 * inside, zero, scale)
    elif family == "nodule":
        lesion = _domes(x, y, middle[None], np.array([0.8 * radius]))
    elif family == "ring":
        rim = np.exp(-(((distance - 1) / 0.22) ** 2) / 2)
        lesion = Fields(0.1 * rim, 1.0 * rim, -0.15 * rim, zero)
    elif family == "rash":
        spots = expit(5 * (smooth(0.09) - 0.6))
        lesion = Fields(zero, 0.8 * spots, zero, zero)
    elif family == "network":
        # Lines run where one of two waves, bent by noise, crosses zero.
        angle, bend = rng.uniform(0, np.pi), 1.5 * smooth(0.25)
        waves = [np.sin(14 * (x * np.cos(a) + y * np.sin(a)) + bend) for a in (angle, angle + 1.3)]
        lines = np.exp(-((np.minimum(*np.abs(waves)) / 0.3) ** 2))
        lesion = Fields(inside * (0.5 + 1.0 * lines), zero, zero, zero)
    else:
        count = int(rng.integers(7, 12))
        lesion = _domes(x, y, rng.uniform(-0.85, 0.85, (count, 2)), rng.uniform(0.10, 0.18, count))
    return Fields(*(a + strength * b for a, b in zip(body, lesion, strict=True)))


def _domes(x: np.ndarray, y: np.ndarray, middles: np.ndarray, radii: np.ndarray) -> Fields:
    """Draw raised lesions, lit from the upper left, each with a wet spot."""
    red, shade, white = (np.zeros_like(x) for _ in range(3))
    for (u, v), radius in zip(middles, radii, strict=True):
        right, down = (x - u) / radius, (y - v) / radius
        inside = expit((1 - np.hypot(right, down)) / 0.12)
        red += 0.45 * inside
        shade += 0.3 * (right + down) / np.sqrt(2) * inside
        white += 0.35 * np.exp(-((right + 0.35) ** 2 + (down + 0.35) ** 2) / (2 * 0.18**2))
    return Fields(0.35 * red, np.minimum(red, 0.6), shade, np.minimum(white, 0.35))


def render(fields: Fields, *, melanin: float, haemoglobin: float = HAEMOGLOBIN, equal: bool = False) -> np.ndarray:
    """Render a picture of skin of a given tone.

    Parameters
    ----------
    fields : Fields
        From `draw`.
    melanin, haemoglobin : float
        Amounts of the pigments that set the tone; `MELANIN` and `HAEMOGLOBIN` hold their means.
    equal : bool
        False: the fields act on the pigments, so darker skin has less contrast in sRGB. True: the fields are rendered
        on the tone `MIDDLE`, and their change in sRGB there is added to the colour of this tone.

    Returns
    -------
    ndarray of float, shape (size, size, 3)
        sRGB, from 0 to 1; with `equal`, extreme values can be outside.
    """
    if not equal:
        return _srgb(melanin + fields.melanin, haemoglobin + fields.haemoglobin, fields.shade, fields.white)
    flat = _srgb(np.array([melanin, MIDDLE]), np.array([haemoglobin, HAEMOGLOBIN]), 0.0, 0.0)
    return flat[0] - flat[1] + _srgb(MIDDLE + fields.melanin, HAEMOGLOBIN + fields.haemoglobin, *fields[2:])


def _srgb(melanin: np.ndarray, haemoglobin: np.ndarray, shade: np.ndarray | float, white: np.ndarray | float):
    from skimage import color  # slow to import

    melanin, haemoglobin, shade, white = (np.asarray(a, float)[..., None] for a in (melanin, haemoglobin, shade, white))
    absorbed = _BARE + _MELANIN * melanin + _HAEMOGLOBIN * haemoglobin + shade
    mirrored = _SURFACE + (1 - _SURFACE) * white
    linear = mirrored + (1 - mirrored) * np.exp(-absorbed)
    # Rows of the product are the XYZ of the three primaries, which makes light of sRGB's linear channels.
    return color.xyz2rgb(linear @ color.rgb2xyz(np.eye(3)))
