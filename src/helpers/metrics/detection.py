"""Lesions of an expert's mask that a predicted mask finds: counts, sensitivity, precision.

A lesion is a connected component. By default voxels are connected across faces, edges and corners (26 neighbours in
3-D, 8 in 2-D), as in scikit-image and panoptica: a thin lesion that runs obliquely would otherwise fall apart.
SciPy and SimpleITK connect across faces only unless asked, and then count more lesions.

**Two rules of finding.** With a number as `overlap`, lesions are paired one to one: a pair needs at least that IoU.
Above 0.5 a lesion has at most one partner, so there is nothing to choose. Below, as many pairs as possible are made,
and of all such choices the one with the largest sum of IoU is taken (an optimal assignment). Panoptica's naive matching
takes the pair of largest IoU first, which can leave more lesions without a partner. With ``overlap="any"``, as in many
challenges, one common voxel is enough, and a predicted lesion may find several of the expert's: sensitivity counts the
expert's lesions that are touched, and precision the predicted ones that are.

**Nothing to find.** A rate without a denominator is NaN, never 0 or 1: sensitivity if the expert marked no lesion,
precision if none is predicted, F1 if there is neither. A case whose lesions were all missed therefore has the
sensitivity 0 and F1 0, and no precision. Leave a NaN out of a mean, and count it.
"""

from __future__ import annotations

from math import comb

import numpy as np
from scipy.ndimage import generate_binary_structure, label
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from helpers.errors import InputError, check_choice
from helpers.metrics.checks import real, shown
from helpers.metrics.cropping import Pair, crop


def lesions(
    expert: np.ndarray, predicted: np.ndarray, *, connectivity: int | None = None, overlap: float | str = 0.5
) -> dict[str, float]:
    """Count the lesions that are found, missed and spurious, and compute the rates of detection.

    Parameters
    ----------
    expert, predicted : ndarray
        Binary masks of one shape: 0 and one positive value each.
    connectivity : int or None
        Number of neighbours that a voxel is connected with: 6, 18 or 26 in 3-D, 4 or 8 in 2-D. None takes the most.
    overlap : float or "any"
        Smallest IoU of a pair, above 0 and at most 1; or "any" (see the module).

    Returns
    -------
    dict of str to int or float
        ``n_expert``, ``n_predicted`` (lesions), ``matched`` (of the expert's), ``missed``, ``spurious``,
        ``sensitivity``, ``precision``, ``f1`` (their harmonic mean), and the mean ``iou`` and ``dice`` of the pairs
        (NaN without a pair, and for "any", which makes none). With sensitivity or precision 0, F1 is 0.

    Raises
    ------
    InputError
        Shapes differ, a mask is not binary, or `connectivity` or `overlap` is none of these.

    Notes
    -----
    F1 is the recognition quality and the mean IoU the segmentation quality of Kirillov et al. 2019
    (https://doi.org/10.1109/CVPR.2019.00963), whose product is the panoptic quality.
    """
    return detect(crop(expert, predicted), connectivity, overlap)


def detect(pair: Pair, connectivity: int | None, overlap: float | str) -> dict[str, float]:
    """Compute what `lesions` returns for two masks that are cropped already."""
    ndim = pair.expert.ndim
    kinds = {sum(comb(ndim, k) * 2**k for k in range(1, rank + 1)): rank for rank in range(1, ndim + 1)}
    if connectivity is not None:
        check_choice("connectivity", connectivity, kinds)
    any_voxel, least = isinstance(overlap, str) and overlap == "any", real(overlap)
    if not (any_voxel or 0 < least <= 1):
        fix = 'Use 0.5, or "any" for one common voxel'
        raise InputError(f"overlap = {shown(overlap)}", "expected an IoU above 0 and at most 1", fix)
    neighbours = generate_binary_structure(ndim, kinds[connectivity or max(kinds)])
    (first, n_expert), (second, n_predicted) = (label(mask, neighbours) for mask in (pair.expert, pair.predicted))
    rows, columns, ious = _overlaps(first, second)
    if any_voxel:
        ious, found, right = ious[:0], len(np.unique(rows)), len(np.unique(columns))
    else:
        near = ious >= least
        ious = ious[near][_assign(rows[near], columns[near], ious[near])]
        found = right = len(ious)
    nothing = float("nan")
    return {
        "n_expert": n_expert,
        "n_predicted": n_predicted,
        "matched": found,
        "missed": n_expert - found,
        "spurious": n_predicted - right,
        "sensitivity": found / n_expert if n_expert else nothing,
        "precision": right / n_predicted if n_predicted else nothing,
        "f1": 2 / (n_expert / found + n_predicted / right) if found else 0.0 if n_expert + n_predicted else nothing,
        "iou": float(ious.mean()) if len(ious) else nothing,
        "dice": float((2 * ious / (1 + ious)).mean()) if len(ious) else nothing,
    }


def _overlaps(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """List the pairs of labels with a common voxel: the label in each array, and the IoU."""
    both = (first > 0) & (second > 0)
    pairs, shape = (first[both], second[both]), (first.max() + 1, second.max() + 1)
    table = coo_array((np.ones(len(pairs[0])), pairs), shape=shape).tocsr().tocoo()  # sums what a pair has in common
    sizes = [np.bincount(labels.ravel()) for labels in (first, second)]
    union = sizes[0][table.row] + sizes[1][table.col] - table.data
    return table.row, table.col, table.data / union


def _assign(rows: np.ndarray, columns: np.ndarray, ious: np.ndarray) -> np.ndarray:
    """Choose pairs so that no row and no column is in two: as many as possible, then of the largest sum of IoU.

    Pairs that share no lesion, even through others, do not depend on each other, so each cluster is solved alone.
    """
    if not len(rows):
        return np.empty(0, int)
    nodes = rows, columns + rows.max() + 1
    _, cluster = connected_components(coo_array((np.ones(len(rows)), nodes), shape=(nodes[1].max() + 1,) * 2), False)
    order = np.argsort(cluster[rows], kind="stable")
    chosen = []
    for block in np.split(order, np.flatnonzero(np.diff(cluster[rows[order]])) + 1):
        (_, i), (_, j) = (np.unique(labels[block], return_inverse=True) for labels in (rows, columns))
        worth = np.zeros((i.max() + 1, j.max() + 1))
        worth[i, j] = 1 + ious[block] / (len(block) + 1)  # all IoU together are worth less than one pair
        taken = np.zeros(worth.shape, bool)
        taken[linear_sum_assignment(worth, maximize=True)] = True
        chosen.append(block[taken[i, j]])
    return np.concatenate(chosen)
