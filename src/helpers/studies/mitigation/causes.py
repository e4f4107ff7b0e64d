"""Causes of a gap between two groups, planted in a cohort without one: in labels, images or the selection of cases.

A cause acts on cases that a loader has read and split, since most causes are faults of the training data and not of the
tested patients: `contaminated` marks the cases of the faulty collection. All cases and all changes are simulated.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.errors import InputError, check_choice

# Cause -> its default strength, as `plant` explains.
CAUSES: dict[str, float] = {
    "none": 0.0,
    "under-representation": 0.9,
    "label bias": 0.5,
    "prevalence shift": 0.8,
    "shortcut": 0.9,
    "difficulty": 0.15,
}


class Planted(NamedTuple):
    """Cases with a planted cause.

    images : float32 ndarray (n, c, h, w); a copy if the cause changes images
    labels : float ndarray (n,)
    kept : bool ndarray (n,), True for cases that remain
    """

    images: np.ndarray
    labels: np.ndarray
    kept: np.ndarray


def plant(
    cause: str,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    group: np.ndarray,
    contaminated: np.ndarray,
    case: ArrayLike | None = None,
    strength: float | None = None,
    seed: int,
) -> Planted:
    """Plant one cause of worse performance in a group.

    ====================  ==========================================================================================
    under-representation  a share of the group's contaminated cases is missing
    label bias            a share of the group's contaminated positives is recorded as negative
    prevalence shift      a share of the group's contaminated positives is missing
    shortcut              a bright mark in a corner is correlated with the label outside the group and not within it, in
                          all cases: a share (1 + strength) / 2 of positives and (1 - strength) / 2 of negatives outside
                          have it, and half of the group; at strength 0 no image has it
    difficulty            noise of this standard deviation (brightness 0 to 1) in all images of the group
    ====================  ==========================================================================================

    Parameters
    ----------
    cause : str
        A key of `CAUSES`; "none" plants nothing.
    images : float32 ndarray of shape (n, c, h, w)
        0 to 1.
    labels : ndarray of shape (n,)
        0, 1 or NaN.
    group : ndarray of bool, shape (n,)
        Members of the group with the planted cause.
    contaminated : ndarray of bool, shape (n,)
        Cases of the faulty collection, such as training and validation cases.
    case : array_like of shape (n,), optional
        Case of each image, if a case has several images: they are missing, mislabelled or marked together. Default one
        image per case.
    strength : float, optional
        0 to 1; default that of `CAUSES`.
    seed : int

    Raises
    ------
    InputError
        There is no such cause, the strength is out of range, or lengths differ.
    """
    check_choice("cause", cause, CAUSES)
    strength = CAUSES[cause] if strength is None else strength
    if not 0 <= strength <= 1:
        raise InputError(f"strength = {strength}", "expected 0 to 1", "Use 0 for no bias")
    case = np.arange(len(images)) if case is None else pd.factorize(np.asarray(case))[0]
    for name, array in (("labels", labels), ("group", group), ("contaminated", contaminated), ("case", case)):
        if len(array) != len(images):
            raise InputError(name, f"{len(array)} for {len(images)} images", "Give one for each image")
    labels = np.asarray(labels, float).copy()
    group, contaminated = np.asarray(group, bool), np.asarray(contaminated, bool)
    streams = dict(zip(CAUSES, np.random.default_rng(seed).spawn(len(CAUSES)), strict=True))
    rng, n = streams[cause], len(images)
    lot, touched = rng.random(case.max(initial=0) + 1)[case], group & contaminated
    kept = np.ones(n, bool)
    if cause == "under-representation":
        kept = ~(touched & (lot < strength))
    elif cause == "label bias":
        labels[touched & (labels == 1) & (lot < strength)] = 0.0
    elif cause == "prevalence shift":
        kept = ~(touched & (labels == 1) & (lot < strength))
    elif cause == "shortcut" and strength:  # at 0 there are no marks
        follows = np.where(labels == 1, 1.0, -1.0) * ~group * ~np.isnan(labels)
        images = marked(images, lot < 0.5 + strength / 2 * follows)
    elif cause == "difficulty":
        noise = rng.standard_normal(images.shape).astype(np.float32) * strength
        images = np.where(group[:, None, None, None], (images + noise).clip(0, 1), images).astype(np.float32)
    return Planted(images, labels, kept)


def marked(images: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Add a bright square, an eighth of the side, to the upper left corner of the images that `which` selects."""
    changed = images.copy()
    side = max(2, images.shape[-1] // 8)
    changed[np.asarray(which, bool), :, :side, :side] = 1.0
    return changed


def other_scanner(images: np.ndarray, *, seed: int, gamma: float = 1.3, noise: float = 0.04) -> np.ndarray:
    """Simulate the images of another device: another contrast (``x ** gamma``) and more noise.

    Parameters
    ----------
    images : float32 ndarray of shape (n, c, h, w)
        0 to 1.
    seed : int
    gamma, noise : float
        Exponent, and standard deviation in brightness.
    """
    added = np.random.default_rng(seed).standard_normal(images.shape) * noise
    return (images**gamma + added).clip(0, 1).astype(np.float32)
