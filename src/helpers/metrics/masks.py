"""Scores of a predicted mask against an expert's mask.

**Empty masks, one policy.** A case with an empty mask, the expert's, the predicted or both, gets the worst values:
Dice 0, surface Dice 0, and as HD95 the diagonal of the whole image in mm. It is never dropped, never NaN, and never
a perfect distance, which some tools give it. `scores` names such a case in its ``status``, so that it can be counted,
or left out where the question allows it:

=============  ===============================================
``scored``     both masks hold foreground
``missed``     the predicted mask is empty, the expert's is not
``spurious``   the expert's mask is empty, the predicted is not
``both empty``  nothing to find and nothing found: no overlap is defined; worst values all the same, so leave it out
=============  ===============================================

**Where definitions differ.** `hd95` is taken between border voxels' centres and counts each voxel once, as MONAI,
SimpleITK contours and the challenge's scorer do; the surface-distance package of DeepMind takes it between voxel
corners and weighs each by its area, so its HD95 differs by up to about a voxel's diagonal. A percentile over the two
directions pooled, as in seg-metrics, is lower or equal to the larger of the two. SimpleITK's own Hausdorff filter is
the maximum, not a percentile, and is taken over whole masks, not their borders. `surface_dice` is area-weighted as in
DeepMind's package and MONAI's ``use_subvoxels=True``; MONAI's default counts border voxels, so it differs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from helpers.errors import InputError
from helpers.metrics.challenge import contour_hd95
from helpers.metrics.cropping import Pair, check_spacing, crop
from helpers.metrics.surface import border, element_areas, percentile_distances, surface_elements, within

ROUNDING = 1e-6  # mm: a surface exactly at the tolerance is within it, whatever the rounding of its coordinates


def dice(expert: np.ndarray, predicted: np.ndarray) -> float:
    """Dice coefficient ``2 |A and B| / (|A| + |B|)``.

    Parameters
    ----------
    expert, predicted : ndarray
        Binary masks of one shape: 0 and one positive value each.

    Returns
    -------
    float
        Between 0 and 1; 0 where a mask, or both, are empty.

    Raises
    ------
    InputError
        Shapes differ, or a mask is not binary.
    """
    return _dice(crop(expert, predicted))


def hd95(expert: np.ndarray, predicted: np.ndarray, *, spacing: Sequence[float]) -> float:
    """95% Hausdorff distance in mm.

    The surface of a mask is its border: foreground voxels with background, or the outside of the image, across at
    least one face. From every border voxel's centre the distance to the nearest border voxel's centre of the other
    mask is taken in mm, along the true voxel size. The result is the larger of the two directed 95th percentiles
    (linear interpolation between order statistics).

    Parameters
    ----------
    expert, predicted : ndarray
        Binary masks of one shape: 0 and one positive value each.
    spacing : sequence of float
        Voxel size in mm, in the order of the array's axes.

    Returns
    -------
    float
        Distance in mm; the diagonal of the whole image where a mask, or both, are empty.

    Raises
    ------
    InputError
        Shapes differ, a mask is not binary, or the spacing does not fit.
    """
    pair = crop(expert, predicted)
    return _hd95(pair, check_spacing(spacing, len(pair.shape)))


def surface_dice(
    expert: np.ndarray, predicted: np.ndarray, *, spacing: Sequence[float], tolerance: float = 2.0
) -> float:
    """Normalised surface Dice: the share of both surfaces' area that lies within a tolerance of the other surface.

    The surface is the one of Nikolov et al. 2021 (https://doi.org/10.2196/26151) and of DeepMind's surface-distance
    package: an element at every voxel corner whose eight voxels differ, with the area in mm^2 of the surface through
    the middles of the cube's edges. Distances are taken between voxel corners.

    Parameters
    ----------
    expert, predicted : ndarray
        Binary three-dimensional masks of one shape: 0 and one positive value each.
    spacing : sequence of float
        Voxel size in mm, in the order of the array's axes.
    tolerance : float
        Largest distance in mm that counts as agreement.

    Returns
    -------
    float
        Between 0 and 1; 0 where a mask, or both, are empty.

    Raises
    ------
    InputError
        Shapes differ, a mask is not binary or not three-dimensional, or spacing or tolerance do not fit.
    """
    pair = crop(expert, predicted)
    return _surface_dice(pair, check_spacing(spacing, len(pair.shape)), check_tolerance(tolerance))


def volume_cc(mask: np.ndarray, spacing: Sequence[float]) -> float:
    """Volume of a mask's foreground in cm^3, for a voxel size in mm."""
    pair = crop(mask, mask)
    return _volume_cc(pair.expert, check_spacing(spacing, len(pair.shape)))


def scores(
    expert: np.ndarray, predicted: np.ndarray, *, spacing: Sequence[float], tolerance: float = 2.0
) -> dict[str, float | str]:
    """All scores of one case, from one search for the masks' common box.

    Parameters
    ----------
    expert, predicted : ndarray
        Binary three-dimensional masks of one shape: 0 and one positive value each.
    spacing : sequence of float
        Voxel size in mm, in the order of the array's axes.
    tolerance : float
        Tolerance of the surface Dice in mm.

    Returns
    -------
    dict
        ``dice``, ``hd95`` (mm), ``nsd`` (surface Dice), ``expert_cc`` and ``automatic_cc`` (volumes in cm^3),
        ``status`` (see the module's policy on empty masks) and ``hd95_voxels`` (the challenge's, see
        `helpers.metrics.hd95_voxels`).

    Raises
    ------
    InputError
        Shapes differ, a mask is not binary or not three-dimensional, or spacing or tolerance do not fit.
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
    if pair.empty or any(map(any, pair.touches)):
        distance, in_voxels = _hd95(pair, lengths), contour_hd95(pair)
    else:  # away from the image's edge the two borders are one, so one search does for both
        edges = border(pair.expert), border(pair.predicted)
        distance, in_voxels = percentile_distances(*edges, lengths, np.ones(len(lengths)))
    return {
        "dice": _dice(pair),
        "hd95": distance,
        "nsd": _surface_dice(pair, lengths, check_tolerance(tolerance)),
        "expert_cc": _volume_cc(pair.expert, lengths),
        "automatic_cc": _volume_cc(pair.predicted, lengths),
        "status": statuses[found],
        "hd95_voxels": in_voxels,
    }


def check_tolerance(tolerance: float) -> float:
    """The tolerance of the surface Dice as a float; InputError unless it is a length of 0 mm or more."""
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float | np.number) or not 0 <= tolerance < np.inf:
        raise InputError(f"tolerance = {tolerance}", "expected a length in mm, 0 or more", "Use 2.0 if in doubt")
    return float(tolerance)


def _dice(pair: Pair) -> float:
    total = np.count_nonzero(pair.expert) + np.count_nonzero(pair.predicted)
    return float(2 * np.count_nonzero(pair.expert & pair.predicted) / total) if total else 0.0


def _hd95(pair: Pair, spacing: np.ndarray) -> float:
    if pair.empty:
        return float(np.linalg.norm(np.array(pair.shape) * spacing))
    return percentile_distances(border(pair.expert), border(pair.predicted), spacing)[0]


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
    codes = [surface_elements(mask) for mask in (pair.expert, pair.predicted)]
    surfaces = [(code != 0) & (code != 255) for code in codes]
    agreed = total = 0.0
    for this, other in ((0, 1), (1, 0)):
        area = areas[codes[this][surfaces[this]]]
        agreed += area[within(surfaces[this], surfaces[other], spacing, tolerance + ROUNDING)].sum()
        total += area.sum()
    return float(agreed / total)


def _volume_cc(mask: np.ndarray, spacing: np.ndarray) -> float:
    return float(np.count_nonzero(mask) * spacing.prod() / 1000)
