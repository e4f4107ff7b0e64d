"""Second masks of images that have one by an expert: degraded by a rule, or by networks trained on other patients."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from helpers import datasets
from helpers.studies.biased_ruler import slices

SHIFT = 0.5  # largest shift of an outline, as a share of the mask's largest depth
RULE = (
    f"a degraded mask, made from the expert's: for each patient a share is drawn between -{SHIFT:g} and {SHIFT:g}, and "
    "all outlines are moved inwards (above 0) or outwards (below 0) by this share of the mask's largest depth"
)
NETWORK = "a network's mask: each patient is outlined by a network that was trained on the expert's masks of others"


def degraded(expert: np.ndarray, owner: np.ndarray, *, seed: int) -> np.ndarray:
    """Move the outlines of masks by `RULE`, whatever the groups are.

    A mask with pixels keeps some, and an empty one stays empty.

    Parameters
    ----------
    expert : ndarray of bool, shape (n, size, size)
    owner : ndarray of int, shape (n,)
        Number of the patient of each image, from 0.
    seed : int

    Returns
    -------
    ndarray of bool, shape (n, size, size)
    """
    shares = np.random.default_rng((seed, 29)).uniform(-SHIFT, SHIFT, owner.max() + 1)
    return np.stack([_moved(mask, share) for mask, share in zip(expert, shares[owner].tolist(), strict=True)])


def _moved(mask: np.ndarray, share: float) -> np.ndarray:
    """Move the outline inwards, or outwards for a share below 0; depths are distances to the outline in pixels."""
    if not mask.any() or mask.all():
        return mask.copy()
    # The transform measures from centre to centre of two pixels, and the outline is between them.
    depth = ndimage.distance_transform_edt(mask) - 0.5
    if share >= 0:
        return depth > share * depth.max()
    return ndimage.distance_transform_edt(~mask) - 0.5 <= -share * depth.max()


def by_network(
    image: np.ndarray, expert: np.ndarray, owner: np.ndarray, groups: np.ndarray, *, folds: int, seed: int, **network
) -> np.ndarray:
    """Make masks by cross-validation with folds of patients: no network outlines a patient that it was trained on.

    Parameters
    ----------
    image : ndarray of float32, shape (n, channels, size, size)
    expert : ndarray of bool, shape (n, size, size)
    owner : ndarray of int, shape (n,)
        Number of the patient of each image, from 0.
    groups : ndarray, shape (patients,)
        Group of each patient; each fold has its share of every group.
    folds, seed : int
        The folds and first weights differ from those that the same seed gives to the experiments.
    **network
        Options of `helpers.studies.biased_ruler.slices.fit`.

    Returns
    -------
    ndarray of bool, shape (n, size, size)
    """
    fold = datasets.folds(groups, n=folds, seed=seed + 10_000)[owner]
    made = np.zeros_like(expert)
    for k in range(folds):
        seen = fold != k
        model = slices.fit(image[seen], expert[seen], seed=seed + 10_000 + k, **network)
        made[~seen] = slices.predict(model, image[~seen])
    return made
