"""Simulated pictures with a finding in each lung: a drawn chest, and four signs that can be anywhere in a lung.

A sign differs from the others in size, form and brightness, and its place shows nothing of its kind. One is darker than
the lung, so that a map of brightness alone cannot find it.
"""

from __future__ import annotations

import numpy as np

from helpers.datasets.chexpert import rendering

# Half widths across and down, in half sides of the picture, and the brightness that is added at most.
SIGNS = {
    "Lung Opacity": (0.27, 0.27, 0.34),
    "Consolidation": (0.13, 0.13, 0.60),
    "Atelectasis": (0.30, 0.09, 0.55),
    "Pneumothorax": (0.19, 0.24, -0.40),
}
_HAZE = 0.25  # brightness of what would be black, so that a sign can be darker than a lung
_LUNGS = {"right": (-0.42, -0.05), "left": (0.42, -0.05)}  # centres; the patient's right is left in the picture
_REACH = 0.70, 0.70  # half range of a sign's centre, in half axes of a lung
_AXES = 0.33, 0.66  # half axes of a lung
FIXED = (0.0, -0.5)  # one place for all, in ranges


def draw(
    rng: np.random.Generator,
    size: int,
    findings: dict[str, str],
    *,
    anatomy: float = 0.0,
    contrast: float = 1.0,
    places: str = "any",
) -> tuple[np.ndarray, dict[str, tuple[int, int, int, int]]]:
    """Draw a picture, and the box of the finding of each side.

    Parameters
    ----------
    rng : numpy.random.Generator
        All its draws are made whatever is shown.
    size : int
        Side in pixels.
    findings : dict
        Side to the name of its finding.
    anatomy : float
        Shadow of the breasts, 0 to 1.
    contrast : float
        Factor of all signs.
    places : {"any", "one"}
        Whether signs are anywhere in a lung, or all in one place.

    Returns
    -------
    picture : ndarray of float, shape (size, size)
    boxes : dict
        Side to x, y, width and height in pixels, where the sign is above half of its maximum.
    """
    chest = rendering.draw(rng, size)
    plain = rendering.render(chest, np.zeros(len(chest.signs), bool), anatomy=anatomy)
    picture = _HAZE + (1 - _HAZE) * plain
    y, x = (np.mgrid[:size, :size] + 0.5) / size * 2 - 1
    boxes = {}
    for side, (across, down) in _LUNGS.items():
        u, v = rng.uniform(-1, 1, 2)
        u, v = (u, v) if places == "any" else FIXED
        if side not in findings:
            continue
        wide, high, bright = SIGNS[findings[side]]
        centre = across + u * _REACH[0] * _AXES[0], down + v * _REACH[1] * _AXES[1]
        field = np.exp(-(((x - centre[0]) / wide) ** 2) - ((y - centre[1]) / high) ** 2)
        picture = picture + contrast * bright * field
        boxes[side] = _box(field > field.max() / 2)
    return picture + rendering.GRAIN * rng.standard_normal((size, size)), boxes


def _box(inside: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    x, y = int(columns[0]), int(rows[0])
    return x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y
