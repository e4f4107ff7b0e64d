"""Laplace approximations of the posterior of a decoder's parameters, from the curvature of a Gaussian likelihood."""

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

PRECISIONS = (-8.0, 12.0)  # powers of ten between which the prior precision of the largest evidence is sought


class Posterior(NamedTuple):
    """A Gaussian over a decoder's parameters, N(theta, (GGN + a I)^-1).

    decoder : Decoder
    curvature : Eigenpairs of the generalised Gauss-Newton matrix (GGN): sum over codes of J^T J / noise
    precision : float, a, the precision of the prior
    noise : float, variance of a pixel about the decoder's image
    """

    decoder: Decoder
    curvature: eigen.Eigenpairs
    precision: float
    noise: float

    def covered(self, gradients: torch.Tensor) -> torch.Tensor:
        """Multiply vectors of shape (..., p) by the covariance.

        Raises
        ------
        InputError
            The eigenvectors are sketched, so the product is not known.
        """
        if not self.maps:
            problem = "a sketch keeps only lengths of eigenvectors, so it gives a score but no map of pixels"
            raise InputError("posterior", problem, "Fit it without `sketch`")
        vectors = self.curvature.vectors
        known = (self._known * (gradients @ vectors.T)) @ vectors
        # In place: memory that is new to a process costs more than the arithmetic.
        return torch.sub(gradients, known, out=known).div_(self.precision)

    def variance(self, gradients: torch.Tensor) -> torch.Tensor:
        """Compute g^T (GGN + a I)^-1 g for vectors g of shape (..., p); shape (...)."""
        # With a sketch, both squared lengths are sketched: otherwise the sketch's error could exceed their difference.
        seen = gradients if self.maps else self.curvature.sketch(gradients)
        known = (self._known * (seen @ self.curvature.vectors.T) ** 2).sum(-1)
        return (_squared_lengths(seen) - known) / self.precision

    @property
    def maps(self) -> bool:
        """Return True if `covered` can be computed, which maps of pixels need."""
        return self.curvature.sketch is None

    @property
    def _known(self) -> torch.Tensor:
        """Compute the share of the prior's variance that the data remove along each eigenvector."""
        return self.curvature.values / (self.curvature.values + self.precision)


class Diagonal(NamedTuple):
    """A Gaussian over a decoder's parameters with a diagonal covariance: only the GGN's diagonal is used.

    decoder : Decoder
    values : torch.Tensor of shape (p,), the diagonal of the GGN
    precision, noise : float
    """

    decoder: Decoder
    values: torch.Tensor
    precision: float
    noise: float
    maps: bool = True

    def covered(self, gradients: torch.Tensor) -> torch.Tensor:
        """Multiply vectors of shape (..., p) by the covariance."""
        return gradients / (self.values + self.precision)

    def variance(self, gradients: torch.Tensor) -> torch.Tensor:
        """Compute g^T (D + a I)^-1 g for vectors g of shape (..., p) and the diagonal D; shape (...)."""
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
    """Fit a Laplace posterior of a decoder's parameters, with products of the generalised Gauss-Newton matrix (GGN).

    The matrix itself is never formed.

    Parameters
    ----------
    network : torch.nn.Module
        Decoder in evaluation mode, from codes (n, ...) to images (n, ...), with a Gaussian likelihood.
    codes : torch.Tensor of shape (m, ...)
        Codes of training images; the means if the encoder gives a distribution.
    images : torch.Tensor of shape (m, ...)
        The images that the decoder should give.
    n : int, optional
        Size of the training set; default m. The codes are a random sample of it. Their curvature is multiplied by
        n / m.
    steps : int
        Number of products in `lanczos`, and of eigenpairs.
    sketch : int, optional
        Numbers kept of each eigenvector; default all. Use it for decoders of many parameters.
    only : sequence of str, optional
        Prefixes of the names of the uncertain parameters, such as those of the last layer; default all parameters.
    precision : float, optional
        Precision of the prior. Default: the one with the largest evidence.
    noise : float, optional
        Variance of a pixel. Default: the mean squared error on the codes (the maximum-likelihood estimate).
    batch_size : int
        Codes at a time.
    seed : int
        Seed of the first Lanczos vector and of the sketch.

    Returns
    -------
    Posterior

    Raises
    ------
    InputError
        See `Decoder`, `Decoder.check` and `lanczos`; also if the images do not fit the codes, a number is out of range,
        or the decoder's mean squared error is zero or not finite.

    Notes
    -----
    The evidence (MacKay 1992, https://doi.org/10.1162/neco.1992.4.3.448) needs the whole spectrum. It is computed by
    the quadrature that `lanczos` returns with the eigenpairs. From the found eigenpairs alone, too few steps would give
    a precision that is far too small. The GGN is the Hessian without the second derivatives of the network. Directions
    that the eigenpairs miss keep the prior's variance: too few steps make a score too large, never too small.
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
    """Fit a Laplace posterior of a decoder's parameters with a diagonal covariance.

    Parameters
    ----------
    probes : int
        Random sign vectors u for each code; the mean of (J^T u)^2 is an unbiased estimate of the diagonal.
    network, codes, images, n, only, precision, noise, batch_size, seed
        See `laplace`.

    Returns
    -------
    Diagonal

    Raises
    ------
    InputError
        See `laplace`; also if `probes` is below 1, or the diagonal is NaN or infinite.
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
        raise InputError("curvature", "the diagonal is NaN or infinite", "Look at the network's weights and the codes")
    return Diagonal(decoder, values, precision or most_evident(decoder.vector, values), noise)


def most_evident(parameters: torch.Tensor, values: torch.Tensor, weights: torch.Tensor | None = None) -> float:
    """Find the precision of the prior that maximises the evidence, the probability of the data.

    Parameters
    ----------
    parameters : torch.Tensor of shape (p,)
        The parameters.
    values : torch.Tensor of shape (k,)
        All p eigenvalues of the GGN, or the nodes of a quadrature.
    weights : torch.Tensor of shape (k,), optional
        Weights of the nodes, with sum 1.

    Returns
    -------
    float
        The a that maximises ``(p log a - a |theta|^2 - log det(GGN + a I)) / 2``, from 1e-8 to 1e12.
    """
    own, known = parameters.cpu().double(), values.cpu().double().numpy()  # not every device has 64 bits
    squares = float(own @ own)
    counts = np.ones(len(known)) if weights is None else len(parameters) * weights.cpu().double().numpy()

    def against(power: float) -> float:
        # An eigenvalue of zero adds nothing to log det(GGN + a I) - p log a.
        return 10.0**power * squares + counts @ np.log1p(known / 10.0**power)

    return float(10.0 ** minimize_scalar(against, bounds=PRECISIONS, method="bounded").x)


def _squared_lengths(vectors: torch.Tensor) -> torch.Tensor:
    """Compute squared lengths of vectors (..., p), matrix by matrix: new memory for all squares would cost more."""
    if vectors.ndim <= 2:
        return (vectors**2).sum(-1)
    return torch.stack([_squared_lengths(part) for part in vectors])


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
    """Check the arguments; return the decoder, the size of the training set and the variance of the noise."""
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
            problem = f"the decoder's mean squared error is {noise}, which cannot be a variance"
            raise InputError("images", problem, "Look for NaN in images and codes, or give `noise`")
    return decoder, n or len(codes), noise
