"""Agreement of maps, such as attributions: ranks, overlaps and signs, against the noise of the method itself.

An image is a unit and a pixel never is: every function returns one number an image. A map that is constant or NaN has
no ranks; what it enters is NaN, for the caller to count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from helpers.errors import InputError

SMALLEST_MOVE = 0.1  # of 1 - Spearman beyond the noise: the least difference that is a finding


def map_agreement(maps: ArrayLike) -> np.ndarray:
    """Compute Spearman's correlation of every two methods on each image; each map is ranked once.

    Parameters
    ----------
    maps : array_like of shape (methods, n, ...)
        Maps of the same images by two methods or more.

    Returns
    -------
    ndarray of shape (n, methods, methods)
        Ties have their mean rank. Rows and columns of a constant map, or one of NaN, are NaN.

    Raises
    ------
    InputError
        The shape is another, or a map is NaN or infinite in some pixels alone.
    """
    given = np.asarray(maps, float)
    if given.ndim < 3 or len(given) < 2 or not given.size:
        problem = f"expected (methods, n, ...) of two methods or more, found {given.shape}"
        raise InputError("maps", problem, "Stack the maps of all methods")
    unit = _unit_ranks(_flat("maps", given.reshape(-1, *given.shape[2:]))).reshape(*given.shape[:2], -1)
    by_image = unit.swapaxes(0, 1)
    return np.clip(by_image @ by_image.swapaxes(1, 2), -1, 1)


def spearman(first: ArrayLike, second: ArrayLike) -> np.ndarray:
    """Compute Spearman's correlation of two maps of each image.

    Parameters
    ----------
    first, second : array_like of shape (n, ...)

    Returns
    -------
    ndarray of shape (n,)
        NaN where a map is constant or NaN.

    Raises
    ------
    InputError
        Shapes differ, or a map is NaN or infinite in some pixels alone.
    """
    one, other = (_unit_ranks(part) for part in _pair(first, second))
    return np.clip((one * other).sum(1), -1, 1)


def top_overlap(first: ArrayLike, second: ArrayLike, *, k: ArrayLike) -> np.ndarray:
    """Compute the share of the k highest pixels that two maps of an image have in common.

    The feature agreement of Krishna et al. 2022 (arXiv 2202.01602). Of tied pixels the first count.

    Parameters
    ----------
    first, second : array_like of shape (n, ...)
    k : int or array_like of shape (n,)
        Such as the size of a planted part.

    Returns
    -------
    ndarray of shape (n,)
        NaN where a map is NaN.

    Raises
    ------
    InputError
        As in `spearman`, or k is not from 1 to the number of pixels.
    """
    one, other = _pair(first, second)
    n, pixels = one.shape
    count = np.broadcast_to(np.asarray(k), n)[:, None]
    if count.dtype.kind not in "iu" or count.min() < 1 or count.max() > pixels:
        raise InputError("k", f"must be a whole number from 1 to {pixels}", "Give the size of a part in pixels")
    places = [(-part).argsort(1, kind="stable").argsort(1) < count for part in (one, other)]
    found = (places[0] & places[1]).sum(1) / count[:, 0]
    return np.where(np.isnan(one[:, 0]) | np.isnan(other[:, 0]), np.nan, found)


def sign_agreement(first: ArrayLike, second: ArrayLike) -> np.ndarray:
    """Compute the share of pixels at which two maps of an image have the same sign, of those where both have one.

    Returns
    -------
    ndarray of shape (n,)
        NaN where no pixel has a sign in both.

    Raises
    ------
    InputError
        As in `spearman`.
    """
    signs = np.sign(np.stack(_pair(first, second)))
    both = (signs != 0).all(0) & ~np.isnan(signs).any(0)
    same = (both & (signs[0] == signs[1])).sum(1)
    return np.divide(same, both.sum(1), out=np.full(len(same), np.nan), where=both.any(1))


def localisation(maps: ArrayLike, part: ArrayLike) -> np.ndarray:
    """Compute how often a pixel of a part has a higher value than one outside: the AUROC over the pixels of a map.

    Parameters
    ----------
    maps : array_like of shape (n, ...)
    part : array_like of bool, shape (n, ...) or of one image

    Returns
    -------
    ndarray of shape (n,)
        Ties count half, so a constant map has 0.5; NaN where a map is NaN.

    Raises
    ------
    InputError
        Shapes differ, a mask has no pixel or all of them, or a map is NaN or infinite in some pixels alone.
    """
    from scipy.stats import rankdata  # slow to import

    values, inside = _flat("maps", np.asarray(maps, float)), np.asarray(part)
    shape = np.shape(maps)
    if inside.dtype != bool or inside.shape not in (shape, shape[1:]):
        problem = f"expected bool of shape {shape}, found {inside.dtype} {inside.shape}"
        raise InputError("part", problem, "Give a mask of each image")
    masks = np.broadcast_to(inside, shape).reshape(len(values), -1)
    size = masks.sum(1)
    bad = (size == 0) | (size == masks.shape[1])
    if bad.any():
        where = int(np.flatnonzero(bad)[0])
        problem = f"the mask of image {where} has {'no pixel' if not size[where] else 'all pixels'}"
        raise InputError("part", problem, "Leave out such images")
    ranks = rankdata(values, axis=1, nan_policy="propagate")
    above = (ranks * masks).sum(1) - size * (size + 1) / 2
    return above / (size * (masks.shape[1] - size))


def beyond_noise(before: ArrayLike, after: ArrayLike, *, again: ArrayLike) -> np.ndarray:
    """Compute how much farther a switch moves a map than the noise of the method: 1 - Spearman less the same of noise.

    A difference of at least `SMALLEST_MOVE` is a finding, by a rule that is set before the maps are seen.

    Parameters
    ----------
    before, after : array_like of shape (n, ...)
        Maps before and after the switch.
    again : array_like of shape (n, ...)
        Maps before the switch, by another seed of the method; for a method without one, of the images with noise of
        one grey level. It may not share its seed with `before`.

    Returns
    -------
    ndarray of shape (n,)
        -2 to 2; NaN where a map is constant or NaN.

    Raises
    ------
    InputError
        As in `spearman`.
    """
    return spearman(before, again) - spearman(before, after)


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    if np.shape(first) != np.shape(second):
        problem = f"shapes {np.shape(first)} and {np.shape(second)} differ"
        raise InputError("maps", problem, "Give two maps of each image")
    return _flat("first", np.asarray(first, float)), _flat("second", np.asarray(second, float))


def _flat(name: str, maps: np.ndarray) -> np.ndarray:
    if maps.ndim < 2 or not maps.size:
        raise InputError(name, f"expected (n, ...), found {maps.shape}", "Give a map of each image")
    flat = maps.reshape(len(maps), -1)
    bad = ~np.isfinite(flat)
    some = bad.any(1) & ~np.isnan(flat).all(1)
    if some.any():
        where = int(np.flatnonzero(some)[0])
        problem = f"map {where} is NaN or infinite in {bad[where].sum()} of {flat.shape[1]} pixels"
        raise InputError(name, problem, "Check the network's weights and the images")
    return flat


def _unit_ranks(flat: np.ndarray) -> np.ndarray:
    """Rank the pixels of each map and scale the ranks to mean 0 and length 1; NaN for a map that has no ranks."""
    from scipy.stats import rankdata  # slow to import

    ranks = rankdata(flat, axis=1, nan_policy="propagate")
    ranks -= (flat.shape[1] + 1) / 2
    length = np.sqrt((ranks * ranks).sum(1, keepdims=True))
    return np.divide(ranks, length, out=np.full_like(ranks, np.nan), where=length > 0)
