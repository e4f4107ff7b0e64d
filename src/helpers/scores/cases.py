"""Scores of one case, from the files of its two masks."""

from __future__ import annotations

import numpy as np

from helpers import metrics
from helpers.datasets.shared.nifti import Spacing
from helpers.scores.labels import EACH, chosen, foreground, pairs_of_labels
from helpers.scores.reading import read_aligned

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
        ``label``, and ``notes``.

    Raises
    ------
    InputError
        A mask cannot be read or scored, or the grids differ.
    """

    def score(first: np.ndarray, second: np.ndarray, spacing: Spacing) -> dict:
        found = metrics.scores(first, second, spacing=spacing, tolerance=tolerance)
        return found | (metrics.agreement(first, second, spacing=spacing) if more else {})

    pair = read_aligned(expert, predicted)
    if value == EACH:
        masks = pairs_of_labels(pair.expert, pair.predicted, where=f"{expert} and {predicted}")
        rows = [{"label": label, **score(*both, pair.spacing)} for label, both in masks.items()]
        return {"rows": rows, "notes": list(pair.notes)}
    first = chosen(pair.expert, value, pair.predicted, where=expert)
    second = chosen(pair.predicted, value, pair.expert, where=predicted)
    notes = [] if value or pair.expert.segments or pair.predicted.segments else _foregrounds(first, second)
    return {**score(first, second, pair.spacing), "notes": [*pair.notes, *notes]}


def _foregrounds(expert: np.ndarray, predicted: np.ndarray) -> list[str]:
    here, there = foreground(expert), foreground(predicted)
    if here is None or there is None or here == there or {here, there} == HARMLESS:
        return []
    return [f"foreground is {here:g} in the expert masks and {there:g} in the predicted ones: are they one structure?"]
