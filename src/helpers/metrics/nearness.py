"""Voxels near other voxels, found for eight voxels at a time.

The target is kept as bits, one row of voxels after the other. A step from voxel to voxel is then a shift of all bits,
so one operation tries one step for every voxel at once. The steps within a radius that differ only along the last axis
are tried together.
"""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from helpers.metrics.grids import as_matrix, heights

BYTES = 30_000  # whose shift takes as long as a call of NumPy; both together as long as a search of a k-d tree, 1 us


def places(at: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Compute the indices, shape (ndim, n), of voxels that are numbered in C order; a faster `numpy.unravel_index`."""
    indices = np.empty((len(shape), len(at)), int)
    for axis in range(len(shape) - 1, 0, -1):
        rest = at // shape[axis]
        indices[axis] = at - rest * shape[axis]
        at = rest
    indices[0] = at
    return indices


def affordable(source: np.ndarray, target: np.ndarray, spacing: np.ndarray, radius: float) -> float:
    """Shorten the radius, by halves, until `within` costs at most as much as a search of a k-d tree for every voxel."""
    span = _span(source, target)
    while True:
        reach = _reach(span, spacing, radius)
        shifts = prod((2 * reach[:-1] + 1).tolist()) * (1 + prod(_wide(span, reach).tolist()) / 8 / BYTES)
        if shifts <= source.shape[1] or not reach.any():
            return radius
        radius /= 2


def within(source: np.ndarray, target: np.ndarray, spacing: np.ndarray, radius: float) -> np.ndarray:
    """Check for each voxel of `source` whether one of `target` is at most `radius` mm away.

    Parameters
    ----------
    source, target : ndarray of int, (ndim, n) and (ndim, m)
        Indices of voxels, 0 or more.
    spacing : ndarray
        Of the grid, as `helpers.metrics.grids.check_spacing` returns it.

    Returns
    -------
    ndarray of bool, (n,)
    """
    span = _span(source, target)
    reach = _reach(span, spacing, radius)
    wide = _wide(span, reach)
    strides = np.append(np.cumprod(wide[:0:-1])[::-1], 1)
    across, ends = _runs(as_matrix(spacing), reach, radius)
    jumps = (across * (strides[:-1, None] // 8)).sum(axis=0)
    size, margin, last = prod(wide.tolist()) // 8, np.abs(jumps).max(), reach[-1]
    flat = np.zeros(8 * (size + 2 * margin) + 2 * last, bool)
    flat[last + 8 * margin + _number(target, strides)] = True
    shifted = np.packbits(sliding_window_view(flat, flat.size - 2 * last), axis=1, bitorder="little")
    runs = {ends: np.bitwise_or.reduce(shifted[last + ends[0] : last + ends[1] + 1]) for ends in set(ends)}
    found = np.zeros(size, np.uint8)
    for jump, run in zip((jumps + margin).tolist(), ends, strict=True):
        found |= runs[run][jump : jump + size]
    return np.unpackbits(found, bitorder="little").view(bool)[_number(source, strides)]


def _span(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    return np.maximum(source.max(axis=1), target.max(axis=1)) + 1


def _wide(span: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """Add room to the grid, so that no step leads from the end of a row to the start of the next, in whole bytes."""
    wide = span + reach
    wide[0] = span[0]
    wide[-1] += -wide[-1] % 8
    return wide


def _reach(span: np.ndarray, spacing: np.ndarray, radius: float) -> np.ndarray:
    """Count the steps along each axis that can be within the radius."""
    return np.minimum(radius / heights(spacing) + 1e-6, span - 1).astype(int)


def _number(voxels: np.ndarray, strides: np.ndarray) -> np.ndarray:
    return sum(index * stride for index, stride in zip(voxels, strides, strict=True))


def _runs(steps: np.ndarray, reach: np.ndarray, radius: float) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """List the steps within the radius: those across all axes but the last, and for each the ends of a run along it.

    A step is ``a + k c`` mm long, where ``c`` is a step along the last axis. Its length is at most the radius for ``k``
    between the roots of a quadratic equation.
    """
    sides = 2 * reach[:-1] + 1
    across = np.indices(sides).reshape(len(sides), prod(sides.tolist())) - reach[:-1, None]
    a, c = steps[:, :-1] @ across, steps[:, -1]
    square, middle = c @ c, -(c @ a)
    root = middle**2 - square * ((a * a).sum(axis=0) - radius * radius)
    across, middle, root = across[:, root >= 0], middle[root >= 0], np.sqrt(root[root >= 0])
    low = np.maximum(np.ceil((middle - root) / square), -reach[-1]).astype(int)
    high = np.minimum(np.floor((middle + root) / square), reach[-1]).astype(int)
    some = low <= high
    return across[:, some], list(zip(low[some].tolist(), high[some].tolist(), strict=True))
