"""One world from its images to its maps, and the statistics that the claims are about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torch import nn

from helpers import learn, metrics, stats
from helpers.errors import InputError
from helpers.studies.explanations.comparing import CHANCE, Maps, interval, with_noise
from helpers.studies.explanations.explaining import SWITCHES, explain
from helpers.studies.explanations.manifold import train_generator
from helpers.studies.explanations.training import train
from helpers.studies.explanations.worlds import World, draw_world

LARGE = ("baseline", "replacement", "resolution")  # kinds of switches that are expected to move the map


class Explained(NamedTuple):
    """Networks of a world and their maps of the tested images that show the cue of the world.

    training, tested, explained : images of the training, of the test, and the maps' among these

    networks : two seeds; in *two cues* a third one that has learned from the second training

    before, again : of each network, maps and those for the noise of the method; `again` is empty without these
    """

    training: World
    tested: World
    explained: World
    networks: list[nn.Module]
    before: list[Maps]
    again: list[Maps]


def run_world(
    world: str,
    *,
    n: int = 600,
    n_test: int = 80,
    size: int = 24,
    kind: str = "small",
    epochs: int = 12,
    names: tuple[str, ...] | None = None,
    latent: bool = False,
    noise: bool = True,
    seed: int = 0,
    device: str = "auto",
    keep: Path | None = None,
) -> Explained:
    """Draw a world, train its networks, and explain why the images that show its cue are of class 1.

    Parameters
    ----------
    world : str
        A world of `draw_world`. The cue is the mark in *shortcut* and else the disc; in *noisy group* it is shown in
        the images of class 1, of which both groups have some.
    n, n_test : int
        Images for training and test.
    size : int
        Pixels of a side.
    kind : str
        Kind of network, see `train`; in *linear* it is always one layer.
    epochs : int
    names : tuple of str, optional
        Explanations, see `explain`; by default all.
    latent : bool
        Whether to train a generator too, for latent counterfactuals.
    noise : bool
        Whether to call each method again, for its noise; tables of switches need it.
    seed : int
    device : str
    keep : Path, optional
        Folder for checkpoints.

    Raises
    ------
    InputError
        Fewer than ten images show the cue; or as in `draw_world`, `train` and `explain`.
    """
    shape = {"size": size, "seed": seed}
    training, tested = draw_world(world, n, **shape), draw_world(world, n_test, stage="test", **shape)
    rivals = [draw_world(world, n, stage="second", **shape)] if world == "two cues" else []
    shown = tested.take(tested.shown[cue_of(world)] & ((tested.labels == 1) | (world == "no signal")))
    if len(shown.labels) < 10:
        raise InputError(f"n_test = {n_test}", f"{len(shown.labels)} images show the cue", "Draw more images")
    how: dict[str, Any] = {"kind": "linear" if world == "linear" else kind, "epochs": epochs, "device": device}
    networks = []
    for number, data in enumerate([training, training, *rivals]):
        place = None if keep is None else keep / f"{world.replace(' ', '_')}-{number}"
        networks.append(train(data, seed=1000 * seed + number, keep=place, **how))
    given: dict[str, Any] = {"parts": shown.parts}
    if latent:
        place = None if keep is None else keep / f"{world.replace(' ', '_')}-generator"
        given["generator"] = train_generator(training, seed=seed, device=device, keep=place)
    asked = (training.images, shown.images, names)
    before, again = (
        [explain(net, *asked, again=a, seed=1000 * seed + number, **given) for number, net in enumerate(networks)]
        if noise or not a
        else []
        for a in (False, True)
    )
    return Explained(training, tested, shown, networks, before, again)


def cue_of(world: str) -> str:
    """Return the name of the cue that an audit of a world asks about."""
    return "mark" if world == "shortcut" else "A"


def small_switch(found: Explained, *, n_boot: int = 500, seed: int = 0) -> dict[str, Any]:
    """Estimate how far the switches of baseline, replacement and resolution move the maps beyond the noise.

    Returns
    -------
    dict
        ``estimate, low, high, n`` of 1 - Spearman less that of the noise, the mean over these switches.
    """
    moved = [_moved(s.before, s.after, found.before[:2], found.again[:2]) for s in _large(found.before[0])]
    return stats.estimate(interval(np.mean(moved, axis=0), n_boot=n_boot, seed=seed))


def consequence(found: Explained, cue: str, *, n_boot: int = 500, seed: int = 0) -> dict[str, Any]:
    """Estimate the share of images whose answer about a cue turns, the mean over the same switches, less the noise.

    The noise is the share that turns if the method is called again.

    Returns
    -------
    dict
        ``estimate, low, high, n``.
    """
    place = found.explained.places[cue]

    def yes(maps: Sequence[Maps], name: str) -> np.ndarray:
        return np.array([metrics.localisation(one[name], place) > CHANCE for one in maps])

    turns, pairs = [], list(with_noise(found.before[:2], found.again[:2]))
    for switch in _large(found.before[0]):
        before, again = (yes(maps, switch.before) for maps in zip(*pairs, strict=True))
        turned = before != yes(found.before[:2], switch.after)
        turns.append(turned.astype(float) - (before != again))
    return stats.estimate(interval(np.mean(turns, axis=0), limits=(-1, 1), n_boot=n_boot, seed=seed))


def uniqueness(found: Explained, *, n_boot: int = 500, seed: int = 0) -> dict[str, Any]:
    """Estimate the agreement of two networks with two cues less that of two seeds, the mean over explanations.

    Returns
    -------
    dict
        ``estimate, low, high, n``, and ``predictions``, the share of tested images on which the networks agree.

    Raises
    ------
    InputError
        The world has no third network.
    """
    if len(found.networks) < 3:
        raise InputError("world", "has one training set", "Run the world with two cues")
    one, twin, rival = found.before
    values = [metrics.spearman(one[name], rival[name]) - metrics.spearman(one[name], twin[name]) for name in one]
    first, other = (learn.predict(found.networks[k], found.tested.images, precision="32") for k in (0, 2))
    same = float((first.argmax(1) == other.argmax(1)).mean())
    found_values = stats.estimate(interval(np.nanmean(values, axis=0), n_boot=n_boot, seed=seed))
    return found_values | {"predictions": same}


def confidence(found: Explained) -> np.ndarray:
    """Compute the logit of class 1 less that of class 0 for each explained image, the mean over two seeds."""
    logits = [learn.predict(net, found.explained.images, precision="32") for net in found.networks[:2]]
    return np.mean([one[:, 1] - one[:, 0] for one in logits], axis=0)


def _large(maps: Maps) -> list[Any]:
    chosen = [s for s in SWITCHES.values() if s.kind in LARGE and {s.before, s.after} <= set(maps)]
    if not chosen:
        raise InputError("names", "have no switch of baseline, replacement or resolution", "Add IG mean and IG zero")
    return chosen


def _moved(first: str, second: str, before: Sequence[Maps], again: Sequence[Maps]) -> np.ndarray:
    pairs = with_noise(before, again)
    return np.array([metrics.beyond_noise(one[first], one[second], again=other[first]) for one, other in pairs])
