"""The explanations that the study compares, their settings, and the switches between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter
from torch import nn

from helpers import learn
from helpers.errors import InputError, check_choice, check_seed
from helpers.learn.attributing_by_change import Generator
from helpers.learn.attributing_checking import check_range, numbers
from helpers.studies.explanations.worlds import World

GREY_LEVEL = 1 / 255  # noise of the images behind the floor of a method without a seed
SIDE = 4  # superpixels along an axis
SAMPLES = 150  # coalitions of sampled Shapley
DRAWS = 5  # training images that are baselines in turn
SHOWN = {"signed": np.asarray, "absolute": np.abs, "lost": np.negative}  # what a map has of an attribution


class Explanation(NamedTuple):
    """A method of `helpers.learn.attribute`, and what it is given.

    contrast : "zero", "mean" (of the training images), "blur", "white" or "data" (training images, drawn), in place of
    what is missing; None for none

    random : whether it has a seed; shown : a name of `SHOWN`, of which "lost" is what a change takes away

    needs : "parts" or "generator", an argument of `explain`; "" for none
    """

    method: str
    contrast: str | None = None
    settings: Mapping[str, Any] = {}
    random: bool = False
    shown: str = "signed"
    needs: str = ""


EXPLANATIONS: dict[str, Explanation] = {
    "gradient": Explanation("gradient"),
    "gradient, absolute": Explanation("gradient", shown="absolute"),
    "gradient x input": Explanation("gradient x input"),
    "SmoothGrad": Explanation("SmoothGrad", settings={"sigma": 0.15, "draws": 10}, random=True),
    "IG zero": Explanation("integrated gradients", "zero"),
    "IG mean": Explanation("integrated gradients", "mean"),
    "IG mean, difference": Explanation("integrated gradients", "mean", {"against": True}),
    "IG mean, probability": Explanation("integrated gradients", "mean", {"output": "probability"}),
    "IG blur": Explanation("integrated gradients", "blur"),
    "IG white": Explanation("integrated gradients", "white"),
    "IG data": Explanation("integrated gradients", "data", random=True),
    "occlusion zero": Explanation("occlusion", "zero"),
    "occlusion mean": Explanation("occlusion", "mean"),
    "occlusion blur": Explanation("occlusion", "blur"),
    "occlusion mean, fine": Explanation("occlusion", "mean", {"patch": 2, "stride": 1}),
    "sampled Shapley": Explanation("sampled Shapley", "mean", {"samples": SAMPLES}, random=True),
    "Shapley of parts": Explanation("Shapley", "mean", needs="parts"),
    "counterfactual": Explanation("counterfactual", settings={"limits": (0.0, 1.0), "steps": 100}, shown="lost"),
    "latent counterfactual": Explanation(
        "latent counterfactual", settings={"step": 0.5, "steps": 100}, shown="lost", needs="generator"
    ),
}


class Switch(NamedTuple):
    """One technical choice that changes; `READINGS` has the question of its kind."""

    kind: str
    before: str
    after: str


SWITCHES: dict[str, Switch] = {
    "mean to zero": Switch("baseline", "IG mean", "IG zero"),
    "mean to blur": Switch("baseline", "IG mean", "IG blur"),
    "mean to white": Switch("baseline", "IG mean", "IG white"),
    "mean to data": Switch("baseline", "IG mean", "IG data"),
    "logit to difference": Switch("output", "IG mean", "IG mean, difference"),
    "logit to probability": Switch("output", "IG mean", "IG mean, probability"),
    "point to neighbourhood": Switch("neighbourhood", "gradient", "SmoothGrad"),
    "fill of mean to zero": Switch("replacement", "occlusion mean", "occlusion zero"),
    "fill of mean to blur": Switch("replacement", "occlusion mean", "occlusion blur"),
    "coarse to fine": Switch("resolution", "occlusion mean", "occlusion mean, fine"),
    "patch to pixel": Switch("resolution", "occlusion mean", "IG mean"),
    "squares to parts": Switch("players", "sampled Shapley", "Shapley of parts"),
    "pixels to codes": Switch("manifold", "counterfactual", "latent counterfactual"),
    "signed to absolute": Switch("sign", "gradient", "gradient, absolute"),
}


class Reading(NamedTuple):
    """Reading of a kind of switch, which is this book's: no source could be read that places methods so.

    question : what the map answers; alone : whether the answer exists without an observer; settled_by : who decides
    """

    question: str
    alone: str
    settled_by: str


READINGS: dict[str, Reading] = {
    "baseline": Reading("instead of what?", "only given a contrast", "whoever may name the contrast"),
    "output": Reading("why this, or why this rather than that?", "relative to the alternative", "the model alone"),
    "neighbourhood": Reading("of this image, or of its like?", "at a chosen scale", "model and a model of noise"),
    "replacement": Reading("if it were absent, unknown or healthy?", "under a model of images", "the distribution"),
    "resolution": Reading("how large is a part?", "at a chosen scale", "the observer"),
    "players": Reading("which parts count as causes?", "the partition is ours", "the observer"),
    "manifold": Reading("nearest image, or nearest plausible one?", "relative to a generator", "the generator"),
    "network": Reading("of this model, the task or the disease?", "differs by level", "the training"),
    "sign": Reading("for it, or merely relevant?", "by convention", "the reader"),
}
# Equal for a linear network, whatever the image: nothing may be found between them.
EQUAL = {
    "IG zero and gradient x input": ("IG zero", "gradient x input"),
    "gradient and SmoothGrad": ("gradient", "SmoothGrad"),
}


def contrasts(name: str | None, training: np.ndarray, images: np.ndarray, seed: int) -> list[Any]:
    """Make what may be in the place of a part: one contrast, or several whose maps are averaged.

    Parameters
    ----------
    name : {"zero", "mean", "blur", "white", "data", None}
        Black, the mean of the training, the image blurred, white, training images drawn by the seed, or nothing.
    training : ndarray of shape (m, 1, h, w)
    images : ndarray of shape (n, 1, h, w)
    seed : int
    """
    sigma = images.shape[-1] / 8
    drawn = np.random.default_rng(seed).choice(len(training), min(DRAWS, len(training)), replace=False)
    made = {
        None: [None],
        "zero": [0.0],
        "mean": [training.mean(0, dtype=np.float64).astype(np.float32)],
        "blur": [gaussian_filter(images, (0, 0, sigma, sigma))],
        "white": [1.0],
        "data": list(training[drawn]),
    }
    return made[name]


def superpixels(size: int) -> np.ndarray:
    """Number the squares of a grid of four by four, for each pixel, with shape (size, size)."""
    line = np.arange(size) * SIDE // size
    return line[:, None] * SIDE + line[None, :]


def explain(
    network: nn.Module,
    training: np.ndarray,
    images: np.ndarray,
    names: Sequence[str] | None = None,
    *,
    parts: np.ndarray | None = None,
    generator: Generator | None = None,
    target: int = 1,
    again: bool = False,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Compute the maps of some explanations, or compute them again as the noise of each method has it.

    Parameters
    ----------
    network : torch.nn.Module
        Classifier of two classes.
    training : ndarray of shape (m, 1, size, size)
        Images whose mean is a contrast.
    images : ndarray of shape (n, 1, size, size)
    names : sequence of str, optional
        Names of `EXPLANATIONS`; by default all that the given arguments allow.
    parts : ndarray of int, shape (n, size, size), optional
        Parts that Shapley values are of, such as `World.parts`.
    generator : Generator, optional
        Of images in the scale of the network, for latent counterfactuals.
    target : int
        Class that is asked about.
    again : bool
        Whether to draw another seed for methods that have one, and to add noise of one grey level to the images for
        those that have none.
    seed : int

    Returns
    -------
    dict
        Name to maps of shape (n, size, size).

    Raises
    ------
    InputError
        There is no such explanation, or it lacks what it needs; the images have another scale than those of the
        training; or as in `helpers.learn.attribute`.
    """
    given = {"parts": parts, "generator": generator}
    check_seed("seed", seed)
    training, images = (numbers(name, part) for name, part in (("training", training), ("images", images)))
    if names is None:
        names = [name for name, one in EXPLANATIONS.items() if not one.needs or given[one.needs] is not None]
    check_range(images, float(training.min()), float(training.max()), "those of the training")
    shaken = (images + np.random.default_rng((seed, 5)).normal(0, GREY_LEVEL, images.shape)).astype(np.float32)
    order = list(EXPLANATIONS)
    kept: dict[str, np.ndarray] = {}
    for name in names:
        check_choice("names", name, EXPLANATIONS)
        one = EXPLANATIONS[name]
        settings: dict[str, Any] = dict(one.settings)
        if one.needs:
            if given[one.needs] is None:
                raise InputError(name, f"needs {one.needs}", f"Give explain its {one.needs}, or leave out the name")
            settings[one.needs] = given[one.needs]
        if settings.pop("against", False):
            settings["against"] = 1 - target
        if one.method == "sampled Shapley":
            settings["parts"] = superpixels(images.shape[-1])
        drawn = _seed(seed, order.index(name), again)  # no two methods and no two calls share their draws
        if one.random and one.contrast != "data":
            settings["seed"] = drawn
        asked = shaken if again and not one.random else images
        place = "background" if "Shapley" in one.method else "baseline"
        maps = [
            learn.attribute(network, asked, target, method=one.method, **settings | ({} if c is None else {place: c}))
            for c in contrasts(one.contrast, training, asked, drawn)
        ]
        kept[name] = SHOWN[one.shown](np.mean(maps, axis=0))
    return kept


def controls(world: World, *, seed: int = 0) -> dict[str, np.ndarray]:
    """Make maps that no network has seen: the image, its edges, and noise, each of shape (n, size, size)."""
    pictures = world.images[:, 0].astype(float)
    down, right = np.gradient(pictures, axis=(1, 2))
    noise = np.random.default_rng((seed, 6)).standard_normal(pictures.shape)
    return {"image": pictures, "edges": np.hypot(down, right), "random": noise}


def _seed(*places: int) -> int:
    return int(np.random.SeedSequence([int(place) for place in places]).generate_state(1)[0])
