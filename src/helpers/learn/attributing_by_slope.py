"""Attributions from gradients of a network's output F by the image: at a point, near it, and on the way to it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.learn.questions import Question, contrast, fill


def gradient(question: Question) -> torch.Tensor:
    """Compute dF/dx (Simonyan et al. 2014, arXiv 1312.6034)."""
    return torch.cat([found for _, _, found in question.gradients(1, lambda rows, _: question.images[rows])])


def gradient_times_input(question: Question) -> torch.Tensor:
    """Compute x dF/dx (Shrikumar et al. 2016, arXiv 1605.01713)."""
    return question.images.double() * gradient(question)


def concept(question: Question, *, direction: ArrayLike) -> torch.Tensor:
    """Compute the terms of the derivative of F along a unit direction, such as of a part that is switched on.

    Follows Kim et al. 2018 (arXiv 1711.11279), with images as the layer in which the direction is.

    Parameters
    ----------
    question : Question
    direction : array_like of shape (c, h, w)
        Mean difference of images with the concept and without. Its length is of no account.
    """
    along = fill("direction", direction, question.images)[0].double()
    if not along.any():
        raise InputError("direction", "is zero everywhere", "Give images with the part less those without")
    return gradient(question) * (along / along.norm())


def smooth_grad(question: Question, *, sigma: float = 0.15, draws: int = 10, seed: int = 0) -> torch.Tensor:
    """Average dF/dx over images with normal noise (Smilkov et al. 2017, arXiv 1706.03825).

    Parameters
    ----------
    question : Question
    sigma : float
        Standard deviation of the noise, in the scale of the images.
    draws : int
    seed : int
        Maps that are compared need different seeds, or noise that they share looks like agreement.
    """
    images, rng = question.images, np.random.default_rng(seed)
    noise = torch.from_numpy(rng.normal(0, sigma, (len(images), draws, *images.shape[1:])).astype(np.float32))
    noise = noise.to(images.device)
    total = torch.zeros_like(images, dtype=torch.float64)
    for rows, _, found in question.gradients(draws, lambda rows, which: images[rows] + noise[rows, which]):
        total.index_add_(0, rows, found)
    return total / draws


def integrated_gradients(question: Question, *, baseline: float | ArrayLike = 0.0, steps: int = 16) -> torch.Tensor:
    """Compute (x - x') times the integral of dF/dx from a baseline to the image, by Gauss and Legendre's rule.

    Equation 1 of Sundararajan et al. 2017 (arXiv 1703.01365). The sum of a map is F(image) - F(baseline) but for the
    error of the rule.

    Parameters
    ----------
    question : Question
    baseline : float or array_like of shape (c, h, w) or (n, c, h, w)
        The contrast, in the scale of the images: for images that are normalised, 0 is their mean and not black.
    steps : int
    """
    images, start = question.images, contrast("baseline", baseline, question.images)
    same = (images == start).flatten(1).all(1)
    if same.any():
        where = int(same.nonzero()[0])
        raise InputError("baseline", f"equals image {where}, so its map is 0 everywhere", "Give another contrast")
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    # From [-1, 1] to [0, 1].
    place = torch.from_numpy((1 + nodes) / 2).to(images)
    weight = torch.from_numpy(weights / 2).to(images.device)

    def on_the_way(rows: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
        return start[rows] + place[which, None, None, None] * (images[rows] - start[rows])

    total = torch.zeros_like(images, dtype=torch.float64)
    for rows, which, found in question.gradients(steps, on_the_way):
        total.index_add_(0, rows, weight[which, None, None, None] * found)
    return total * (images.double() - start.double())
