"""Answers about one planted part, in units of the logit: what its removal changes, Shapley values, and a direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from helpers import learn, stats
from helpers.learn.attributing_by_removal import coalitions
from helpers.studies.explanations.comparing import FEWEST, interval
from helpers.studies.explanations.explaining import contrasts
from helpers.studies.explanations.worlds import CUES, World


def removal(network: nn.Module, world: World, *cues: str, target: int = 1) -> np.ndarray:
    """Compute what the logit loses if cues are truly removed: the answer of the simulator, of shape (n,).

    Raises
    ------
    InputError
        There is no such cue.
    """
    with_cue, without = (learn.predict(network, x, precision="32") for x in (world.images, world.without(*cues)))
    return (with_cue[:, target] - without[:, target]).astype(float)


def simulated_shapley(network: nn.Module, world: World, *, target: int = 1) -> dict[str, np.ndarray]:
    """Compute exact Shapley values of the cues, with absent cues truly removed by the simulator.

    A coalition is worth the logit of the image that the simulator draws with these cues alone, so nothing is asked of
    images that cannot exist. Only in a simulator is this known.

    Returns
    -------
    dict
        Cue to values of shape (n,). They add up to what the removal of all cues changes.
    """
    present, share = coalitions(len(CUES))
    lost = [removal(network, world, *np.array(CUES)[~kept], target=target) for kept in present.numpy()]
    values = -torch.from_numpy(np.stack(lost, axis=1)) @ share
    return dict(zip(CUES, values.numpy().T, strict=True))


def filled_shapley(network: nn.Module, training: np.ndarray, world: World, *, target: int = 1) -> dict[str, np.ndarray]:
    """Compute exact Shapley values of the cues and the rest, with absent parts filled from the mean of the training.

    Returns
    -------
    dict
        Cue to values of shape (n,); that of the rest is left out.
    """
    (mean,) = contrasts("mean", training, world.images, 0)
    how = {"method": "Shapley", "parts": world.parts, "background": mean}
    maps = learn.attribute(network, world.images, target, **how)
    return {cue: (maps * world.places[cue]).sum((1, 2)) / world.places[cue].sum((1, 2)) for cue in CUES}


def along_concept(network: nn.Module, world: World, cue: str, *, target: int = 1) -> np.ndarray:
    """Compute the derivative of the logit along the mean of what a cue adds to images, times its length, of shape (n,).

    The directional derivative of concept activation vectors (Kim et al. 2018, arXiv 1711.11279), in pixels and along
    the planted direction itself, so that no classifier of activations is needed. For a linear network whose cue never
    moves it is the removal.
    """
    direction = (world.images - world.without(cue)).mean(0)
    maps = learn.attribute(network, world.images, target, method="concept", direction=direction)
    return maps.sum((1, 2)) * float(np.linalg.norm(direction))


def part_table(
    networks: Sequence[nn.Module], training: World, world: World, *, n_boot: int = 500, seed: int = 0
) -> pd.DataFrame:
    """Tabulate four answers about each planted part, by networks that differ in their seed.

    Parameters
    ----------
    networks : sequence of torch.nn.Module
    training, world : World
        Images of the training, and the explained ones. A cue that fewer than ten of these show is left out.
    n_boot, seed : int

    Returns
    -------
    DataFrame
        Index: cue, and the answer: ``removed`` (the truth), ``Shapley, simulator``, ``Shapley, mean`` or ``direction``.
        ``estimate, low, high, n``, in logits. Images that show the cue are asked.
    """
    answers: dict[str, Callable[[nn.Module, World, str], np.ndarray]] = {
        "removed": removal,
        "Shapley, simulator": lambda net, shown, cue: simulated_shapley(net, shown)[cue],
        "Shapley, mean": lambda net, shown, cue: filled_shapley(net, training.images, shown)[cue],
        "direction": along_concept,
    }
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for cue in CUES:
        shown = world.take(world.shown[cue])
        if len(shown.labels) < FEWEST:
            continue
        for name, answer in answers.items():
            values = np.array([answer(net, shown, cue) for net in networks])
            rows[cue, name] = stats.estimate(interval(values, n_boot=n_boot, seed=seed))
    return pd.DataFrame.from_dict(rows, orient="index")
