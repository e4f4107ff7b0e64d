"""Faithfulness, locality and stability of prototypes, the time at which they emerge, and their quality by sex."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from helpers import metrics
from helpers.learn.prototype_editing import activations, drawn, nearest_patches
from helpers.learn.prototype_networks import Conditioned, PrototypeDiffusion
from helpers.studies.prototypes.experiment import SEXES, Edited, Trained
from helpers.studies.prototypes.reading import Drawn
from helpers.studies.prototypes.worlds import ATTRIBUTES

LEAST = 10  # pictures of a group


def faithfulness(model: Conditioned, edited: Edited, rule: str = "best") -> dict[str, float]:
    """Compute for each attribute the slope of re-encoded activations on those asked for, both less the unedited ones.

    At 1 the drawn picture has the activation that was asked for, at 0 the request had no effect. Attributes without a
    prototype have no entry.
    """
    before = activations(model, edited.again)
    slopes = {}
    for name in ATTRIBUTES:
        chosen = edited.chosen[rule, name]
        if len(chosen):
            asked = (edited.asked[rule, name] - edited.given)[:, chosen]
            got = (activations(model, edited.made[rule, name]) - before)[:, chosen]
            slopes[name] = float((asked * got).sum() / max((asked**2).sum(), 1e-12))
    return slopes


def locality(model: Conditioned, edited: Edited) -> dict[str, float]:
    """Compute how many times the squared change in the best prototype's patch is the share of the patch's area.

    The patch is the nearest one in the edited picture. At 1 the change is spread evenly. Attributes without a
    prototype have no entry, and a model of whole pictures has none.
    """
    found: dict[str, float] = {}
    if not isinstance(model, PrototypeDiffusion):
        return found
    for name in ATTRIBUTES:
        chosen = edited.chosen["best", name]
        if len(chosen):
            made = edited.made["best", name]
            inside = nearest_patches(model, made)[:, chosen[0]]
            change = (made - edited.again)[:, 0] ** 2
            share = (change * inside).sum() / max(change.sum(), 1e-12)
            found[name] = float(share / inside.mean())
    return found


def half_gain(trained: Trained, edited: Edited, *, steps: int = 20, seed: int = 0) -> dict[str, float]:
    """Compute the share of the way from noise at which the best prototype of an attribute has half of its gain.

    Returns
    -------
    dict
        ``<attribute>`` and, with the steps in random order, ``<attribute> shuffled``: 0 at the noise, 1 at the
        picture. The gain is that of the activation in the picture that is predicted at each time, from the first time
        to the last.
    """
    model, total, found = trained.model, len(trained.model.levels) - 1, {}
    rng = np.random.default_rng((seed, 16))
    for name in ATTRIBUTES:
        chosen = edited.chosen["best", name]
        if not len(chosen):
            continue
        way: dict[int, float] = {}

        def see(time: int, pictures: np.ndarray, chosen=chosen, way=way) -> None:
            way[time] = float(activations(model, pictures)[:, chosen[0]].mean())

        drawn(model, edited.noise, edited.asked["best", name], steps=steps, watch=see)
        times, values = np.array(list(way)), np.array(list(way.values()))
        found[name] = _half(1 - times / total, values)
        found[f"{name} shuffled"] = _half(1 - times / total, rng.permutation(values))
    return found


def _half(shares: np.ndarray, values: np.ndarray) -> float:
    reached = np.abs(values - values[0]) >= np.abs(values[-1] - values[0]) / 2
    return float(shares[reached.argmax()])


def stability(one: np.ndarray, other: np.ndarray, *, seed: int = 0) -> dict[str, float]:
    """Match the prototypes of two trainings by the correlation of their activations on the same pictures.

    Parameters
    ----------
    one, other : ndarray of shape (n, m)

    Returns
    -------
    dict
        ``matched``, the mean absolute correlation of matched pairs; ``chance``, the same after the pictures of one
        were permuted.
    """
    mixed = np.random.default_rng((seed, 17)).permutation(len(other))
    return {"matched": _matched(one, other), "chance": _matched(one, other[mixed])}


def _matched(one: np.ndarray, other: np.ndarray) -> float:
    unit = [(part - part.mean(0)) / np.maximum(part.std(0), 1e-9) for part in (one, other)]
    strength = np.abs(unit[0].T @ unit[1] / len(one))
    return float(strength[linear_sum_assignment(-strength)].mean())


def quality_by_sex(trained: Trained, edited: Edited, held: Drawn, test: Drawn) -> dict[str, float]:
    """Compute how well prototypes serve women and men.

    Parameters
    ----------
    trained : Trained
    edited : Edited
    held : Drawn
        Balanced pictures that picked no prototype, such as those of the oracle.
    test : Drawn

    Returns
    -------
    dict
        ``auroc <group>``, of the finding's best prototype in `held`, in the direction of the reference; ``error
        <group>``, the root mean squared error of reconstructions; ``slope <group>``, the faithfulness of the finding's
        best prototype. Groups of under 10 pictures have no entry.
    """
    found: dict[str, float] = {}
    finding = ATTRIBUTES.index("finding")
    chosen, sex = edited.chosen["best", "finding"], held.labels["sex"].to_numpy()
    error = ((edited.again - test.pictures) ** 2).mean((1, 2, 3))
    after = activations(trained.model, edited.made["best", "finding"]) - activations(trained.model, edited.again)
    seen, truth = activations(trained.model, held.pictures), held.labels["finding"].to_numpy()
    for group, value in SEXES.items():
        some, tested = sex == value, test.labels["sex"].to_numpy() == value
        if tested.sum() >= LEAST:
            found[f"error {group}"] = float(np.sqrt(error[tested].mean()))
        if len(chosen) and min(some.sum(), tested.sum()) >= LEAST:
            auroc = metrics.auroc(truth[some], seen[some, chosen[0]]).value
            found[f"auroc {group}"] = auroc if trained.known.aurocs[finding, chosen[0]] > 0.5 else 1 - auroc
            asked = (edited.asked["best", "finding"] - edited.given)[tested][:, chosen]
            slope = (asked * after[tested][:, chosen]).sum() / max((asked**2).sum(), 1e-12)
            found[f"slope {group}"] = float(slope)
    return found


def measured(trained: Trained, edited: Edited, held: Drawn, test: Drawn, **how: Any) -> dict[str, float]:
    """Collect all measures of one training under flat names, such as ``faithful marker``."""
    parts = {
        "faithful": faithfulness(trained.model, edited),
        "local": locality(trained.model, edited),
        "half": half_gain(trained, edited, **how),
        "quality": quality_by_sex(trained, edited, held, test),
    }
    return {f"{part} {name}": value for part, values in parts.items() for name, value in values.items()}
