"""Figures of images."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.figures.withholding import mark_pixels


def pictures(grid: ArrayLike, *, rows: Sequence[str], columns: Sequence[str], ax: Axes) -> Axes:
    """Draw images in named rows and columns, such as originals next to their reconstructions.

    The axes are marked by `mark_pixels`.

    Parameters
    ----------
    grid : array_like of uint8, shape (rows, columns, 3, h, w)
        RGB; or a list of rows, each a list of images, all of one size.
    rows, columns : sequence of str
        Names, left of the rows and above the columns.

    Raises
    ------
    InputError
        The images do not form such an array, or there are not as many names as rows and columns.
    """
    try:
        images = np.asarray(grid)
    except ValueError:  # NumPy raises it for a ragged list
        raise InputError(
            "grid", "its rows or images differ in size", "Give images of one size, as many a row"
        ) from None
    if images.dtype != np.uint8 or images.ndim != 5 or images.shape[2] != 3 or not images.size:
        problem = f"expected uint8 (rows, columns, 3, height, width), found {images.dtype} {images.shape}"
        raise InputError("grid", problem, "Give pixels from 0 to 255, channels first")
    n_rows, n_columns, _, height, width = images.shape
    if (len(rows), len(columns)) != (n_rows, n_columns):
        problem = f"{len(rows)} and {len(columns)} names for {n_rows} rows and {n_columns} columns"
        raise InputError("rows, columns", problem, "Name each row and each column")
    gap = max(1, width // 16)
    spaced = np.pad(images.transpose(0, 3, 1, 4, 2), ((0, 0), (0, gap), (0, 0), (0, gap), (0, 0)), constant_values=255)
    ax.imshow(spaced.reshape(n_rows * (height + gap), n_columns * (width + gap), 3)[:-gap, :-gap])
    ax.set_xticks(np.arange(n_columns) * (width + gap) + (width - 1) / 2, columns)
    ax.set_yticks(np.arange(n_rows) * (height + gap) + (height - 1) / 2, rows)
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    return mark_pixels(ax)


def heat(maps: ArrayLike) -> np.ndarray:
    """Convert maps to colours, each scaled separately: black for 0, bright yellow for its 99th percentile or more.

    Parameters
    ----------
    maps : array_like of shape (n, h, w)
        Values of 0 or more.

    Returns
    -------
    uint8 ndarray of shape (n, 3, h, w)
    """
    values = np.asarray(maps, float)
    top = np.quantile(values, 0.99, axis=(1, 2), keepdims=True)
    return mpl.colormaps["inferno"](values / np.where(top > 0, top, 1), bytes=True)[..., :3].transpose(0, 3, 1, 2)
