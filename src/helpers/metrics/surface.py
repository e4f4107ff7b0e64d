"""Surfaces of masks: border voxels, area-weighted surface elements, and distances between them."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
from scipy.ndimage import label
from scipy.spatial import ConvexHull, cKDTree

from helpers.metrics.grids import positions, scale_areas, thinnest

CORNERS = np.array(list(product((0, 1), repeat=3)))  # of a cube between eight voxel centres; corner i sets bit i
REACH = 3  # steps along each axis that are tried before a k-d tree is built


def border(mask: np.ndarray) -> np.ndarray:
    """Find the foreground voxels with a background voxel across at least one face.

    Parameters
    ----------
    mask : ndarray of bool
        A mask with a margin of one voxel.

    Returns
    -------
    ndarray of bool
        The border, without the margin.
    """
    inner = (slice(1, -1),) * mask.ndim
    enclosed = mask[inner].copy()
    for axis in range(mask.ndim):
        for shifted in (slice(None, -2), slice(2, None)):
            enclosed &= mask[(*inner[:axis], shifted, *inner[axis + 1 :])]
    return mask[inner] & ~enclosed


def percentile_distance(first: np.ndarray, second: np.ndarray, spacing: np.ndarray) -> float:
    """Compute the larger of the two directed 95th percentile distances between two sets of voxels.

    Parameters
    ----------
    first, second : ndarray of bool
        Arrays of one shape, each with a marked voxel.
    spacing : ndarray
        Of the grid, as `helpers.metrics.grids.check_spacing` returns it.
    """
    return float(max(np.percentile(d, 95) for d in _both_ways(first, second, spacing)))


def mean_distance(first: np.ndarray, second: np.ndarray, spacing: np.ndarray) -> float:
    """Compute the mean distance over both directions pooled; parameters as in `percentile_distance`."""
    return float(np.concatenate(_both_ways(first, second, spacing)).mean())


def _both_ways(first: np.ndarray, second: np.ndarray, spacing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return _distances(first, second, spacing), _distances(second, first, spacing)


def _distances(source: np.ndarray, target: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Measure the distance in mm from each marked voxel of `source` to the nearest one of `target`."""
    apart = ~target[source]  # the others are at distance 0 and need no search
    distances = np.zeros(apart.size)
    if apart.any():
        tree = _tree(positions(np.argwhere(target), spacing))
        distances[apart] = tree.query(positions(np.argwhere(source)[apart], spacing))[0]
    return distances


def within(source: np.ndarray, target: np.ndarray, spacing: np.ndarray, limit: float) -> np.ndarray:
    """Check for each marked voxel of `source`, in C order, whether one of `target` is at most `limit` mm away.

    Most voxels have one a few steps away, so the steps around a voxel are tried from the shortest on. If the limit is
    beyond these steps, a k-d tree searches for the rest.
    """
    inner = (slice(REACH, -REACH),) * source.ndim
    roomy = np.zeros((2, *(n + 2 * REACH for n in source.shape)), bool)  # padded, so that no step leaves it
    roomy[0][inner], roomy[1][inner] = source, target
    marked, jumps = roomy[1].reshape(-1), np.array(roomy[1].strides)
    at = np.flatnonzero(roomy[0])
    near, rest = np.zeros(at.size, bool), np.arange(at.size)
    shells, complete = _shells(spacing.tobytes(), spacing.shape)
    for length, steps in shells:
        if length > limit:
            return near
        hit = marked[at[rest, None] + steps @ jumps].any(axis=1)
        near[rest[hit]] = True
        rest = rest[~hit]
    if limit >= complete and rest.size:
        points = np.column_stack(np.unravel_index(at[rest], roomy.shape[1:])) - REACH
        tree = _tree(positions(np.argwhere(target), spacing))
        near[rest] = tree.query(positions(points, spacing))[0] <= limit
    return near


def _tree(points: np.ndarray) -> cKDTree:
    return cKDTree(points, leafsize=32, balanced_tree=False, compact_nodes=False)


@lru_cache(maxsize=64)
def _shells(spacing: bytes, shape: tuple[int, ...]) -> tuple[list[tuple[float, np.ndarray]], float]:
    """List the steps to near voxels, grouped by length, shortest first, and the length below which all are listed.

    A step that is not listed crosses more than `REACH` planes of voxels along an axis.
    """
    grid = np.frombuffer(spacing).reshape(shape)
    steps = np.array(list(product(range(-REACH, REACH + 1), repeat=len(grid))))
    lengths = np.linalg.norm(positions(steps, grid), axis=1).round(9)
    complete = (REACH + 1) * thinnest(grid)
    return [(float(v), steps[lengths == v]) for v in np.unique(lengths[lengths < complete])], complete


def surface_elements(mask: np.ndarray) -> np.ndarray:
    """Encode the eight voxels around each voxel corner as one number; 0 and 255 hold no surface.

    Parameters
    ----------
    mask : ndarray of bool, three-dimensional
        A mask with a margin of one voxel.
    """
    code = np.zeros(np.array(mask.shape) - 1, np.uint8)
    grey = mask.view(np.uint8)
    for bit, corner in enumerate(CORNERS):
        code |= grey[tuple(slice(c, c + n) for c, n in zip(corner, code.shape, strict=True))] << np.uint8(bit)
    return code


def element_areas(spacing: np.ndarray) -> np.ndarray:
    """Compute the area in mm^2 of the surface inside a cube of eight voxel centres, for each of the 256 codes.

    The surface passes through the middle of every cube edge with exactly one end in the mask. It is cut into flat
    pieces. The area of a piece at a spacing is the length of its vector area, after each component is scaled by the
    spacings of the two other axes (the definition of Nikolov et al. 2021, https://doi.org/10.2196/26151). On a sheared
    grid the matrix of cofactors takes the place of these. There the surface of a code depends on how it is cut, so it
    has the mean area over both cuts of skew pieces, and over mask and background swapped.
    """
    if spacing.ndim == 1:
        return _areas(spacing, 0)
    areas = (_areas(spacing, 0) + _areas(spacing, 1)) / 2
    return (areas + areas[::-1]) / 2


def _areas(spacing: np.ndarray, first: int) -> np.ndarray:
    codes, vectors = _pieces(first)
    return np.bincount(codes, np.linalg.norm(scale_areas(vectors, spacing), axis=1), minlength=256)


@lru_cache(maxsize=2)
def _pieces(first: int) -> tuple[np.ndarray, np.ndarray]:
    """Compute the code and the vector area, at unit spacing, of every flat piece of all 256 surfaces.

    Of mask and background, the one with fewer of the eight voxels is split into parts joined by faces. The surface of a
    part is the boundary of the convex hull of its voxel centres and edge middles, without the triangles in the faces of
    the cube. A surface of six corners may be skew (not flat). It is cut by joining every second corner, from `first`
    (0 or 1) on, which gives the same area at unit spacing.
    """
    codes, vectors = [], []
    for code in range(1, 255):
        cube = np.array([code >> bit & 1 for bit in range(8)]).reshape(2, 2, 2)
        parts, count = label(cube if cube.sum() <= 4 else 1 - cube)
        for part in range(1, count + 1):
            for triangle in _triangles(parts == part, first):
                codes.append(code)
                vectors.append(np.cross(triangle[1] - triangle[0], triangle[2] - triangle[0]) / 2)
    return np.array(codes), np.array(vectors)


def _triangles(part: np.ndarray, first: int) -> list[np.ndarray]:
    centres = np.argwhere(part).astype(float)
    flips = np.abs(centres[:, None] - np.eye(3))  # the neighbour of each centre along each axis
    ends_differ = ~part[tuple(flips.astype(int).transpose(2, 0, 1))]
    middles = ((centres[:, None] + flips) / 2)[ends_differ]
    if len(middles) == 6:
        axis = np.linalg.qr(np.c_[centres.mean(0) - 0.5, np.eye(3)])[0]
        around = (middles - middles.mean(0)) @ axis[:, 1:]
        ring = np.roll(middles[np.argsort(np.arctan2(around[:, 1], around[:, 0]))], -first, axis=0)
        return [ring[list(i)] for i in ((0, 2, 4), (0, 1, 2), (2, 3, 4), (4, 5, 0))]
    points = np.vstack([centres, middles])
    triangles = [points[simplex] for simplex in ConvexHull(points).simplices]
    return [t for t in triangles if not ((t == 0).all(0) | (t == 1).all(0)).any()]
