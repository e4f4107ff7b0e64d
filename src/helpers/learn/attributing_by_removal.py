"""Attributions from what the output F of a network loses as parts of the image are replaced."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import ArrayLike

from helpers.errors import InputError
from helpers.learn.attributing_checking import check_contrast, numbers
from helpers.learn.questions import Question, contrast, fill

MOST_PARTS = 10  # 1,024 coalitions


def occlusion(
    question: Question, *, baseline: float | ArrayLike = 0.0, patch: int = 4, stride: int = 2
) -> torch.Tensor:
    """Compute F(x) - F(x with a patch replaced), averaged over the patches that cover a pixel.

    Follows Zeiler and Fergus 2014 (arXiv 1311.2901). The patches of an image fill batches together.

    Parameters
    ----------
    question : Question
    baseline : float or array_like of shape (c, h, w) or (n, c, h, w)
        Replaces the patch, in the scale of the images.
    patch, stride : int
        Side of a square patch and distance of neighbours, in pixels. At the right and lower edge a patch may be cut.
    """
    images, filled = question.images, contrast("baseline", baseline, question.images)
    h, w = images.shape[2:]
    if not stride <= patch <= min(h, w):
        problem = f"patch {patch} and stride {stride} for images of {h} x {w} pixels"
        raise InputError("patch", problem, "Give a patch that fits, and a stride that leaves out no pixel")
    down, right = (_covered(side, patch, stride) for side in (h, w))
    covered = (down[:, None, :, None] & right[None, :, None, :]).reshape(-1, h, w).to(images.device)

    def replaced(rows: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
        return torch.where(covered[which, None], filled[rows], images[rows])

    loss = question.values(1, lambda rows, _: images[rows]) - question.values(len(covered), replaced)
    weight = covered.double().flatten(1)
    return (loss @ (weight / weight.sum(0))).reshape(-1, 1, h, w)


def _covered(side: int, patch: int, stride: int) -> torch.Tensor:
    """Return which pixels of a side each place of a patch covers."""
    starts = torch.arange(math.ceil((side - patch) / stride) + 1)[:, None] * stride
    pixels = torch.arange(side)
    return (pixels >= starts) & (pixels < starts + patch)


def shapley(question: Question, *, parts: ArrayLike, background: float | ArrayLike = 0.0) -> torch.Tensor:
    """Compute the Shapley value of each part exactly, from all its coalitions.

    A coalition is worth the mean of F over backgrounds, with its parts from the image and the others from a background
    (the marginal expectation of Lundberg and Lee 2017, arXiv 1705.07874). Each pixel gets the value of its part.

    Parameters
    ----------
    question : Question
    parts : array_like of int, shape (h, w) or (n, h, w)
        Number of each pixel's part, from 0; at most 10 parts. A part that an image lacks has the value 0.
    background : float or array_like of shape (c, h, w) or (b, c, h, w)

    Raises
    ------
    InputError
        There are more parts, or fewer than two; or shapes differ.
    """
    codes, m = _numbered(parts, question)
    if m > MOST_PARTS:
        raise InputError("parts", f"{m} parts have {2**m:,} coalitions", "Give at most 10, or use sampled Shapley")
    present, share = coalitions(m)
    worth = _worth(question, present.expand(len(question.images), -1, -1), codes, background)
    return _spread(worth @ share.to(worth.device), codes)


def coalitions(m: int) -> tuple[torch.Tensor, torch.Tensor]:
    """List all coalitions of m parts, and the share of each one's worth in the Shapley value of each part.

    Returns
    -------
    tuple of torch.Tensor of shape (2 ** m, m)
        Which parts are present, bool; and the shares, float64, so that worth times shares are the values (equation 4 of
        Lundberg and Lee 2017, arXiv 1705.07874).
    """
    present = torch.arange(2**m)[:, None] >> torch.arange(m) & 1 == 1
    size = present.sum(1, keepdim=True)
    weight = torch.tensor([1 / (m * math.comb(m - 1, s)) for s in range(m)], dtype=torch.float64)
    return present, torch.where(present, weight[(size - 1).clamp(min=0)], -weight[size.clamp(max=m - 1)])


def sampled_shapley(
    question: Question,
    *,
    parts: ArrayLike,
    background: float | ArrayLike = 0.0,
    samples: int = 150,
    seed: int = 0,
) -> torch.Tensor:
    """Estimate Shapley values by a regression on sampled coalitions, drawn for each image apart.

    Kernel SHAP (theorem 2 of Lundberg and Lee 2017, arXiv 1705.07874): sizes are drawn by the kernel, and the values
    add up to F(image) - F(background) exactly.

    Parameters
    ----------
    question : Question
    parts, background
        As in `shapley`, with any number of parts from two.
    samples : int
        Coalitions of each image. Fewer than parts leave the values undetermined, and the shortest solution is taken.
    seed : int
        Maps that are compared need different seeds: with few samples the shared coalitions look like agreement.
    """
    codes, m = _numbered(parts, question)
    rng, n = np.random.default_rng(seed), len(question.images)
    sizes = np.arange(1, m)
    chance = 1 / (sizes * (m - sizes))
    size = rng.choice(sizes, (n, samples, 1), p=chance / chance.sum())
    drawn = rng.random((n, samples, m)).argsort(-1).argsort(-1) < size
    ends = np.broadcast_to(np.arange(2)[:, None] == 1, (n, 2, m))  # no part, all parts
    present = torch.from_numpy(np.concatenate([ends, drawn], axis=1))
    worth = _worth(question, present, codes, background).cpu().numpy()
    nothing, change = worth[:, :1], worth[:, 1:2] - worth[:, :1]
    # The last part's value follows from the sum.
    last = drawn[..., -1].astype(float)
    free = drawn[..., :-1] - last[..., None]
    found = (np.linalg.pinv(free) @ (worth[:, 2:] - nothing - last * change)[..., None])[..., 0]
    values = np.concatenate([found, change - found.sum(1, keepdims=True)], axis=1)
    return _spread(torch.from_numpy(values), codes)


def _numbered(parts: ArrayLike, question: Question) -> tuple[torch.Tensor, int]:
    """Return the part of each pixel, of shape (n, h, w), and the number of parts."""
    codes = np.asarray(parts)
    n, _, *shape = question.images.shape
    if codes.shape not in (tuple(shape), (n, *shape)) or codes.dtype.kind not in "iu":
        problem = f"expected whole numbers of shape {tuple(shape)}, found {codes.dtype} {codes.shape}"
        raise InputError("parts", problem, "Number the part of each pixel, of one image or of all")
    used = np.unique(codes)
    if len(used) < 2 or used[0] != 0 or used[-1] != len(used) - 1:
        raise InputError("parts", f"are numbered {used[0]} to {used[-1]}", "Number two parts or more from 0, all used")
    return torch.from_numpy(np.broadcast_to(codes, (n, *shape)).astype(np.int64)), len(used)


def _worth(
    question: Question, present: torch.Tensor, codes: torch.Tensor, background: float | ArrayLike
) -> torch.Tensor:
    """Compute the worth of coalitions, (n, coalitions), from those of each image, bool (n, coalitions, parts)."""
    images = question.images
    given = numbers("background", background)
    number = max(len(given), 1) if given.ndim == 4 else 1
    others = fill("background", given, images[:1].expand(number, -1, -1, -1))
    check_contrast("background", others, images)
    chosen, places = present.to(images.device), codes.to(images.device)

    def mixed(rows: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
        kept = _at(chosen[rows, which // number], places[rows])
        return torch.where(kept[:, None], images[rows], others[which % number])

    found = question.values(chosen.shape[1] * number, mixed)
    return found.reshape(len(images), -1, number).mean(2)


def _at(of_parts: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Give each pixel what its part has, from shape (n, parts) to that of the places, (n, h, w)."""
    return of_parts.gather(1, places.flatten(1)).reshape(places.shape)


def _spread(values: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    return _at(values.cpu(), codes)[:, None]
