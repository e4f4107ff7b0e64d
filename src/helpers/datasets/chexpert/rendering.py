"""Simulated pictures that resemble chest radiographs, with a visible sign for each of twelve findings.

Brightness is the sum of a few soft shapes: body, two lungs, ribs, mediastinum, heart, diaphragm. A sign is one more
field that is added if its finding is present. A sign is smooth, or it is a fine texture with the same outline that is
about as easy to see. The texture is a grating near the finest that the pixels can represent, with a different direction
for each finding. Sizes are chosen, and strengths are chosen so that a small network learns most findings from about
1,500 images.

Limits: there is no X-ray, no scattering and no detector, a sign is a caricature of its finding, and nothing here has
been compared with radiographs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import expit

from helpers.datasets.chexpert.layout import FINDINGS

GRAIN = 0.02  # standard deviation of the noise of every pixel of every picture
_PERIOD = 2.8  # pixels between the lines of a fine texture
_FINE = 0.36  # energy of the fine texture relative to the smooth sign: nothing else is as fine, so it is more visible
# Brightness of each sign.
_STRENGTH = dict(zip(FINDINGS, (0.11, 0.13, 0.13, 0.30, 0.09, 0.13, 0.19, 0.20, 0.12, 0.11, 0.22, 0.22), strict=True))


class Chest(NamedTuple):
    """Fields of one picture: arrays of shape (size, size), but (12, size, size) for `signs` and `texture`.

    `plain` is the chest without findings. `breast` is a shadow to add. `margin` is the brightness that smaller lungs
    add at their rim. `signs` has one field for each finding, in order, and `texture` has the same signs as gratings.
    `device` is a tube to add.
    """

    plain: np.ndarray
    breast: np.ndarray
    margin: np.ndarray
    signs: np.ndarray
    texture: np.ndarray
    device: np.ndarray


def draw(rng: np.random.Generator, size: int, *, lateral: bool = False) -> Chest:
    """Draw a chest and the signs of all findings, whether present or not.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of every random choice. All of them are drawn, whatever will be shown.
    size : int
        Side in pixels.
    lateral : bool
        True gives the view from the side, in which the lungs overlap; False the view from the front.
    """
    y, x = (np.mgrid[:size, :size] + 0.5) / size * 2 - 1
    shift, scale = rng.normal(0, 0.03, 2), np.exp(rng.normal(0, 0.04))
    x, y = (x - shift[0]) / scale, (y - shift[1]) / scale
    # Centres and half axes of the lungs (left of the picture first), of the spine and of the heart.
    apart, width = (0.06, 0.52) if lateral else (0.42, 0.33)
    lungs = [(side * apart, -0.05 + rng.normal(0, 0.02), width, 0.66 * np.exp(rng.normal(0, 0.04))) for side in (-1, 1)]
    spine = 0.68 if lateral else 0.0
    heart = (-0.22 if lateral else 0.14) + rng.normal(0, 0.02), 0.30 + rng.normal(0, 0.02)
    broad, tall = 0.27 * np.exp(rng.normal(0, 0.06)), 0.25 * np.exp(rng.normal(0, 0.06))
    floor = 0.50 + rng.normal(0, 0.02)

    body = expit((1 - (np.abs(x / 0.93) ** 3 + np.abs((y - 0.2) / 1.12) ** 3)) / 0.06)
    inside = [_ellipse(x, y, lung, 0.05) for lung in lungs]
    narrow = [_ellipse(x, y, (a, b, 0.86 * c, 0.86 * d), 0.05) for a, b, c, d in lungs]
    lung, less = (1 - np.prod([1 - part for part in parts], axis=0) for parts in (inside, narrow))
    below = expit((y - floor - 0.5 * (np.abs(x) - apart) ** 2) / 0.03)
    air = lung * (1 - below)
    side = _ribs(x, y, rng.uniform(0, 1))
    bones = 0.10 * side * lung + 0.16 * np.exp(-(((x - spine) / 0.13) ** 2))
    middle = 0.20 * _ellipse(x, y, (*heart, broad, tall), 0.10)
    mottle = rng.standard_normal((2, size, size))
    soft = sum(
        strength * _unit(gaussian_filter(field, width * size, mode="wrap"))
        for field, strength, width in zip(mottle, (0.025, 0.012), (0.12, 0.03), strict=True)
    )
    plain = 0.02 + body * (0.52 - 0.34 * air + bones + middle + soft)
    breast = 0.12 * body * sum(_ellipse(x, y, (s * 0.45, 0.30, 0.36, 0.30), 0.12) for s in ((-1, 1), (0.3,))[lateral])
    shapes = _shapes(rng, x, y, lungs=lungs, heart=(*heart, broad, tall), spine=spine, floor=floor, ribs=side)
    signs = np.stack([_STRENGTH[name] * shapes[name] * body for name in FINDINGS])
    tube = 0.20 * np.exp(-(((x - spine - 0.05 - 0.1 * rng.uniform(-1, 1) * (y + 1) ** 2) / 0.025) ** 2)) * (y < 0.1)
    return Chest(plain, breast, 0.34 * body * (air - less * (1 - below)), signs, _gratings(rng, signs), body * tube)


def render(
    chest: Chest, present: np.ndarray, *, anatomy: float = 0.0, detail: float = 0.0, device: bool = False
) -> np.ndarray:
    """Render the picture of a chest, without noise.

    Parameters
    ----------
    chest : Chest
        From `draw`.
    present : ndarray of bool, shape (12,)
        True for each finding to show, in the order of `helpers.datasets.chexpert.layout.FINDINGS`.
    anatomy : float
        From 0 to 1: makes the lungs smaller and the shadow of the breasts denser.
    detail : float
        Share of a sign's energy that is fine texture.
    device : bool
        Show a tube.

    Returns
    -------
    ndarray of float, shape (size, size)
        Brightness. Air is near 0. Dense parts are near 1, or above 1 if several overlap.
    """
    # The two kinds of field are nearly orthogonal, so that their energies (sums of squares) add.
    signs = np.sqrt(1 - detail) * chest.signs + np.sqrt(detail) * chest.texture
    shown = signs[np.asarray(present, bool)].sum(axis=0)
    return chest.plain + anatomy * (chest.breast + chest.margin) + shown + device * chest.device


def _ellipse(x: np.ndarray, y: np.ndarray, shape: tuple[float, ...], soft: float) -> np.ndarray:
    """Draw a field that is 1 inside an ellipse (centre and half axes) and 0 outside, with a soft margin."""
    a, b, c, d = shape
    return expit((1 - np.hypot((x - a) / c, (y - b) / d)) / soft)


def _unit(field: np.ndarray) -> np.ndarray:
    return field / field.std()


def _ribs(x: np.ndarray, y: np.ndarray, phase: float) -> np.ndarray:
    """Draw ribs as arcs that descend away from the midline, 0 to 1."""
    return np.clip(np.cos(2 * np.pi * ((y - 0.5 * x**2) / 0.26 + phase)), 0, 1) ** 2


def _shapes(
    rng: np.random.Generator,
    x: np.ndarray,
    y: np.ndarray,
    *,
    lungs: list[tuple[float, ...]],
    heart: tuple[float, ...],
    spine: float,
    floor: float,
    ribs: np.ndarray,
) -> dict[str, np.ndarray]:
    """Draw the outline of each finding's sign, at most about 1."""

    def at(side: int, u: float, v: float, wide: float, high: float | None = None) -> np.ndarray:
        """Draw a Gaussian at (u, v) of a lung, measured in half axes from its centre."""
        a, b, c, d = lungs[side]
        return np.exp(-(((x - a - u * c) / wide) ** 2 + ((y - b - v * d) / (high or wide)) ** 2))

    side = dict(zip(FINDINGS, rng.integers(0, 2, len(FINDINGS)), strict=True))
    out = (-1, 1)  # away from the middle of the body, in each lung
    u, v = rng.uniform(-1, 1, (2, len(FINDINGS)))
    jitter = {name: (a, b) for name, a, b in zip(FINDINGS, u, v, strict=True)}
    places = rng.uniform(-1, 1, (3, 2))
    fields = {}

    fields["Enlarged Cardiomediastinum"] = np.exp(-(((np.abs(x - spine) - 0.20) / 0.07) ** 2) - ((y + 0.3) / 0.3) ** 2)
    a, b, c, d = heart
    fields["Cardiomegaly"] = _ellipse(x, y, (a, b, 1.45 * c, 1.2 * d), 0.05) - _ellipse(x, y, heart, 0.10)
    p, q = jitter["Lung Opacity"]
    fields["Lung Opacity"] = at(side["Lung Opacity"], 0.2 * p, 0.3 * q, 0.26, 0.34)
    p, q = jitter["Lung Lesion"]
    fields["Lung Lesion"] = at(side["Lung Lesion"], 0.5 * p, 0.5 * q, 0.075)
    fields["Edema"] = sum(at(s, -0.4 * out[s], 0.1, 0.24, 0.36) for s in (0, 1))
    k = side["Consolidation"]
    p, q = jitter["Consolidation"]
    a, b, c, d = lungs[k]
    fields["Consolidation"] = _ellipse(x, y, (a + 0.2 * p * c, b + (-0.5 + 0.1 * q) * d, 0.19, 0.13), 0.08)
    k = side["Pneumonia"]
    fields["Pneumonia"] = sum(at(k, 0.45 * i, 0.4 + 0.25 * j, 0.09) for i, j in places)
    k = side["Atelectasis"]
    p, q = jitter["Atelectasis"]
    tilt = (x - lungs[k][0]) * 0.25 * p
    level = floor - 0.20 + 0.06 * q
    fields["Atelectasis"] = np.exp(-(((y - level - tilt) / 0.04) ** 2)) * at(k, 0, 0.4, 0.24, 9.0)
    # The edge of a collapsed lung: a thin line, and no lung outside it.
    k = side["Pneumothorax"]
    a, b, c, d = lungs[k]
    r = np.hypot((x - a) / c, (y - b) / d)
    upper = expit(-(y - b + 0.1) / 0.06)
    p, _ = jitter["Pneumothorax"]
    edge = 0.72 + 0.05 * p
    rim = expit((r - edge) / 0.03) * expit((1 - r) / 0.03)
    fields["Pneumothorax"] = upper * (np.exp(-(((r - edge) / 0.06) ** 2)) - 0.6 * rim)
    k = side["Pleural Effusion"]
    a, b, c, d = lungs[k]
    p, _ = jitter["Pleural Effusion"]
    meniscus = floor - 0.12 + 0.08 * p - 0.9 * np.maximum(out[k] * (x - a), 0) ** 2
    fields["Pleural Effusion"] = expit((y - meniscus) / 0.05) * _ellipse(x, y, (a, b, 1.05 * c, 1.1 * d), 0.05)
    k = side["Pleural Other"]
    a, b, c, d = lungs[k]
    p, q = jitter["Pleural Other"]
    r = np.hypot((x - a) / c, (y - b) / d)
    band = np.exp(-(((r - 0.97) / 0.12) ** 2)) * expit(out[k] * (x - a) / 0.05)
    fields["Pleural Other"] = band * np.exp(-(((y - b - 0.15 - 0.1 * q) / 0.28) ** 2))
    # A gap in a rib, and the displaced end next to it.
    k = side["Fracture"]
    a, b, c, d = lungs[k]
    p, q = jitter["Fracture"]
    gap = at(k, 0.45 * out[k], 0.3 * q, 0.07, 0.15)
    beside = at(k, 0.45 * out[k] + 0.35, 0.3 * q, 0.05, 0.15)
    fields["Fracture"] = -1.2 * ribs * gap + beside
    return fields


def _gratings(rng: np.random.Generator, signs: np.ndarray) -> np.ndarray:
    """Draw a fine texture inside the outline of each sign."""
    size = signs.shape[-1]
    rows, columns = np.mgrid[:size, :size]
    angles = np.arange(len(signs)) * np.pi / len(signs)
    phases = rng.uniform(0, 2 * np.pi, len(signs))
    along = np.cos(angles)[:, None, None] * columns + np.sin(angles)[:, None, None] * rows
    texture = np.abs(signs) * np.cos(2 * np.pi / _PERIOD * along + phases[:, None, None])
    energies = [(field**2).sum(axis=(1, 2), keepdims=True) for field in (signs, texture)]
    return texture * np.sqrt(_FINE * energies[0] / energies[1])
