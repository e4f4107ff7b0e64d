"""Scores by which a classifier may notice a stranger: an image from outside its training distribution.

Larger is more uncertain for every score, and no direction is chosen by results. Write z for the logits, p for their
softmax, H for the entropy.

===================  ===============================================================================================
MSP                  1 - max p (Hendrycks and Gimpel 2017, arXiv 1610.02136)
energy               -T log sum exp(z / T) (Liu et al. 2020, arXiv 2010.03759)
dropout              H(mean p) - mean H(p) over passes with dropout before the last layer (Gal and Ghahramani 2016)
ensemble             the same over networks (Lakshminarayanan et al. 2017, arXiv 1612.01474)
Laplace              the same over last layers drawn from a normal posterior (Daxberger et al. 2021, arXiv 2106.14806)
Mahalanobis          squared distance to the nearest class mean, one covariance (Lee et al. 2018, arXiv 1807.03888)
neighbours           cosine distance to the k-th nearest training case (Sun et al. 2022, arXiv 2204.06507)
views                H of the mean p over flipped and shifted views
===================  ===============================================================================================

All but the ensemble are of the first network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from torch import nn

from helpers.errors import InputError
from helpers.learn import distances, last_layer_posterior
from helpers.learn.last_layer import entropy, last_linear, last_outputs, mutual_information, softmax, weights_of

STRANGENESS = ("MSP", "energy", "dropout", "ensemble", "Laplace", "Mahalanobis", "neighbours", "views")
HISTOGRAM = 8  # bins of grey values in a plain description


class Known(NamedTuple):
    """Networks of a task, and the facts of its training images that the scores need, see `fit_known`."""

    models: Sequence[nn.Module]
    features: np.ndarray
    classes: distances.Classes
    posterior: last_layer_posterior.Posterior
    settings: dict[str, float]


def fit_known(
    models: Sequence[nn.Module],
    images: ArrayLike,
    labels: ArrayLike,
    *,
    dropout: float = 0.2,
    passes: int = 20,
    draws: int = 30,
    k: int = 10,
    temperature: float = 1.0,
    precision: float | None = None,
    seed: int = 0,
) -> Known:
    """Fit all that the eight scores of `strangeness` need to the training images of one task.

    Parameters
    ----------
    models : sequence of torch.nn.Module
        One or more classifiers of the same task that end in a linear layer, such as `helpers.learn.classifier`. The
        first gives all scores but the ensemble's, which needs two.
    images : array_like of shape (n, c, h, w)
        Images of the training.
    labels : array_like of int, shape (n,)
        Their classes, two or more.
    dropout, passes : float and int
        Share of features that is dropped, and passes of the score ``dropout``. Train with the same share, see
        `with_dropout`.
    draws : int
        Last layers of the score ``Laplace``.
    k : int
        Neighbour of the score ``neighbours``, at most n.
    temperature : float
        Of the score ``energy``.
    precision : float, optional
        Of the prior of ``Laplace``; by evidence by default.
    seed : int
        Seed of the masks of dropout and the draws of last layers.

    Raises
    ------
    InputError
        There is no model, an argument is out of range, there are fewer than two classes or than k images; or as in
        `last_outputs`.
    """
    models, codes = list(models), np.asarray(labels)
    if not models:
        raise InputError("models", "is empty", "Give one classifier, or several for the ensemble")
    if codes.shape != (len(images),) or len(np.unique(codes)) < 2:
        problem = f"{len(np.unique(codes))} classes in shape {codes.shape} for {len(images)} images"
        raise InputError("labels", problem, "Give one class for each image, of two or more")
    if not (0 < dropout < 1 and passes >= 2 and draws >= 2 and temperature > 0):
        problem = f"dropout {dropout}, passes {passes}, draws {draws}, temperature {temperature}"
        raise InputError("settings", problem, "Give a share, two passes, two draws and a temperature above 0, or more")
    if not 1 <= k <= len(codes):
        raise InputError(f"k = {k}", f"there are {len(codes)} training images", "Give a smaller k")
    found = last_outputs(models[0], images)
    weight, bias = weights_of(last_linear(models[0])[1])
    mean = np.column_stack([weight, bias])
    posterior = last_layer_posterior.fit_posterior(found.features, found.logits, mean, precision=precision)
    classes = distances.fit_classes(found.features, codes)
    settings = {"dropout": dropout, "passes": passes, "draws": draws, "k": k, "temperature": temperature, "seed": seed}
    return Known(models, found.features, classes, posterior, settings)


def strangeness(known: Known, images: ArrayLike) -> pd.DataFrame:
    """Compute the eight scores of images, and the class that the first network predicts.

    Parameters
    ----------
    known : Known
        From `fit_known`.
    images : array_like of shape (n, c, h, w)

    Returns
    -------
    DataFrame of shape (n, 9)
        ``predicted`` and the columns of `STRANGENESS`; without ``ensemble`` if there is one network.

    Raises
    ------
    InputError
        As in `last_outputs`.
    """
    pictures, s = np.asarray(images), known.settings
    found = last_outputs(known.models[0], pictures)
    # A layer's weights and biases side by side, which the posterior has as its mean.
    weight, bias = known.posterior.mean[:, :-1], known.posterior.mean[:, -1]
    rng = np.random.default_rng((s["seed"], 1))
    masks = rng.random((s["passes"], 1, weight.shape[1])) >= s["dropout"]
    dropped = (found.features * masks / (1 - s["dropout"])) @ weight.T + bias
    drawn = last_layer_posterior.drawn_logits(known.posterior, found.features, draws=s["draws"], seed=s["seed"])
    scaled = found.logits / s["temperature"]
    scores = {
        "predicted": found.logits.argmax(1),
        "MSP": 1 - softmax(found.logits).max(1),
        "energy": -s["temperature"] * np.logaddexp.reduce(scaled, axis=1),
        "dropout": mutual_information(dropped),
        "Laplace": mutual_information(drawn),
        "Mahalanobis": distances.mahalanobis(known.classes, found.features),
        "neighbours": distances.nearest(known.features, found.features, k=s["k"]),
        "views": entropy(np.mean([softmax(last_outputs(known.models[0], v(pictures)).logits) for v in VIEWS], axis=0)),
    }
    if len(known.models) > 1:
        others = [last_outputs(model, pictures).logits for model in known.models[1:]]
        scores["ensemble"] = mutual_information(np.stack([found.logits, *others]))
    return pd.DataFrame({name: scores[name] for name in ("predicted", *STRANGENESS) if name in scores})


def _shifted(down: int, right: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda images: np.roll(images, (down, right), axis=(-2, -1))


VIEWS: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    lambda images: images,
    lambda images: images[..., ::-1].copy(),
    *(_shifted(down, right) for down, right in ((1, 0), (-1, 0), (0, 1), (0, -1))),
)


def plain_strangeness(known: ArrayLike, images: ArrayLike) -> np.ndarray:
    """Compute a trivial score: the Mahalanobis distance of plain descriptions of images from those of known images.

    A description has the mean, the standard deviation, the variance of the Laplacian (sharpness) and a histogram of
    eight bins. A detector that does not beat it has learned nothing about anatomy that is of use here.

    Parameters
    ----------
    known : array_like of shape (m, c, h, w)
        Training images, from 0 to 1.
    images : array_like of shape (n, c, h, w)

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    InputError
        All known images have the same description.
    """
    described = [_described(np.asarray(part, float)) for part in (known, images)]
    return distances.mahalanobis(distances.fit_classes(described[0], np.zeros(len(described[0]))), described[1])


def _described(images: np.ndarray) -> np.ndarray:
    flat = images.reshape(len(images), -1)
    edges = sum(np.roll(images, step, axis) for step in (1, -1) for axis in (-2, -1)) - 4 * images
    bins = np.clip((flat * HISTOGRAM).astype(int), 0, HISTOGRAM - 1)
    shares = np.stack([(bins == b).mean(1) for b in range(1, HISTOGRAM)], axis=1)  # the first follows from the others
    inside = edges[..., 1:-1, 1:-1].reshape(len(images), -1)
    return np.column_stack([flat.mean(1), flat.std(1), inside.var(1), shares])
