"""Networks trained on all images of some patients and scored on others, with one Dice a patient."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from helpers import datasets
from helpers.studies.biased_ruler import slices
from helpers.studies.biased_ruler.experiments import training_set
from helpers.studies.biased_ruler.framework import swap_names

FEWEST = 2  # patients of each group that a network is trained on


def patient_dice(reference: np.ndarray, predicted: np.ndarray, owner: np.ndarray, n: int) -> np.ndarray:
    """Compute the Dice of each patient over all pixels of their images together.

    An image without a lesion counts by the pixels that are predicted there. Dice is 0 if both masks are empty in all
    images of a patient.

    Parameters
    ----------
    reference, predicted : ndarray of bool, shape (images, size, size)
    owner : ndarray of int, shape (images,)
        Number of the patient of each image, from 0.
    n : int
        Number of patients.

    Returns
    -------
    ndarray of float, shape (n,)
    """
    both, first, second = (
        np.bincount(owner, mask.sum(axis=(1, 2)), n) for mask in (reference & predicted, reference, predicted)
    )
    return 2 * both / np.maximum(first + second, 1)


def patient_scorer(found: slices.Slices, owner: np.ndarray, **options: object) -> Callable[..., np.ndarray]:
    """Make the function that `helpers.studies.biased_ruler.run` calls, for patients with one image or several.

    Parameters
    ----------
    found : Slices
        Images and masks.
    owner : ndarray of int, shape (images,)
        Row of each image's patient among the cases.
    **options
        Options of `helpers.studies.biased_ruler.slices.fit`.
    """

    def score(include: np.ndarray, silver: np.ndarray, held_out: np.ndarray, seed: int, name: str) -> np.ndarray:
        used, tested = include[owner], held_out[owner]
        target = np.where(silver[owner][:, None, None], found.automatic, found.expert)
        model = slices.fit(found.image[used], target[used], seed=seed, **options)
        predicted = slices.predict(model, found.image[tested])
        place = np.searchsorted(np.flatnonzero(held_out), owner[tested])
        masks = (found.expert[tested], found.automatic[tested])
        return np.stack([patient_dice(mask, predicted, place, int(held_out.sum())) for mask in masks], axis=1)

    return score


def possible(
    cases: pd.DataFrame, *, group: str, a: str, b: str, folds: int, seed: int
) -> tuple[Sequence[str], list[dict[str, object]]]:
    """List the experiments that these cases allow, and the others with the reason why they are left out.

    An experiment needs `FEWEST` patients of each group in the training set of every fold, and a swap needs a mask of
    tier 1.

    Parameters
    ----------
    cases : DataFrame
        One row a patient: `group`, ``tier, easy``.
    group : str
        Column of the groups.
    a, b : str
        Its two groups.
    folds, seed : int
        As `helpers.studies.biased_ruler.run` takes them.

    Returns
    -------
    names : list of str
    left : list of dict
        Rows ``table, reason, n``.
    """
    fold = datasets.folds(cases[group].to_numpy(), n=folds, seed=seed)
    names, left = [], []
    for name in ("baseline", *swap_names(a, b), "difficulty_balanced", "biased_input"):
        include, silver = training_set(name, cases, seed=seed, group=group)
        few = min(
            (int((include & (fold != k) & (cases[group] == one)).sum()), str(one))
            for k in range(folds)
            for one in (a, b)
        )
        reason = ""
        if few[0] < FEWEST:
            reason = f"a network would be trained on {few[0]} patients of {few[1]}, expected {FEWEST}"
        elif name in swap_names(a, b) and not (include & silver).any():
            reason = "no second mask of the group has tier 1"
        if reason:
            left.append({"table": "experiments", "reason": f"{name}: left out, since {reason}", "n": len(cases)})
        else:
            names.append(name)
    return names, left
