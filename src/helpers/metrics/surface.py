"""Surfaces of masks: border voxels, area-weighted surface elements, and distances between them."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
from scipy.ndimage import distance_transform_edt, label
from scipy.spatial import ConvexHull, cKDTree

from helpers.metrics.grids import positions, scale_areas
from helpers.metrics.nearness import affordable, places, within

CORNERS = np.array(list(product((0, 1), repeat=3)))  # of a cube between eight voxel centres; corner i sets bit i
SHARE = 0.95  # of the distances that are at most the 95th percentile
MANY = 10_000  # voxels far away, from which on the distances of the whole grid cost less than a search for each
GRID = 100  # voxels of the grid for each voxel that is searched; in a solid mask there are more
TIE = 1e-9  # relative: distances that differ less are equal but for rounding


def border(mask: np.ndarray) -> np.ndarray:
    """Find the foreground voxels with a background voxel across at least one face.

    Parameters
    ----------
    mask : ndarray of bool
        A mask in C order, with a margin of one voxel.

    Returns
    -------
    ndarray of int, (ndim, n)
        Indices of the border, in C order, on the grid without the margin.
    """
    flat = mask.view(np.uint8).reshape(-1)  # a neighbour is a fixed number of voxels away, and no mask is at the ends
    enclosed = flat.copy()
    for stride in mask.strides:
        enclosed[stride:-stride] &= flat[2 * stride :] & flat[: -2 * stride]
    return places(np.flatnonzero((flat ^ enclosed).view(bool)), mask.shape) - 1


def percentile_distance(first: np.ndarray, second: np.ndarray, spacing: np.ndarray) -> float:
    """Compute the larger of the two directed 95th percentile distances between two sets of voxels.

    Parameters
    ----------
    first, second : ndarray of int, (ndim, n) and (ndim, m)
        Indices of voxels, 0 or more; at least one voxel each.
    spacing : ndarray
        Of the grid, as `helpers.metrics.grids.check_spacing` returns it.
    """
    more, fewer = (first, second) if first.shape[1] > second.shape[1] else (second, first)
    return _percentile(fewer, more, spacing, least=_percentile(more, fewer, spacing))


def mean_distance(first: np.ndarray, second: np.ndarray, spacing: np.ndarray) -> float:
    """Compute the mean distance over both directions pooled; parameters as in `percentile_distance`."""
    both = []
    for source, target in ((first, second), (second, first)):
        apart = ~within(source, target, spacing, 0.0)  # the others need no search
        distances = np.zeros(apart.size)
        distances[apart] = _search(source[:, apart], _tree(target, spacing), spacing)
        both.append(distances)
    return float(np.concatenate(both).mean())


def _percentile(source: np.ndarray, target: np.ndarray, spacing: np.ndarray, least: float = 0.0) -> float:
    """Compute the 95th percentile of the distances from `source` to `target` in mm, or `least` if that is larger.

    The percentile depends on two distances only, those of `rank` and of the next. Voxels that are nearer need no
    search, if enough others remain. So the voxels within a distance somewhat under the percentile, which a sample
    gives, are left out.
    """
    count = source.shape[1]
    rank = int((count - 1) * SHARE)
    rest, cheap = _beyond(source, target, spacing, least * (1 - TIE)) if least else (source, True)
    if count - rest.shape[1] >= min(rank + 2, count):
        return least
    if count - rest.shape[1] > rank:
        rest = source
    tree = _tree(target, spacing)
    needed = 1 - (count - rank) / rest.shape[1]  # the share of the rest that is nearer than the distance of the rank
    size = int((rest.shape[1] / 5) ** (2 / 3)) + 1  # more would cost more searches here than they save below
    share = needed - 2 * np.sqrt(needed * (1 - needed) / size)
    if share > 0:
        sample = _search(rest[:, :: rest.shape[1] // size], tree, spacing)
        far, cheap = _beyond(rest, target, spacing, np.quantile(sample, share) * (1 + TIE))
        if count - far.shape[1] > rank:  # many are at one distance, which is 0 where the masks agree
            far, _ = _beyond(rest, target, spacing, 0.0)
        rest = far
    many = rest.shape[1] > MANY and not (cheap and np.prod(np.ptp(rest, axis=1)) > GRID * rest.shape[1])
    on_grid = many and spacing.ndim == 1
    distances = np.zeros(count)
    distances[count - rest.shape[1] :] = _map(rest, target, spacing) if on_grid else _search(rest, tree, spacing)
    return max(float(np.percentile(distances, 100 * SHARE)), least)


def _map(source: np.ndarray, target: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Measure the distance in mm from each voxel to the nearest of the target by a distance transform of the grid.

    It takes the same time wherever the voxels are. A k-d tree is slow for voxels in the middle of a large surface,
    which are equally far from much of it.
    """
    apart = np.ones(np.maximum(source.max(axis=1), target.max(axis=1)) + 1, bool)
    apart[tuple(target)] = False
    nearest = distance_transform_edt(apart, sampling=spacing, return_distances=False, return_indices=True)
    between = positions(source.T, spacing) - positions(nearest[:, *source].T, spacing)
    return np.linalg.norm(between, axis=1)


def _beyond(source: np.ndarray, target: np.ndarray, spacing: np.ndarray, radius: float) -> tuple[np.ndarray, bool]:
    """Leave out voxels of `source` within the radius of `target`, or within a smaller one and return False."""
    smaller = affordable(source, target, spacing, radius)
    return source[:, ~within(source, target, spacing, smaller)], smaller == radius


def close(source: np.ndarray, target: np.ndarray, spacing: np.ndarray, limit: float) -> np.ndarray:
    """Check for each voxel of `source` whether one of `target` is at most `limit` mm away; as `within`, at any limit.

    Where steps within the limit are too many to be tried, a k-d tree searches for the rest.
    """
    radius = affordable(source, target, spacing, limit)
    near = within(source, target, spacing, radius)
    if radius < limit and not near.all():
        near[~near] = _search(source[:, ~near], _tree(target, spacing), spacing) <= limit
    return near


def _tree(voxels: np.ndarray, spacing: np.ndarray) -> cKDTree:
    return cKDTree(positions(voxels.T, spacing), leafsize=32, balanced_tree=False, compact_nodes=False)


def _search(voxels: np.ndarray, tree: cKDTree, spacing: np.ndarray) -> np.ndarray:
    """Measure the distance in mm from each voxel to the nearest of the tree."""
    return tree.query(positions(voxels.T, spacing))[0]


def surface_elements(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the voxel corners whose eight voxels differ.

    Parameters
    ----------
    mask : ndarray of bool, three-dimensional
        A mask in C order, with a margin of one voxel.

    Returns
    -------
    corners : ndarray of int, (3, n)
        Indices of the corners, in C order.
    codes : ndarray of uint8, (n,)
        The eight voxels around each corner as one number: corner ``i`` of `CORNERS` sets bit ``i``.
    """
    flat = mask.view(np.uint8).reshape(-1)
    first, *jumps = (CORNERS @ mask.strides)[::-1].tolist()
    code = flat[first:].copy()
    for jump in jumps:
        code += code  # moves all bits up
        code |= flat[jump : jump + code.size]
    found = np.flatnonzero(code + np.uint8(255) < 254)  # neither 0 nor 255
    return places(found, mask.shape), code[found]


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
