"""Counterfactuals: the change of an image that flips its class, in pixels or in the codes of a generator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch

from helpers.errors import InputError
from helpers.learn.attributing_checking import check_range
from helpers.learn.questions import Question, evaluating, slope


class Generator(Protocol):
    """A generator of images, such as `helpers.learn.VAE`, with images in the scale of the classifier."""

    def encode(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Encode images; the first of what it returns are their codes."""

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        """Decode codes to images."""


def counterfactual(
    question: Question, *, step: float = 0.1, steps: int = 200, limits: tuple[float, float] | None = None
) -> torch.Tensor:
    """Compute the change of an image by gradient steps until its class flips (Wachter et al. 2017, arXiv 1711.00399).

    Each step lowers the margin of the class, the logit less the largest other one. No change is needed where the
    image is not of the class at the start. The map is NaN where the class does not flip within the steps.

    Parameters
    ----------
    question : Question
    step : float
        Length of a step (Euclidean, over all pixels), in the scale of the images.
    steps : int
        At most.
    limits : pair of float, optional
        Lowest and highest grey value.
    """
    low, high = (-torch.inf, torch.inf) if limits is None else limits
    check_range(question.images, low, high, "and limits")
    found, flipped = _walk(question, question.images, lambda x: x.clamp(low, high), step, steps)
    change = (found.clamp(low, high) - question.images).double()
    change[~flipped] = torch.nan
    return change


def latent_counterfactual(
    question: Question, *, generator: Generator, step: float = 0.1, steps: int = 200
) -> torch.Tensor:
    """Compute the change of a decoded image by gradient steps in its code until its class flips.

    The map is the decoded image after the steps less the one before, so the error of the reconstruction is not in it.

    Parameters
    ----------
    question : Question
    generator : Generator
        Such as a `helpers.learn.VAE`; it is used in evaluation mode.
    step : float
        Length of a step in the code.
    steps : int
        At most.
    """
    with evaluating(generator):
        start, before = _decoded(generator, question.images)
        found, flipped = _walk(question, start, generator.decode, step, steps)
        with torch.no_grad():
            change = (generator.decode(found) - before).double()
    change[~flipped] = torch.nan
    return change


def _decoded(generator: Generator, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the codes of images, and the images that they are decoded to."""
    try:
        with torch.no_grad():
            coded = generator.encode(images)
            if not (isinstance(coded, Sequence) and len(coded) and isinstance(coded[0], torch.Tensor)):
                problem = f"encodes to a {type(coded).__name__}, expected a tuple with the codes first"
                raise InputError("generator", problem, "Let encode return (codes,)")
            before = generator.decode(coded[0])
    except RuntimeError as error:
        problem = f"cannot take images of shape {tuple(images.shape)}: {str(error).splitlines()[0]}"
        raise InputError("generator", problem, "Give a generator of such images") from error
    shape = tuple(before.shape) if isinstance(before, torch.Tensor) else type(before).__name__
    if shape != tuple(images.shape):
        problem = f"decodes {shape} from images of shape {tuple(images.shape)}"
        raise InputError("generator", problem, "Give a generator of such images")
    if not (coded[0].isfinite().all() and before.isfinite().all()):
        raise InputError("generator", "codes or decoded images are NaN or infinite", "Check its weights")
    return coded[0], before


def _walk(
    question: Question,
    start: torch.Tensor,
    to_images: Callable[[torch.Tensor], torch.Tensor],
    step: float,
    steps: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Take steps of one length against the gradient of the margin; return the ends, and which rows have flipped."""
    if question.classes < 2:
        raise InputError("network", "has one output, so no class can flip", "Give a classifier of two classes")
    ends, flipped = start.clone(), torch.zeros(len(start), dtype=torch.bool, device=start.device)
    for part in torch.arange(len(start), device=start.device).split(question.batch_size):
        rows = part
        for taken in range(steps + 1):
            with torch.no_grad():
                still = question.margin(to_images(ends[rows]), rows) > 0
            flipped[rows[~still]] = True
            rows = rows[still]
            if not len(rows) or taken == steps:
                break
            found = slope(lambda x, r: question.margin(to_images(x), r), ends[rows], rows)
            length = found.flatten(1).norm(dim=1).clamp(min=1e-12).reshape(-1, *[1] * (found.ndim - 1))
            ends[rows] = ends[rows] - step * found / length
    return ends, flipped
