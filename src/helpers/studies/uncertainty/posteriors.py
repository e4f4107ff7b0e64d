"""A Laplace approximation of what a decoder's parameters could be, from the curvature of its Gaussian likelihood."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import nn

from helpers.errors import InputError
from helpers.studies.uncertainty import eigen
from helpers.studies.uncertainty.decoders import AT_ONCE, Decoder

PRECISIONS = (-8.0, 12.0)  # of the prior, powers of ten, in which the one with the most evidence is looked for


class Posterior(NamedTuple):
    """A Gaussian over a decoder's parameters, N(theta, (GGN + a I)^-1).

    decoder : Decoder
    curvature : Eigenpairs of the GGN, which is the sum over codes of J^T J over the variance of the noise
    precision : float, a, that of the prior
    noise : float, variance of a pixel about the decoder's image
    """

    decoder: Decoder
    curvature: eigen.Eigenpairs
    precision: float
    noise: float

    def covered(self, gradients: torch.Tensor) -> torch.Tensor:
        """Vectors of shape (..., p) times the covariance.

        Raises
        ------
        InputError
            The eigenvectors are sketched, so that the product is not known.
        """
        if not self.maps:
            problem = "only lengths are known of sketched eigenvectors, so there is a score but no map of pixels"
            raise InputError("posterior", problem, "Fit it without `sketch`")
        vectors = self.curvature.vectors
        return (gradients - (self._known * (gradients @ vectors.T)) @ vectors) / self.precision

    def variance(self, gradients: torch.Tensor) -> torch.Tensor:
        """g^T (GGN + a I)^-1 g of vectors g of shape (..., p), shape (...)."""
        # Of a sketch both lengths are sketched: one that is known nearly whole would else be lost in the other's error.
        seen = gradients if self.maps else self.curvature.sketch(gradients)
        return ((seen**2).sum(-1) - (self._known * (seen @ self.curvature.vectors.T) ** 2).sum(-1)) / self.precision

    @property
    def maps(self) -> bool:
        """Whether `covered` is known, of which maps are made."""
        return self.curvature.sketch is None

    @property
    def _known(self) -> torch.Tensor:
        """Share of the prior's variance that the data take away along each eigenvector."""
        return self.curvature.values / (self.curvature.values + self.precision)


class Diagonal(NamedTuple):
    """The same with parameters that do not depend on each other: what is beside the GGN's diagonal is left out.

    decoder : Decoder
    values : torch.Tensor of shape (p,), the diagonal
    precision, noise : float
    """

    decoder: Decoder
    values: torch.Tensor
    precision: float
    noise: float
    maps: bool = True

    def covered(self, gradients: torch.Tensor) -> torch.Tensor:
        """Vectors of shape (..., p) times the covariance."""
        return gradients / (self.values + self.precision)

    def variance(self, gradients: torch.Tensor) -> torch.Tensor:
        """g^T (D + a I)^-1 g of vectors g of shape (..., p), shape (...)."""
        return (gradients**2 / (self.values + self.precision)).sum(-1)


def laplace(
    network: nn.Module,
    codes: torch.Tensor,
    images: torch.Tensor,
    *,
    n: int | None = None,
    steps: int = 50,
    sketch: int | None = None,
    only: Sequence[str] | None = None,
    precision: float | None = None,
    noise: float | None = None,
    batch_size: int = 128,
    seed: int = 0,
) -> Posterior:
    """Laplace posterior of a decoder's parameters, its generalised Gauss-Newton matrix multiplied, never formed.

    Parameters
    ----------
    network : torch.nn.Module
        Decoder in evaluation mode, from codes (n, ...) to images (n, ...), with a Gaussian likelihood.
    codes : torch.Tensor of shape (m, ...)
        Of training images; the means, where the encoder gives a distribution.
    images : torch.Tensor of shape (m, ...)
        What should have come out.
    n : int, optional
        Size of the training set of which the codes are a random part; default m. The curvature is n / m times theirs.
    steps : int
        Products by `lanczos`, and eigenpairs.
    sketch : int, optional
        Numbers kept of each eigenvector; default all. For decoders of many parameters.
    only : sequence of str, optional
        Beginnings of names of the parameters that are uncertain, such as those of the last layer; default all.
    precision : float, optional
        Of the prior. Default the one with the most evidence.
    noise : float, optional
        Variance of a pixel. Default the mean squared error on the codes, the most likely one.
    batch_size : int
        Codes at a time.
    seed : int
        Of the first vector, and of the sketch.

    Returns
    -------
    Posterior

    Raises
    ------
    InputError
        As `Decoder`, `Decoder.check` and `lanczos`; the images do not fit the codes, or a number is out of range; the
        decoder's images are exact, so that their noise is zero.

    Notes
    -----
    The evidence (MacKay 1992, https://doi.org/10.1162/neco.1992.4.3.448) takes the whole spectrum, by the quadrature
    that comes with the eigenpairs; where those that were found stood for all, too few steps would make the precision
    far too small. The GGN leaves the second derivative of the network out of the Hessian, and what is not found of it
    counts as unknown: too few steps make a score too large, never too small.
    """
    decoder, count, noise = _prepared(network, codes, images, n, only, precision, noise, batch_size)
    weight = count / len(codes) / noise

    def product(vector: torch.Tensor) -> torch.Tensor:
        return weight * sum(decoder.normal(part, vector) for part in codes.split(batch_size))

    like = decoder.vector
    how = None if sketch is None else eigen.sketch(len(like), sketch, like=like, seed=seed)
    pairs = eigen.lanczos(product, like, steps, sketch=how, seed=seed)
    if precision is None:
        every = steps == len(like) and sketch is None
        precision = most_evident(like, pairs.values) if every else most_evident(like, pairs.nodes, pairs.weights)
    return Posterior(decoder, pairs, precision, noise)


def diagonal(
    network: nn.Module,
    codes: torch.Tensor,
    images: torch.Tensor,
    *,
    n: int | None = None,
    probes: int = 8,
    only: Sequence[str] | None = None,
    precision: float | None = None,
    noise: float | None = None,
    batch_size: int = 128,
    seed: int = 0,
) -> Diagonal:
    """Laplace posterior of a decoder's parameters with a diagonal covariance.

    Parameters
    ----------
    probes : int
        Random signs u for each code; the diagonal is the mean of (J^T u)^2, without bias.
    network, codes, images, n, only, precision, noise, batch_size, seed
        As `laplace` takes them.

    Returns
    -------
    Diagonal

    Raises
    ------
    InputError
        As `laplace`; `probes` is below 1; the diagonal is NaN or infinite.
    """
    if probes < 1:
        raise InputError(f"probes = {probes}", "expected 1 or more", "Use 8 if in doubt")
    decoder, count, noise = _prepared(network, codes, images, n, only, precision, noise, batch_size)
    generator = torch.Generator().manual_seed(seed)
    values = torch.zeros_like(decoder.vector)
    for part in codes.split(max(1, AT_ONCE // (probes * decoder.held(codes)))):
        signs = torch.randint(0, 2, (len(part), probes, images[0].numel()), generator=generator) * 2 - 1
        values += (decoder.pulled(part, signs.to(codes)) ** 2).mean(1).sum(0)
    values *= count / len(codes) / noise
    if not values.isfinite().all():
        raise InputError("curvature", "its diagonal is NaN or infinite", "Look at the network's weights and the codes")
    return Diagonal(decoder, values, precision or most_evident(decoder.vector, values), noise)


def most_evident(parameters: torch.Tensor, values: torch.Tensor, weights: torch.Tensor | None = None) -> float:
    """Precision of the prior under which the data are most probable.

    Parameters
    ----------
    parameters : torch.Tensor of shape (p,)
        The parameters.
    values : torch.Tensor of shape (k,)
        Eigenvalues of the GGN, all p of them; or the nodes of a quadrature.
    weights : torch.Tensor of shape (k,), optional
        Those of the nodes, of sum 1.

    Returns
    -------
    float
        a with the largest ``(p log a - a |theta|^2 - log det(GGN + a I)) / 2``, from 1e-8 to 1e12.
    """
    own, known = parameters.cpu().double(), values.cpu().double().numpy()  # not every device has 64 bits
    squares = float(own @ own)
    counts = np.ones(len(known)) if weights is None else len(parameters) * weights.cpu().double().numpy()

    def against(power: float) -> float:
        # log det(GGN + a I) - p log a has no term of an eigenvalue that is zero.
        return 10.0**power * squares + counts @ np.log1p(known / 10.0**power)

    return float(10.0 ** minimize_scalar(against, bounds=PRECISIONS, method="bounded").x)


def _prepared(
    network: nn.Module,
    codes: torch.Tensor,
    images: torch.Tensor,
    n: int | None,
    only: Sequence[str] | None,
    precision: float | None,
    noise: float | None,
    batch_size: int,
) -> tuple[Decoder, int, float]:
    """The decoder, the size of the training set and the variance of the noise."""
    decoder = Decoder(network, only)
    shape = decoder.check(codes)
    if images.shape != (len(codes), *shape):
        problem = f"shape {tuple(images.shape)}, expected {(len(codes), *shape)}, an image for every code"
        raise InputError("images", problem, "Give the images that were coded, in their order")
    if n is not None and n < len(codes):
        raise InputError(f"n = {n}", f"there are {len(codes)} codes", "Give the size of the whole training set")
    for name, value in (("precision", precision), ("noise", noise)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} = {value}", "expected a number above 0", "Leave it out to have it estimated")
    if noise is None:
        with torch.no_grad():
            pairs = zip(codes.split(batch_size), images.split(batch_size), strict=True)
            noise = sum(float(((network(z) - x).cpu().double() ** 2).sum()) for z, x in pairs) / images.numel()
        if not (math.isfinite(noise) and noise > 0):
            problem = f"the decoder's mean squared error is {noise}, which can be no variance"
            raise InputError("images", problem, "Look for NaN in images and codes, or give `noise`")
    return decoder, n or len(codes), noise
