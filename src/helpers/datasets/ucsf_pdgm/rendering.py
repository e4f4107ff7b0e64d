"""Simulated volumes that resemble FLAIR images of a brain with a glioma: a few shapes with chosen, not fitted, sizes.

A brain (`anatomy`) holds all that does not depend on the acquisition: the location of tissue, fluid and the parts of
the tumour. A rendering (`render`) gives each a brightness. One field, the contrast, separates the tumour from healthy
tissue. The parameter `detail` moves its energy from brightness to a fine texture: at each place the contrast c becomes
``sqrt(1 - detail) c + sqrt(detail) |c| t``. The texture t has mean 0 and mean square 1 around each place, and its
frequencies are near the finest that the slice can represent. In a tumour of grade 4 the texture has lines; in others it
has no direction. A slice with all frequencies shows the tumour and its grade at any `detail`. A slice that lost the
high frequencies shows only the brightness.

Limits: there are no fibre tracts, no skull, no scanner and no growth, and a tumour is a caricature of its grade.
Nothing here has been compared with images of patients.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import expit

from helpers.datasets.shared.masks import noise
from helpers.datasets.ucsf_pdgm.layout import EDEMA, ENHANCING, NECROSIS

HALF_MM = 120.0  # from the centre of the volume to its sides; real images have 240 mm, and 155 mm from top to bottom
BAND = (0.8, 1.1)  # frequencies of the fine texture, as shares of the finest along an axis
NOISE = (0.02, 0.08)  # standard deviation of noise, as a share of the range, at acquisition 0 and 1
_UNITS = 1000  # grey values of brightness 1
_WHITE, _GREY, _FLUID = 0.42, 0.52, 0.10


class Brain(NamedTuple):
    """One brain with its tumour; all arrays have the same shape.

    `inside` is bool. `fluid`, `cortex`, `core`, `rim` and `edema` are shares of a voxel, 0 to 1. `labels` is the
    segmentation. `patches` is a smooth field with mean 0 and standard deviation 1 that makes the tumour's core uneven.
    `heterogeneous` is True if the core is necrotic and uneven, and False if it is even.
    """

    inside: np.ndarray
    fluid: np.ndarray
    cortex: np.ndarray
    core: np.ndarray
    rim: np.ndarray
    edema: np.ndarray
    patches: np.ndarray
    labels: np.ndarray
    heterogeneous: bool


def spacing(shape: tuple[int, int, int]) -> tuple[float, float, float]:
    """Compute the voxel size in mm along x, y and z; it is 1 mm at the real shape of (240, 240, 155)."""
    return tuple(mm / n for mm, n in zip((240.0, 240.0, 155.0), shape, strict=True))


def anatomy(
    rng: np.random.Generator,
    *,
    shape: tuple[int, int, int],
    grade: int,
    glioblastoma: bool,
    atrophy: float = 0.0,
    grown: float = 1.0,
) -> Brain:
    """Draw a brain with one tumour.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of every random choice. The number of draws depends only on `shape`.
    shape : tuple of int
        Voxels along x, y, z.
    grade : {2, 3, 4}
        A tumour of grade 4 has a necrotic, uneven core within an enhancing rim, and wide edema. A tumour of grade 2 or
        3 is even and has no rim; grade 3 has more edema than grade 2.
    glioblastoma : bool
        For grade 4: True gives a large necrotic core, False a small one, as drawn here for tumours with mutant IDH.
    atrophy : float
        0 to 1: widens ventricles and sulci.
    grown : float
        Factor on the radius of the tumour.

    Returns
    -------
    Brain
    """
    step = spacing(shape)
    # Positions in units of HALF_MM; the middle is 0.
    axes = [((np.arange(n) + 0.5) / n - 0.5) * n * s / HALF_MM for n, s in zip(shape, step, strict=True)]
    x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
    wobble, folds, rough, patches = (noise(rng, shape, step, mm) for mm in (25.0, 6.0, 9.0, 5.0))
    width, length, height = np.array([0.62, 0.78, 0.66]) * rng.normal(1, 0.03, 3)
    # Distance from the centre, 1 at the surface of the brain.
    depth = np.sqrt((x / width) ** 2 + (y / length) ** 2 + ((z + 0.05) / height) ** 2) * (1 + 0.02 * wobble)
    sharp = 0.6 * step[0] / HALF_MM
    inside = depth < 1

    # Sulci run where the folds cross zero, in the outer part of the brain.
    outer = expit((depth - 0.80) / 0.03)
    sulci = outer * np.exp(-((folds / (0.18 + 0.22 * atrophy)) ** 2))
    ventricles = _ventricles(x, y, z, rng.normal(1, 0.08, 2) * (1 + 0.6 * atrophy), sharp)
    fluid = np.maximum(sulci, ventricles)

    # A place away from the midline in the upper half of the brain, where slices are taken.
    side = 1 if rng.random() < 0.5 else -1
    middle = np.array([side * rng.uniform(0.20, 0.36), rng.uniform(-0.36, 0.36), rng.uniform(0.0, 0.28)])
    stretch = np.exp(rng.normal(0, 0.15, 3))
    radius = rng.uniform(0.17, 0.26) * grown
    distance = np.sqrt(sum(((a - m) / s) ** 2 for a, m, s in zip((x, y, z), middle, stretch, strict=True)))
    spread = {2: 1.3, 3: 1.4, 4: 1.5}[grade] * rng.uniform(0.9, 1.1)
    mass = _ball(distance * np.exp(0.10 * wobble), radius, sharp)
    halo = _ball(distance * np.exp(0.20 * rough), radius * spread, sharp)
    share = 0.82 if glioblastoma else 0.62
    core = _ball(distance * np.exp(0.10 * wobble), radius * share, sharp) if grade == 4 else mass
    room = inside * (1 - ventricles)
    core, mass, halo = core * room, mass * room, np.maximum(halo, mass) * room
    rim, edema = mass - core, halo - mass
    parts = np.stack([1 - halo, core, edema, rim])
    labels = np.array([0, NECROSIS, EDEMA, ENHANCING], np.uint8)[parts.argmax(axis=0)]
    cortex = outer * (1 - sulci)
    return Brain(inside, fluid * (1 - halo), cortex, core, rim, edema, patches, labels, grade == 4)


def _ball(distance: np.ndarray, radius: float, sharp: float) -> np.ndarray:
    return expit((radius - distance) / (0.5 * sharp))


def _ventricles(x: np.ndarray, y: np.ndarray, z: np.ndarray, scale: np.ndarray, sharp: float) -> np.ndarray:
    """Draw the ventricles as two curved horns next to the midline."""
    # The horns are further apart at their front and back ends.
    apart = (np.abs(x) - 0.09 - 0.25 * y**2) / (0.055 * scale[0])
    size = np.sqrt(apart**2 + (y / (0.30 * scale[1])) ** 2 + ((z - 0.05) / 0.22) ** 2)
    return expit((1 - size) * 0.11 / sharp)


def texture(rng: np.random.Generator, shape: tuple[int, int, int], *, lines: bool = False) -> np.ndarray:
    """Draw a fine texture in each slice, with frequencies near `BAND`, and mean 0 and mean square 1 around each place.

    Less than 3% of its energy has frequencies below 0.45 of the finest along an axis.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : tuple of int
        Voxels along x, y, z; a slice is one z.
    lines : bool
        True keeps only frequencies within 30 degrees of one axis, which makes lines; False keeps all directions.
    """
    rows, columns = np.fft.fftfreq(shape[0])[:, None] * 2, np.fft.fftfreq(shape[1])[None] * 2
    radius = np.hypot(rows, columns)
    passed = (radius >= BAND[0]) & (radius <= BAND[1])
    if lines:
        passed = passed & (np.abs(rows) > np.cos(np.pi / 6) * radius)
    white = rng.standard_normal(shape, dtype=np.float32)
    field = np.fft.ifft2(np.fft.fft2(white, axes=(0, 1)) * passed[:, :, None], axes=(0, 1)).real
    # Waves of a band beat, so the field is divided by its size around each place: no place is left without texture.
    # The bound (tanh) leaves few voxels near 0, where the texture would look like healthy tissue.
    field = np.tanh(2 * field / np.sqrt(gaussian_filter(field**2, (2, 2, 0), mode="wrap")))
    return (field / np.sqrt((field**2).mean())).astype(np.float32)


def render(rng: np.random.Generator, brain: Brain, *, acquisition: float = 0.0, detail: float = 0.0) -> np.ndarray:
    """Render one acquisition of a brain.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of texture and noise. The number of draws depends only on the brain's shape.
    brain : Brain
        From `anatomy`.
    acquisition : float
        0 to 1: amount of noise, between the two values of `NOISE`.
    detail : float
        0 to 1: share of the energy of the tumour's contrast that is fine texture.

    Returns
    -------
    ndarray of int16, of the brain's shape
        Grey values; 0 outside the brain.
    """
    shape = brain.inside.shape
    healthy = _WHITE + (_GREY - _WHITE) * brain.cortex
    healthy = healthy + (_FLUID - healthy) * brain.fluid
    if brain.heterogeneous:
        core, edema = -0.10 + 0.16 * brain.patches, 0.30 + 0.08 * brain.patches
    else:
        core, edema = 0.24, 0.30
    contrast = brain.core * core + brain.rim * 0.10 + brain.edema * edema
    # Both are drawn, so that the noise drawn after them does not depend on the texture that is used.
    even, lined = texture(rng, shape), texture(rng, shape, lines=True)
    fine = np.abs(contrast) * (lined if brain.heterogeneous else even)
    tumour = np.sqrt(1 - detail) * contrast + np.sqrt(detail) * fine
    uneven_coil = 1 + 0.05 * noise(rng, shape, spacing(shape), 60.0)
    grain = (NOISE[0] + acquisition * (NOISE[1] - NOISE[0])) * rng.standard_normal((2, *shape), dtype=np.float32)
    # Magnitude of a complex signal with noise in both parts: a scanner gives no values below 0.
    signal = np.hypot((healthy + tumour) * uneven_coil + grain[0], grain[1])
    return np.round(_UNITS * signal * brain.inside).clip(0, 32_000).astype(np.int16)
