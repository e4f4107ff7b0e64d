"""Scores of a predicted mask against an expert's mask.

**One policy for empty masks.** If the expert's mask, the predicted mask or both are empty, the case gets the worst
values: Dice, IoU and surface Dice 0, and as HD95 and ASSD the diagonal of the whole image in mm. Such a case is never
dropped and never NaN. It also never gets a perfect distance, as it does in some tools. `scores` marks such a case by
its ``status``, so that it can be counted, or left out where the question allows it (`helpers.metrics.detection` has the
rule for rates of lesions, which are NaN without a lesion):

=============  ===============================================
``scored``     both masks hold foreground
``missed``     the predicted mask is empty, the expert's is not
``spurious``   the expert's mask is empty, the predicted is not
``both empty``  nothing to find and nothing found: overlap is undefined, yet the values are the worst, so leave it out
=============  ===============================================

**Where definitions differ.** `hd95` measures distances between the centres of border voxels and counts each voxel
once, as MONAI and SimpleITK contours do. The surface-distance package of DeepMind measures them
between voxel corners and weights each corner by its area, so its HD95 differs by up to about a voxel's diagonal. A
percentile over both directions pooled, as in seg-metrics, is at most the larger of the two directed percentiles.
`assd` takes the mean over both directions pooled, as medpy and MONAI with ``symmetric=True`` do. Panoptica takes the
mean of two directed means, in which the border of a smaller mask has as much weight as that of a larger one.
SimpleITK's Hausdorff filter computes the maximum, not a percentile, over whole masks, not over their borders.
The surface Dice of `scores` is weighted by area, as in DeepMind's package and in MONAI with ``use_subvoxels=True``.
MONAI's default counts border voxels, so it differs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.metrics.checks import real, shown
from helpers.metrics.cropping import Pair, crop
from helpers.metrics.detection import detect
from helpers.metrics.grids import check_spacing, diagonal, voxel_volume
from helpers.metrics.surface import border, close, element_areas, mean_distance, percentile_distance, surface_elements

ROUNDING = 1e-6  # mm: a surface exactly at the tolerance counts as within it, whatever the rounding of its coordinates


def dice(expert: np.ndarray, predicted: np.ndarray) -> float:
    """Compute the Dice coefficient ``2 |A and B| / (|A| + |B|)``.

    Parameters
    ----------
    expert, predicted : ndarray
        Binary masks of one shape: 0 and one positive value each.

    Returns
    -------
    float
        Between 0 and 1; 0 if one mask is empty, or both are.

    Raises
    ------
    InputError
        Shapes differ, or a mask is not binary.
    """
    return _dice(crop(expert, predicted))


def iou(expert: np.ndarray, predicted: np.ndarray) -> float:
    """Compute the intersection over union (IoU, Jaccard index) ``|A and B| / |A or B|``.

    Parameters, errors and the value for empty masks are those of `dice`, which is ``2 IoU / (1 + IoU)``.
    """
    return _iou(crop(expert, predicted))


def hd95(expert: np.ndarray, predicted: np.ndarray, *, spacing: ArrayLike) -> float:
    """Compute the 95% Hausdorff distance (HD95) in mm.

    The surface of a mask is its border: foreground voxels with background, or the outside of the image, across at
    least one face. For the centre of every border voxel, the distance to the nearest border voxel's centre in the other
    mask is measured in mm, with the true voxel size. The result is the larger of the two directed 95th percentiles
    (linear interpolation between order statistics).

    Parameters
    ----------
    expert, predicted : ndarray
        Binary masks of one shape: 0 and one positive value each.
    spacing : array_like of shape (ndim,) or (ndim, ndim)
        Voxel size in mm, in the order of the array's axes; of a sheared grid, the matrix whose columns are the steps in
        mm along each axis.

    Returns
    -------
    float
        Distance in mm; the diagonal of the whole image if one mask is empty, or both are.

    Raises
    ------
    InputError
        Shapes differ, a mask is not binary, or the spacing does not fit.
    """
    pair = crop(expert, predicted)
    return _hd95(pair, check_spacing(spacing, len(pair.shape)))


def assd(expert: np.ndarray, predicted: np.ndarray, *, spacing: ArrayLike) -> float:
    """Compute the average symmetric surface distance (ASSD) in mm.

    For the centre of every border voxel of either mask, the distance to the nearest border voxel's centre in the other
    mask is measured, as in `hd95`. The result is the mean of all these distances, of both masks together.

    Parameters, errors and the value for empty masks are those of `hd95`.
    """
    pair = crop(expert, predicted)
    return _assd(pair, check_spacing(spacing, len(pair.shape)))


def scores(
    expert: np.ndarray, predicted: np.ndarray, *, spacing: ArrayLike, tolerance: float = 2.0
) -> dict[str, float | str]:
    """Compute all scores of one case; the common bounding box of the masks is searched only once.

    Parameters
    ----------
    expert, predicted : ndarray
        Binary three-dimensional masks of one shape: 0 and one positive value each.
    spacing : array_like of shape (ndim,) or (ndim, ndim)
        Voxel size in mm, in the order of the array's axes; of a sheared grid, the matrix whose columns are the steps in
        mm along each axis.
    tolerance : float
        Largest distance in mm that counts as agreement in the surface Dice.

    Returns
    -------
    dict
        ``dice``, ``hd95`` (mm), ``nsd`` (surface Dice), ``expert_cc`` and ``automatic_cc`` (volumes in cm^3), and
        ``status`` (see the module's policy on empty masks).

    Raises
    ------
    InputError
        Shapes differ, a mask is not binary or not three-dimensional, or spacing or tolerance do not fit.

    Notes
    -----
    The surface Dice is the share of both surfaces' area within the tolerance of the other surface, as defined by
    Nikolov et al. 2021 (https://doi.org/10.2196/26151) and in DeepMind's surface-distance package. Every voxel corner
    with differing values among its eight voxels is a surface element. The area of an element, in mm^2, is that of the
    surface through the middles of the edges of the cube between the eight voxel centres. Distances are measured between
    voxel corners.
    """
    pair = crop(expert, predicted)
    lengths = check_spacing(spacing, len(pair.shape))
    found = (bool(pair.expert.any()), bool(pair.predicted.any()))
    statuses = {
        (True, True): "scored",
        (True, False): "missed",
        (False, True): "spurious",
        (False, False): "both empty",
    }
    return {
        "dice": _dice(pair),
        "hd95": _hd95(pair, lengths),
        "nsd": _surface_dice(pair, lengths, check_tolerance(tolerance)),
        "expert_cc": _volume_cc(pair.expert, lengths),
        "automatic_cc": _volume_cc(pair.predicted, lengths),
        "status": statuses[found],
    }


def agreement(
    expert: np.ndarray,
    predicted: np.ndarray,
    *,
    spacing: ArrayLike,
    connectivity: int | None = None,
    overlap: float | str = 0.5,
) -> dict[str, float]:
    """Compute IoU, ASSD and the detection of lesions; the common bounding box of the masks is searched only once.

    Parameters
    ----------
    expert, predicted : ndarray
        Binary masks of one shape: 0 and one positive value each.
    spacing : array_like of shape (ndim,) or (ndim, ndim)
        As in `hd95`.
    connectivity, overlap
        As in `helpers.metrics.lesions`.

    Returns
    -------
    dict of str to int or float
        ``iou``, ``assd`` (mm), ``lesions_expert``, ``lesions_predicted``, ``lesions_found`` (of the expert's), and
        ``lesion_sensitivity``, ``lesion_precision``, ``lesion_f1`` (NaN without a lesion to divide by).

    Raises
    ------
    InputError
        Shapes differ, a mask is not binary, or another argument does not fit.
    """
    pair = crop(expert, predicted)
    lengths = check_spacing(spacing, len(pair.shape))
    found = detect(pair, connectivity, overlap)
    return {
        "iou": _iou(pair),
        "assd": _assd(pair, lengths),
        "lesions_expert": found["n_expert"],
        "lesions_predicted": found["n_predicted"],
        "lesions_found": found["matched"],
        "lesion_sensitivity": found["sensitivity"],
        "lesion_precision": found["precision"],
        "lesion_f1": found["f1"],
    }


def check_tolerance(tolerance: float) -> float:
    """Return the tolerance of the surface Dice as a float; raise InputError unless it is a length of 0 mm or more."""
    length = real(tolerance)
    if not 0 <= length < np.inf:
        raise InputError(f"tolerance = {shown(tolerance)}", "expected a length in mm, 0 or more", "Use 2.0 if in doubt")
    return length


def _dice(pair: Pair) -> float:
    total = np.count_nonzero(pair.expert) + np.count_nonzero(pair.predicted)
    return float(2 * np.count_nonzero(pair.expert & pair.predicted) / total) if total else 0.0


def _iou(pair: Pair) -> float:
    union = np.count_nonzero(pair.expert | pair.predicted)
    return float(np.count_nonzero(pair.expert & pair.predicted) / union) if union else 0.0


def _assd(pair: Pair, spacing: np.ndarray) -> float:
    if pair.empty:
        return diagonal(pair.shape, spacing)
    return mean_distance(border(pair.expert), border(pair.predicted), spacing)


def _hd95(pair: Pair, spacing: np.ndarray) -> float:
    if pair.empty:
        return diagonal(pair.shape, spacing)
    return percentile_distance(border(pair.expert), border(pair.predicted), spacing)


def _surface_dice(pair: Pair, spacing: np.ndarray, tolerance: float) -> float:
    if len(pair.shape) != 3:
        raise InputError(
            "expert and predicted mask",
            f"surface Dice is defined here for three-dimensional masks, found {len(pair.shape)} dimensions",
            "Give volumes, or use dice and hd95, which take any number of dimensions",
        )
    if pair.empty:
        return 0.0
    areas = element_areas(spacing)
    surfaces = [surface_elements(mask) for mask in (pair.expert, pair.predicted)]
    agreed = total = 0.0
    for (corners, codes), (others, _) in (surfaces, surfaces[::-1]):
        area = areas[codes]
        agreed += area[close(corners, others, spacing, tolerance + ROUNDING)].sum()
        total += area.sum()
    return float(agreed / total)


def _volume_cc(mask: np.ndarray, spacing: np.ndarray) -> float:
    return float(np.count_nonzero(mask) * voxel_volume(spacing) / 1000)
