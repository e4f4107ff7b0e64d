"""Cautious guess whether text is burnt into a picture: a row of small, sharp, equally high marks."""

from __future__ import annotations

import numpy as np

LETTERS = 4  # marks in a row; single markers of a side, such as L or R, are not found
LOW, HIGH = 6, 48  # height of a letter in pixels
BRIGHT, CONTRAST = 200, 90  # of a letter, and against the ground around it, of 255
MANY = 3_000  # sharp marks above which a picture is noise or texture
WIDEST = 1_024  # side to which a larger picture is reduced


def has_text(grey: np.ndarray) -> bool:
    """Return True if a picture has a row of marks that look like letters, white on darker or black on brighter ground.

    Parameters
    ----------
    grey : ndarray of uint8, shape (height, width)
        Brightness, 0 for the darkest and 255 for the brightest pixel.
    """
    step = -(-max(grey.shape) // WIDEST)
    if step > 1:
        from PIL import Image

        grey = np.asarray(Image.fromarray(grey).reduce(step))
    return min(grey.shape) >= 4 * LOW and (_written(grey) or _written(255 - grey))


def _written(grey: np.ndarray) -> bool:
    from scipy import ndimage

    bright = grey >= BRIGHT
    if not bright.any() or bright.mean() > 0.5 or not _in_a_row(*_marks(bright)):
        return False
    # Only now what takes time: each mark must be much brighter than the ground around it.
    ground = ndimage.grey_opening(grey, size=(13, 13))
    return _in_a_row(*_marks(bright & (grey.astype(np.int16) - ground >= CONTRAST)))


def _marks(bright: np.ndarray) -> np.ndarray:
    """Find marks of the size and shape of letters: their top, left, height and width, each of shape (n,)."""
    from scipy import ndimage

    marks, n = ndimage.label(bright, np.ones((3, 3)))
    if not LETTERS <= n <= MANY:
        return np.empty((4, 0), int)
    places = ndimage.find_objects(marks)
    top, left = np.array([[side.start for side in place] for place in places]).T
    height, width = np.array([[side.stop - side.start for side in place] for place in places]).T
    filled = np.bincount(marks.ravel(), minlength=n + 1)[1:] / (height * width)
    kept = (height >= LOW) & (height <= HIGH) & (width <= 1.5 * height) & (filled > 0.2) & (filled < 0.95)
    return np.array([top, left, height, width])[:, kept]


def _in_a_row(top: np.ndarray, left: np.ndarray, height: np.ndarray, width: np.ndarray) -> bool:
    """Return True if `LETTERS` marks follow each other on one line, with heights and gaps as in a word."""
    order = np.argsort(left)
    top, left, height, width = top[order], left[order], height[order], width[order]
    length = np.ones(len(top), int)
    for k in range(1, len(top)):
        level = np.abs(top[:k] + height[:k] - top[k] - height[k]) <= 0.15 * height[k]
        alike = np.abs(height[:k] - height[k]) <= 0.25 * height[k]
        gap = left[k] - left[:k] - width[:k]
        before = length[:k][level & alike & (gap >= 0) & (gap <= 0.8 * height[k])]
        length[k] += before.max(initial=0)
    return bool((length >= LETTERS).any())
