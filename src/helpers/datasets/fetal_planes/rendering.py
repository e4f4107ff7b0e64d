"""Simulated ultrasound of a fetus: a shape in a fan, drawn for many images at once.

A shape is a map of echogenicity, which a depth and a rotation place in the fan. Sound loses energy on its way, so
brightness decreases exponentially with depth (Beer and Lambert), and the time gain of the machine mends most of it.
Speckle multiplies (Wagner et al., IEEE Trans. Sonics Ultrason. 30:156, 1983): its logarithm is drawn as smooth noise.
A machine blurs, amplifies, and compresses grey values by a power. All sizes are chosen, not fitted.

Limits: there is no beam, no shadow, no caliper and no text, and a shape is a caricature of its plane. Nothing here has
been compared with real images.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

SHAPES = ("abdomen", "brain", "cervix", "femur", "thorax", "other plane")
TISSUE = 0.35  # echogenicity around a shape
PIECE = 250  # images that are drawn at once, which bounds memory


class Scene(NamedTuple):
    """Values of n images; each is an array of shape (n,).

    shape : index into `SHAPES`
    across, down : place of the shape in the fan, in half sides of the image
    radius : size of the shape, in half sides
    angle : rotation in radians
    gain, gamma, speckle, blur : of the machine; blur in shares of the side
    attenuation : share of brightness lost from the top to the bottom, as a rate
    noise : standard deviation of the noise at the bottom, of a range of 1
    """

    shape: np.ndarray
    across: np.ndarray
    down: np.ndarray
    radius: np.ndarray
    angle: np.ndarray
    gain: np.ndarray
    gamma: np.ndarray
    speckle: np.ndarray
    blur: np.ndarray
    attenuation: np.ndarray
    noise: np.ndarray


def render(scene: Scene, size: int, rng: np.random.Generator) -> np.ndarray:
    """Render pictures of scenes: uint8 ndarray of shape (n, size, size), black outside the fan.

    Parameters
    ----------
    scene : Scene
    size : int
        Side in pixels.
    rng : numpy.random.Generator
        Source of speckle and noise.
    """
    pieces = np.arange(0, len(scene.shape), PIECE)
    drawn = [_render(Scene(*(v[i : i + PIECE] for v in scene)), size, rng) for i in pieces]
    return np.concatenate(drawn) if drawn else np.empty((0, size, size), np.uint8)


def _render(scene: Scene, size: int, rng: np.random.Generator) -> np.ndarray:
    n = len(scene.shape)
    s = Scene(scene.shape, *(np.asarray(v, np.float32)[:, None, None] for v in scene[1:]))
    y, x = ((np.mgrid[:size, :size] + 0.5) / size * 2 - 1).astype(np.float32)
    right, below = (x - s.across) / s.radius, (y - s.down) / s.radius
    cos, sin = np.cos(s.angle), np.sin(s.angle)
    echo = _echo(scene.shape, cos * right + sin * below, cos * below - sin * right)
    grain = _smooth(rng.standard_normal((n, size, size), dtype=np.float32), 0.7)
    values = echo * np.exp(s.speckle * grain / grain.std())
    values = _blurred(values, scene.blur * size)
    depth = (y + 1) / 2
    values = s.gain * values * np.exp(-s.attenuation * depth)
    values += s.noise * depth * rng.standard_normal((n, size, size), dtype=np.float32)
    values = values.clip(0, 1) ** s.gamma
    return np.where(_fan(x, y), np.round(255 * values), 0).astype(np.uint8)


def _fan(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Mark the pixels of a sector of 84 degrees whose apex is above the image."""
    right, below = x, y + 1.5
    distance = np.hypot(right, below)
    return (np.abs(np.arctan2(right, below)) < np.deg2rad(42)) & (distance > 0.55) & (distance < 2.45)


def _echo(shape: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Compute the echogenicity of each image's shape, which is about as large as the unit circle of `u` and `v`."""
    echo = np.empty_like(u)
    for index, name in enumerate(SHAPES):
        rows = shape == index
        echo[rows] = _DRAWN[name](u[rows], v[rows])
    return echo


def _edge(distance: np.ndarray) -> np.ndarray:
    """Return 1 where a signed distance is above 0 and 0 below, with a soft edge."""
    return 1 / (1 + np.exp(-np.clip(distance / 0.07, -30, 30)))


def _disc(u: np.ndarray, v: np.ndarray, *, at: tuple[float, float] = (0, 0), radius: float) -> np.ndarray:
    return _edge(radius - np.hypot(u - at[0], v - at[1]))


def _bar(u: np.ndarray, v: np.ndarray, long: float, thick: float) -> np.ndarray:
    return _edge(long - np.abs(u)) * _edge(thick - np.abs(v))


def _abdomen(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Draw a round body with a dark stomach and a bright spine."""
    stomach = _disc(u, v, at=(-0.4, 0.1), radius=0.28)
    return TISSUE + 0.2 * _disc(u, v, radius=1.0) - 0.45 * stomach + 0.4 * _disc(u, v, at=(0.65, 0), radius=0.18)


def _brain(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Draw an oval skull with a midline, and a dark inside."""
    distance = np.hypot(u, v / 0.75)
    inside = _edge(0.85 - distance)
    midline = _bar(u, v, 0.7, 0.07)
    return TISSUE - 0.2 * inside + 0.5 * np.exp(-(((distance - 1) / 0.12) ** 2)) + 0.35 * midline


def _cervix(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Draw two bright bands that enclose a dark canal."""
    bands = np.exp(-(((np.abs(v - 0.15 * u**2) - 0.35) / 0.14) ** 2)) * _edge(1.1 - np.abs(u))
    return TISSUE + 0.4 * bands - 0.25 * _bar(u, v - 0.15 * u**2, 1.1, 0.15)


def _femur(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Draw a bright shaft with two heads."""
    heads = _disc(u, v, at=(-0.95, 0), radius=0.22) + _disc(u, v, at=(0.95, 0), radius=0.22)
    return TISSUE - 0.1 * _disc(u, v, radius=0.9) + 0.6 * np.maximum(_bar(u, v, 0.95, 0.13), heads.clip(0, 1))


def _thorax(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Draw a round chest with ribs around it, and a dark heart of four chambers."""
    distance = np.hypot(u, v)
    ribs = np.exp(-(((distance - 1) / 0.14) ** 2)) * (0.5 + 0.5 * np.cos(8 * np.arctan2(v, u)))
    heart = _disc(u, v, at=(0.15, -0.1), radius=0.5) * (1 - np.maximum(_bar(u - 0.15, v + 0.1, 0.5, 0.06), 0))
    return TISSUE + 0.1 * _edge(1 - distance) + 0.5 * ribs - 0.35 * heart


def _stranger(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Draw a cross of two bright limbs with a dark ball on each end of one: a shape unlike the others."""
    limbs = np.maximum(_bar(u, v, 0.9, 0.16), _bar(v, u, 0.9, 0.16))
    balls = _disc(u, v, at=(0, 0.95), radius=0.3) + _disc(u, v, at=(0, -0.95), radius=0.3)
    return TISSUE + 0.4 * limbs - 0.35 * balls.clip(0, 1)


_DRAWN = {
    "abdomen": _abdomen,
    "brain": _brain,
    "cervix": _cervix,
    "femur": _femur,
    "thorax": _thorax,
    "other plane": _stranger,
}


def _smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    return gaussian_filter(values, (0, sigma, sigma), truncate=3)


def _blurred(values: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Apply a blur of a number of pixels to each image, as a mixture of two filters with the right variance."""
    levels = np.linspace(0, max(float(sigma.max()), 1e-6), 5)
    stack = [values if level == 0 else _smooth(values, level) for level in levels]
    place = np.interp(sigma**2, levels**2, np.arange(5))
    low = np.minimum(place.astype(int), 3)
    share = (place - low).astype(np.float32)[:, None, None]
    pair = [np.choose(low[:, None, None], stack[k : k + 4]) for k in (0, 1)]
    return (1 - share) * pair[0] + share * pair[1]
