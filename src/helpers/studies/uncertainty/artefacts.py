"""Artefacts drawn over pictures of skin, with masks of the covered pixels.

All are caricatures of artefacts in photographs of skin: strokes of a surgical pen, a ruler at the edge, hairs, a round
colour sticker, and the dark corners of a dermatoscope. Sizes and colours are chosen, not fitted.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from helpers.errors import InputError, check_choice

INK, HAIR, TICK, WHITE, DARK = (84, 46, 140), (38, 28, 22), (20, 20, 20), (238, 238, 232), (8, 8, 8)
STICKERS = ((40, 110, 200), (60, 160, 80), (235, 200, 50))
SMALLEST = 16  # pixels along a side; below this, ticks of a ruler are not visible


def artefact(images: np.ndarray, kind: str, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw an artefact over a copy of each image, and return the masks of the covered pixels too.

    Parameters
    ----------
    images : uint8 ndarray of shape (n, 3, s, s)
        Pixels from 0 to 255, s 16 or more.
    kind : str
        A key of `ARTEFACTS`: ink, ruler, hair, patch or corner.
    seed : int
        Seed of all random choices. The choices for an image do not depend on the number of images.

    Returns
    -------
    images : uint8 ndarray of shape (n, 3, s, s)
    masks : bool ndarray of shape (n, s, s)
        Pixels that are drawn over; all others are unchanged.

    Raises
    ------
    InputError
        The kind is unknown, or the images are not uint8 (n, 3, s, s), or too small.
    """
    check_choice("kind", kind, ARTEFACTS)
    shape = getattr(images, "shape", ())
    if getattr(images, "dtype", None) != np.uint8 or len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3]:
        problem = f"expected uint8 (n, 3, s, s), found {getattr(images, 'dtype', None)} {shape}"
        raise InputError("images", problem, "Give colour pixels from 0 to 255, channels first")
    if shape[2] < SMALLEST:
        raise InputError("images", f"{shape[2]} pixels along a side", f"Give images of {SMALLEST} or more")
    drawn, masks = images.copy(), np.zeros((shape[0], *shape[2:]), bool)
    for index in range(shape[0]):
        colours = np.full((*shape[2:], 3), -1, np.int16)  # -1: unchanged
        ARTEFACTS[kind](np.random.default_rng((seed, index)), colours)
        masks[index] = (colours >= 0).all(2)
        drawn[index] = np.where(masks[index], colours.transpose(2, 0, 1), drawn[index])
    return drawn, masks


def _stroke(canvas: np.ndarray, ends: np.ndarray, bend: np.ndarray, width: float, colour: tuple[int, ...]) -> None:
    """Draw a quadratic curve between two ends, bent at the middle by `bend`; lengths are shares of the side."""
    size = len(canvas)
    t = np.linspace(0, 1, 6 * size)[:, None]
    places = ((1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * (ends.mean(0) + bend) + t**2 * ends[1]) * size
    y, x = np.mgrid[:size, :size] + 0.5
    near = np.min((y[..., None] - places[:, 0]) ** 2 + (x[..., None] - places[:, 1]) ** 2, axis=2)
    canvas[near <= max(0.5, width * size / 2) ** 2] = colour


def _ink(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """Draw two to four strokes of a surgical pen around the middle."""
    for angle in rng.uniform(0, 2 * np.pi) + np.arange(rng.integers(2, 5)) * np.pi / 2:
        towards, along = np.array([np.sin(angle), np.cos(angle)]), np.array([np.cos(angle), -np.sin(angle)])
        middle, half = 0.5 + 0.38 * towards, rng.uniform(0.06, 0.12) * along
        _stroke(canvas, np.stack([middle - half, middle + half]), 0.03 * towards, 0.05, INK)


def _ruler(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """Draw a white strip with ticks along one side."""
    size = len(canvas)
    deep, step = round(rng.uniform(0.12, 0.2) * size), max(3, size // 10)
    strip = canvas[:deep]
    strip[:] = WHITE
    strip[deep - max(1, deep // 2) :, rng.integers(step) :: step] = TICK
    canvas[:] = np.rot90(canvas, rng.integers(4)).copy()


def _hair(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """Draw four to eight long dark hairs."""
    for _ in range(rng.integers(4, 9)):
        angle = rng.uniform(0, np.pi)
        half = 0.45 * np.array([np.sin(angle), np.cos(angle)])
        middle = rng.uniform(0.3, 0.7, 2)
        _stroke(canvas, np.stack([middle - half, middle + half]), rng.normal(0, 0.12, 2), 0.015, HAIR)


def _patch(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """Draw a round sticker of one colour near a corner."""
    size = len(canvas)
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    middle = np.where(rng.random(2) < 0.5, 0.2, 0.8) + rng.uniform(-0.04, 0.04, 2)
    canvas[np.hypot(y - middle[0], x - middle[1]) < rng.uniform(0.1, 0.16)] = STICKERS[rng.integers(len(STICKERS))]


def _corner(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """Colour all pixels outside the round field of a dermatoscope dark."""
    size = len(canvas)
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    middle = rng.uniform(0.45, 0.55, 2)
    canvas[np.hypot(y - middle[0], x - middle[1]) > rng.uniform(0.5, 0.56)] = DARK


ARTEFACTS: dict[str, Callable[[np.random.Generator, np.ndarray], None]] = {
    "ink": _ink,
    "ruler": _ruler,
    "hair": _hair,
    "patch": _patch,
    "corner": _corner,
}
