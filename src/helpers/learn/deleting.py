"""Deletion curves: what a network's output loses as the pixels that a map ranks highest are replaced."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from helpers.errors import InputError
from helpers.learn.attributing_checking import numbers
from helpers.learn.questions import asking, contrast

SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)  # of the pixels


def deletion_curve(
    network: nn.Module,
    images: ArrayLike | torch.Tensor,
    maps: ArrayLike,
    target: ArrayLike,
    *,
    baseline: float | ArrayLike = 0.0,
    shares: Sequence[float] = SHARES,
    against: ArrayLike | None = None,
    output: str = "logit",
    batch_size: int = 256,
) -> np.ndarray:
    """Compute F(x) - F(x with the highest pixels of its map replaced), for growing shares of the pixels.

    The deletion metric of Petsiuk et al. 2018 (arXiv 1806.07421), as a loss of the output. It depends on what replaces
    the pixels, so a curve is named together with its baseline.

    Parameters
    ----------
    network, images, target, against, output, batch_size
        As in `helpers.learn.attribute`.
    maps : array_like of shape (n, h, w)
        Of tied pixels the first are replaced.
    baseline : float or array_like of shape (c, h, w) or (n, c, h, w)
        Replaces the pixels, in the scale of the images.
    shares : sequence of float
        Shares of the pixels, above 0 and at most 1; a number of pixels is rounded up.

    Returns
    -------
    ndarray of shape (n, shares), float64
        NaN where a map is NaN.

    Raises
    ------
    InputError
        A map has another shape than its image or is NaN in some pixels alone, a share is out of range, or as in
        `helpers.learn.attribute`.
    """
    with asking(network, images, target, against=against, output=output, batch_size=batch_size) as question:
        ranks, known = _ranks(maps, question.images)
        counts = _counts(shares, ranks[0].numel()).to(ranks.device)
        filled, images = contrast("baseline", baseline, question.images), question.images

        def replaced(rows: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
            gone = ranks[rows] < counts[which, None, None]
            return torch.where(gone[:, None], filled[rows], images[rows])

        lost = question.values(1, lambda rows, _: images[rows]) - question.values(len(counts), replaced)
    return np.where(known[:, None], lost.cpu().numpy(), np.nan)


def _ranks(maps: ArrayLike, images: torch.Tensor) -> tuple[torch.Tensor, np.ndarray]:
    """Rank the pixels of each map from 0, the highest, and return which maps have no NaN."""
    given, (n, _, h, w) = numbers("maps", maps, float), images.shape
    if given.shape != (n, h, w):
        raise InputError("maps", f"expected shape {(n, h, w)}, found {given.shape}", "Give a map of each image")
    flat = given.reshape(n, -1)
    known = ~np.isnan(flat).any(1)
    some = ~known & ~np.isnan(flat).all(1)
    if some.any():
        problem = f"map {int(some.argmax())} is NaN in some pixels alone"
        raise InputError("maps", problem, "Check the network's weights and the images")
    ranks = (-flat).argsort(1, kind="stable").argsort(1)
    return torch.from_numpy(ranks.reshape(n, h, w)).to(images.device), known


def _counts(shares: Sequence[float], pixels: int) -> torch.Tensor:
    given = numbers("shares", shares, float)
    if given.ndim != 1 or not given.size or not ((given > 0) & (given <= 1)).all():
        raise InputError("shares", f"{shares!r} are not all above 0 and at most 1", "Give shares such as 0.1")
    return torch.from_numpy(np.ceil(given * pixels - 1e-9).astype(np.int64))
