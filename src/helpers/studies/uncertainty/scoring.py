"""Variance of a decoder's images due to its uncertain parameters: a score of every image and a map of its pixels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import torch

from helpers.errors import InputError, check_choice
from helpers.studies.uncertainty.decoders import AT_ONCE
from helpers.studies.uncertainty.posteriors import Diagonal, Posterior

Estimator = Literal["hutchinson", "hutch++", "exact"]
RANGE = 3  # hutch++: one third of the products each for the range, for the trace within it, and for the rest


class Scores(NamedTuple):
    """Predictive variance of images due to the uncertain parameters.

    score : torch.Tensor of shape (n,), Tr(J (GGN + a I)^-1 J^T), summed over the numbers of an image
    error : torch.Tensor of shape (n,), standard error of the score over random probes; 0 if the score is exact
    map : torch.Tensor of shape (n, ...), the diagonal in the shape of an image; it sums to the score. None if not asked
    """

    score: torch.Tensor
    error: torch.Tensor
    map: torch.Tensor | None


def numbers(values: torch.Tensor) -> np.ndarray:
    """Convert values to a 64-bit array on the CPU, because not every device has 64 bits."""
    return values.cpu().double().numpy()


def score(
    posterior: Posterior | Diagonal,
    codes: torch.Tensor,
    *,
    probes: int = 24,
    estimator: Estimator = "hutchinson",
    pixels: bool = True,
    seed: int = 0,
) -> Scores:
    """Score the image of every code, and map the score over the image's pixels.

    Parameters
    ----------
    posterior : Posterior or Diagonal
        From `laplace` or `diagonal`.
    codes : torch.Tensor of shape (n, ...)
        Codes of the images to score.
    probes : int
        Random vectors for each image, 2 or more; hutch++ takes 6 or more and spends a third of them on the range.
        Each costs one product with J^T, and one with J if a map is made.
    estimator : {"hutchinson", "hutch++", "exact"}
        `exact` takes one product for every number of the image, and no probe.
    pixels : bool
        Make the maps. A sketched posterior has none.
    seed : int
        Seed of the probes; every image has different probes.

    Returns
    -------
    Scores

    Raises
    ------
    InputError
        See `Decoder.check`; also if there are too few probes, the estimator is unknown, or maps or hutch++ are asked of
        a sketched posterior.

    Notes
    -----
    The trace estimator is by Hutchinson 1989, https://doi.org/10.1080/03610919008812866, with random signs as probes.
    The map is the diagonal estimator by Bekas et al. 2007, https://doi.org/10.1016/j.apnum.2007.01.003. Hutch++ is by
    Meyer et al. 2021, https://doi.org/10.1137/1.9781611976496.16; its range is deflated on both sides in the map too,
    so that the map sums to the score. The error is the standard error of the mean over the probes of one image.
    """
    check_choice("estimator", estimator, ("hutchinson", "hutch++", "exact"))
    fewest = {"hutchinson": 2, "hutch++": 2 * RANGE, "exact": 0}[estimator]
    if probes < fewest:
        problem = f"{estimator} needs {fewest} or more to estimate an error"
        raise InputError(f"probes = {probes}", problem, f"Use {max(fewest, 24)}")
    shape = posterior.decoder.check(codes)
    size = math.prod(shape)
    generator = torch.Generator().manual_seed(seed)

    def drawn(n: int, count: int) -> torch.Tensor:
        return torch.randint(0, 2, (n, count, size), generator=generator).to(codes).mul_(2).sub_(1)

    held = posterior.decoder.held(codes)
    each = size if estimator == "exact" else probes
    found = []
    for part in codes.split(max(1, AT_ONCE // (each * held))):
        n = len(part)
        product = _Product(posterior, part, max(1, AT_ONCE // (n * held)))
        if estimator == "exact":
            directions = torch.eye(size).to(codes).expand(n, size, size)
            found.append(_exact(product, directions, pixels=pixels))
        elif estimator == "hutchinson":
            found.append(_hutchinson(product, drawn(n, probes), pixels=pixels))
        else:
            some = probes // RANGE
            found.append(_hutchpp(product, drawn(n, some), drawn(n, probes - 2 * some), pixels=pixels))
    values, errors, maps = zip(*found, strict=True)
    whole = torch.cat(maps).reshape(len(codes), *shape) if pixels else None
    return Scores(torch.cat(values), torch.cat(errors), whole)


class _Product:
    """Products of A = J (GGN + a I)^-1 J^T of each code with directions (n, m, o) in its image, in batches."""

    def __init__(self, posterior: Posterior | Diagonal, codes: torch.Tensor, at_once: int) -> None:
        self.posterior, self.codes, self.at_once = posterior, codes, at_once

    def forms(self, directions: torch.Tensor) -> torch.Tensor:
        """Compute u^T A u, shape (n, m)."""
        return self._parts(directions, lambda back: self.posterior.variance(back))

    def __call__(self, directions: torch.Tensor) -> torch.Tensor:
        """Compute A u, shape (n, m, o)."""
        decoder = self.posterior.decoder
        return self._parts(directions, lambda back: decoder.pushed(self.codes, self.posterior.covered(back)))

    def _parts(self, directions: torch.Tensor, then: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        pulled = (self.posterior.decoder.pulled(self.codes, part) for part in directions.split(self.at_once, 1))
        return torch.cat([then(back) for back in pulled], 1)


Part = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def _exact(product: _Product, directions: torch.Tensor, *, pixels: bool) -> Part:
    diagonal = product.forms(directions)
    return diagonal.sum(1), diagonal.new_zeros(len(diagonal)), diagonal if pixels else diagonal[:, :0]


def _hutchinson(product: _Product, probes: torch.Tensor, *, pixels: bool) -> Part:
    if not pixels:
        forms = product.forms(probes)
        return forms.mean(1), _standard_error(forms), forms[:, :0]
    weighed = probes * product(probes)
    return weighed.sum(2).mean(1), _standard_error(weighed.sum(2)), weighed.mean(1)


def _hutchpp(product: _Product, first: torch.Tensor, second: torch.Tensor, *, pixels: bool) -> Part:
    basis, _ = torch.linalg.qr(product(first).mT)  # (n, o, m)
    rest = second - (second @ basis) @ basis.mT
    if not pixels:
        inside, outside = product.forms(basis.mT).sum(1), product.forms(rest)
        return inside + outside.mean(1), _standard_error(outside), outside[:, :0]
    image = product(basis.mT)
    inside = (basis.mT * image).sum(1)
    moved = product(rest)
    weighed = second * (moved - (moved @ basis) @ basis.mT)
    outside = weighed.sum(2)
    return inside.sum(1) + outside.mean(1), _standard_error(outside), inside + weighed.mean(1)


def _standard_error(values: torch.Tensor) -> torch.Tensor:
    return values.std(1) / values.shape[1] ** 0.5
