"""The explanations that the study compares, their settings, and the switches between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter
from torch import nn

from helpers import learn
from helpers.errors import check_choice
from helpers.studies.explanations.worlds import World

GREY_LEVEL = 1 / 255  # noise of the images behind the floor of a method without a seed
SIDE = 4  # superpixels along an axis
SAMPLES = 150  # coalitions of sampled Shapley


class Explanation(NamedTuple):
    """A method of `helpers.learn.attribute`, and what it is given.

    contrast : "zero", "mean" (of the training images), "blur" or "white", in place of what is missing; None for none
    """

    method: str
    contrast: str | None = None
    settings: Mapping[str, Any] = {}
    random: bool = False
    absolute: bool = False


EXPLANATIONS: dict[str, Explanation] = {
    "gradient": Explanation("gradient"),
    "gradient, absolute": Explanation("gradient", absolute=True),
    "gradient x input": Explanation("gradient x input"),
    "SmoothGrad": Explanation("SmoothGrad", settings={"sigma": 0.15, "draws": 10}, random=True),
    "IG zero": Explanation("integrated gradients", "zero"),
    "IG mean": Explanation("integrated gradients", "mean"),
    "IG mean, difference": Explanation("integrated gradients", "mean", {"against": True}),
    "IG mean, probability": Explanation("integrated gradients", "mean", {"output": "probability"}),
    "IG blur": Explanation("integrated gradients", "blur"),
    "IG white": Explanation("integrated gradients", "white"),
    "occlusion zero": Explanation("occlusion", "zero"),
    "occlusion mean": Explanation("occlusion", "mean"),
    "occlusion mean, fine": Explanation("occlusion", "mean", {"patch": 2, "stride": 1}),
    "sampled Shapley": Explanation("sampled Shapley", "mean", {"samples": SAMPLES}, random=True),
}


class Switch(NamedTuple):
    """One technical choice that changes, and the question that the answer belongs to, in this book's reading."""

    kind: str
    before: str
    after: str
    question: str


SWITCHES: dict[str, Switch] = {
    "mean to zero": Switch("baseline", "IG mean", "IG zero", "instead of what?"),
    "mean to blur": Switch("baseline", "IG mean", "IG blur", "instead of what?"),
    "mean to white": Switch("baseline", "IG mean", "IG white", "instead of what?"),
    "logit to difference": Switch("output", "IG mean", "IG mean, difference", "why this rather than that?"),
    "logit to probability": Switch("output", "IG mean", "IG mean, probability", "why this rather than that?"),
    "point to neighbourhood": Switch("neighbourhood", "gradient", "SmoothGrad", "of this image or of its like?"),
    "fill of mean to zero": Switch("replacement", "occlusion mean", "occlusion zero", "if it were what?"),
    "coarse to fine": Switch("resolution", "occlusion mean", "occlusion mean, fine", "which parts count?"),
    "patch to pixel": Switch("resolution", "occlusion mean", "IG mean", "which parts count?"),
    "signed to absolute": Switch("sign", "gradient", "gradient, absolute", "for, or merely relevant?"),
}
# Equal for a linear network, whatever the image: nothing may be found between them.
EQUAL = {
    "IG zero and gradient x input": ("IG zero", "gradient x input"),
    "gradient and SmoothGrad": ("gradient", "SmoothGrad"),
}


def contrasts(training: np.ndarray, images: np.ndarray) -> dict[str, np.ndarray | float]:
    """Make what may be in the place of a part: zero, the training mean, the image blurred, and white.

    Parameters
    ----------
    training : ndarray of shape (m, 1, h, w)
    images : ndarray of shape (n, 1, h, w)
    """
    sigma = images.shape[-1] / 8
    blurred = gaussian_filter(images, (0, 0, sigma, sigma))
    return {"zero": 0.0, "mean": training.mean(0, dtype=np.float64).astype(np.float32), "blur": blurred, "white": 1.0}


def superpixels(size: int) -> np.ndarray:
    """Number the squares of a grid of four by four, for each pixel, with shape (size, size)."""
    line = np.arange(size) * SIDE // size
    return line[:, None] * SIDE + line[None, :]


def explain(
    network: nn.Module,
    training: np.ndarray,
    images: np.ndarray,
    names: tuple[str, ...] = tuple(EXPLANATIONS),
    *,
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
    names : tuple of str
        Names of `EXPLANATIONS`.
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
        There is no such explanation; or as in `helpers.learn.attribute`.
    """
    rng = np.random.default_rng((seed, 5))
    shaken = (images + rng.normal(0, GREY_LEVEL, images.shape)).astype(np.float32)
    kept: dict[str, np.ndarray] = {}
    for number, name in enumerate(names):
        check_choice("names", name, EXPLANATIONS)
        found = EXPLANATIONS[name]
        given = shaken if again and not found.random else images
        settings: dict[str, Any] = dict(found.settings)
        if settings.pop("against", False):
            settings["against"] = 1 - target
        if found.contrast is not None:
            place = "background" if found.method == "sampled Shapley" else "baseline"
            settings[place] = contrasts(training, given)[found.contrast]
        if found.method == "sampled Shapley":
            settings["parts"] = superpixels(images.shape[-1])
        if found.random:  # no two methods and no two calls share their draws
            settings["seed"] = _seed(seed, number, again)
        maps = learn.attribute(network, given, target, method=found.method, **settings)
        kept[name] = np.abs(maps) if found.absolute else maps
    return kept


def controls(world: World, *, seed: int = 0) -> dict[str, np.ndarray]:
    """Make maps that no network has seen: the image, its edges, and noise, each of shape (n, size, size)."""
    pictures = world.images[:, 0].astype(float)
    down, right = np.gradient(pictures, axis=(1, 2))
    noise = np.random.default_rng((seed, 6)).standard_normal(pictures.shape)
    return {"image": pictures, "edges": np.hypot(down, right), "random": noise}


def removal(network: nn.Module, world: World, cue: str, *, target: int = 1) -> np.ndarray:
    """Compute what the logit loses if a cue is truly removed: the answer of the simulator, of shape (n,).

    Raises
    ------
    InputError
        There is no such cue.
    """
    with_cue, without = (learn.predict(network, x, precision="32") for x in (world.images, world.without(cue)))
    return (with_cue[:, target] - without[:, target]).astype(float)


def _seed(*places: int) -> int:
    return int(np.random.SeedSequence([int(place) for place in places]).generate_state(1)[0])
