"""Scores of one case, from the files of its two masks."""

from __future__ import annotations

import numpy as np

from helpers import metrics
from helpers.datasets.shared.nifti import Spacing
from helpers.errors import InputError
from helpers.scores.labels import EACH, absent, chosen, other_names, pairs_of_labels
from helpers.scores.reading import read_aligned

NOT_BINARY = {"expert mask", "predicted mask"}  # places in errors of `metrics`
OTHER_NAMES = "the segment has one name in the expert masks and another in the predicted ones: are they one structure?"
HARMLESS = {1.0, 255.0}  # the two common values of a foreground


def score_case(expert: str, predicted: str, *, tolerance: float, value: str, more: bool) -> dict:
    """Score one case.

    Parameters
    ----------
    expert, predicted : str
        Files of masks.
    tolerance : float
        Tolerance of the surface Dice in mm.
    value : str
        The structure, see `labels.chosen`, or "each" for every label.
    more : bool
        Add the keys of `metrics.agreement`.

    Returns
    -------
    dict
        The keys of `metrics.scores`, and ``notes``; for every label ``rows``, a list of such scores, each with its
        ``label``, and ``notes``. With `value`, ``absent`` has for the expert and the predicted mask the structures that
        have no voxel, and the labels that have one, see `labels.absent`.

    Raises
    ------
    InputError
        A mask cannot be read or scored, or the grids differ.
    """

    measures = {"tolerance": tolerance, "more": more}
    if value == EACH:
        pair = read_aligned(expert, predicted, whole=True)
        masks = pairs_of_labels(pair.expert, pair.predicted, where=f"{expert} and {predicted}")
        rows = [{"label": label, **_measured(*both, pair.spacing, **measures)} for label, *both in masks]
        return {"rows": rows, "notes": list(pair.notes)}
    pair = read_aligned(expert, predicted, whole=bool(value))
    if not (value or pair.expert.segments or pair.predicted.segments):
        # The usual case of two binary masks, which the metrics check: no other look at every voxel.
        first, second = pair.expert.layers[0], pair.predicted.layers[0]
        try:
            notes = [*pair.notes, *_foregrounds(first, second)]
            return {**_measured(first, second, pair.spacing, **measures), "notes": notes}
        except InputError as error:
            if error.where not in NOT_BINARY:
                raise
        pair = read_aligned(expert, predicted, whole=True)
    first = chosen(pair.expert, value, pair.predicted, where=expert)
    second = chosen(pair.predicted, value, pair.expert, where=predicted)
    notes = [*pair.notes, *[OTHER_NAMES] * (not value and other_names(pair.expert, pair.predicted))]
    found = {**_measured(first, second, pair.spacing, **measures), "notes": notes}
    if not value:
        return found
    sides = ((pair.expert, pair.predicted, expert), (pair.predicted, pair.expert, predicted))
    return found | {"absent": [absent(mask, value, other, where=where) for mask, other, where in sides]}


def _measured(expert: np.ndarray, predicted: np.ndarray, spacing: Spacing, *, tolerance: float, more: bool) -> dict:
    found = metrics.scores(expert, predicted, spacing=spacing, tolerance=tolerance)
    return found | (metrics.agreement(expert, predicted, spacing=spacing) if more else {})


def _foregrounds(expert: np.ndarray, predicted: np.ndarray) -> list[str]:
    here, there = _foreground(expert), _foreground(predicted)
    if here is None or there is None or abs(here - there) < 1e-3 or {here, there} == HARMLESS:
        return []
    return [
        f"foreground is {here:.9g} in the expert masks and {there:.9g} in the predicted ones: are they one structure?"
    ]


def _foreground(mask: np.ndarray) -> float | None:
    """Return the value of a binary mask's foreground; None if it is empty. Planes are searched from the middle."""
    middle = mask.shape[2] // 2
    for k in sorted(range(mask.shape[2]), key=lambda k: abs(k - middle)):
        if mask[..., k].any():
            return float(mask[..., k].max())
    return None
