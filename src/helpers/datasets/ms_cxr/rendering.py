"""Simulated pictures with a finding in each lung: a drawn chest, and four signs that can be anywhere in a lung.

A sign is a pair of a bright and a dark half. All signs have the same size and contrast and the mean brightness of their
ground; only the direction from dark to bright is that of a finding. So brightness shows that there is a sign, and not
which, and its place shows nothing of its kind.
"""

from __future__ import annotations

import numpy as np

from helpers.datasets.chexpert import rendering

# Direction from dark to bright: across and down the picture.
SIGNS = {
    "Lung Opacity": (1, 0),
    "Consolidation": (-1, 0),
    "Atelectasis": (0, -1),
    "Pneumothorax": (0, 1),
}
_HALF = 0.34  # half side of a sign, in half sides of the picture
_STRENGTH = 0.50  # brightness that is added or taken at most
_HAZE, _DENSE = 0.25, 0.60  # brightness of what would be black, and range of the chest, so that both halves are seen
_CENTRES = {"right": -0.45, "left": 0.45}  # across; the patient's right is left in the picture
_REACH = 0.25, 0.66  # half range of a sign's centre, across and down
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
        Whether signs are anywhere in a half of the chest, or all in one place of it.

    Returns
    -------
    picture : ndarray of float, shape (size, size)
    boxes : dict
        Side to x, y, width and height in pixels.
    """
    chest = rendering.draw(rng, size)
    plain = rendering.render(chest, np.zeros(len(chest.signs), bool), anatomy=anatomy)
    y, x = (np.mgrid[:size, :size] + 0.5) / size * 2 - 1
    picture = _HAZE + _DENSE * plain
    boxes = {}
    for side, across in _CENTRES.items():
        place = rng.uniform(-1, 1, 2) if places == "any" else np.array(FIXED)
        u, v = (x - across - place[0] * _REACH[0]) / _HALF, (y - place[1] * _REACH[1]) / _HALF
        if side not in findings:
            continue
        to_right, down = SIGNS[findings[side]]
        field = np.sin(0.75 * np.pi * (to_right * u + down * v)) * np.exp(-0.7 * (u**4 + v**4))
        picture = picture + contrast * _STRENGTH * field
        boxes[side] = _box(np.maximum(abs(u), abs(v)) <= 1)
    return picture + rendering.GRAIN * rng.standard_normal((size, size)), boxes


def _box(inside: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    x, y = int(columns[0]), int(rows[0])
    return x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y
