"""Uncertainties of a variational autoencoder's images with one interface: uint8 images in, scores and maps out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from helpers import learn
from helpers.errors import InputError
from helpers.learn import pixels
from helpers.studies.uncertainty.posteriors import Diagonal, Posterior, diagonal, laplace
from helpers.studies.uncertainty.scoring import Estimator, Scores, score

# Takes uint8 images (n, c, s, s) and gives `Scores`. Their error is 0 if the method draws no random numbers.
Method = Callable[[np.ndarray], Scores]
BATCH = 64  # images at a time


def posterior(network: nn.Module, images: np.ndarray, **options: object) -> Posterior:
    """Fit a Laplace posterior of a variational autoencoder's decoder to images of its training set.

    Parameters
    ----------
    network : torch.nn.Module
        From `helpers.learn.fit_vae`, in evaluation mode; it has ``encode`` and ``decoder``.
    images : uint8 ndarray of shape (n, c, s, s)
        Training images, or some of them.
    **options
        Options of `laplace`; ``only=last_layer(network)`` for the last layer alone.
    """
    given = _scaled(network, images)
    return laplace(decoder(network), _codes(network, given), given, **options)


def diagonal_posterior(network: nn.Module, images: np.ndarray, **options: object) -> Diagonal:
    """Fit the posterior as `posterior` does, but with a diagonal covariance; the options are those of `diagonal`."""
    given = _scaled(network, images)
    return diagonal(decoder(network), _codes(network, given), given, **options)


def decoder(network: nn.Module) -> nn.Module:
    """Extract a variational autoencoder's decoder as a network from a code to an image with values from -1 to 1."""
    return nn.Sequential(network.decoder, nn.Tanh()).train(network.training)


def last_layer(network: nn.Module) -> tuple[str, ...]:
    """Return the prefix of the names of the parameters of the decoder's last layer, for `laplace`'s `only`."""
    names = [name for name, layer in decoder(network).named_modules() if [*layer.parameters(recurse=False)]]
    return (f"{names[-1]}.",)


def curvature(
    network: nn.Module,
    found: Posterior | Diagonal,
    *,
    probes: int = 24,
    estimator: Estimator = "hutchinson",
    maps: bool = True,
    seed: int = 0,
) -> Method:
    """Make the method that scores images by a posterior of all of the decoder's parameters or of its last layer.

    It calls `score`. A sketched posterior has no maps.
    """

    def method(images: np.ndarray) -> Scores:
        codes = _codes(network, _scaled(network, images))
        return score(found, codes, probes=probes, estimator=estimator, pixels=maps and found.maps, seed=seed)

    return method


def encoder_deviation(network: nn.Module) -> Method:
    """Make the method that scores by the code's mean standard deviation.

    Its map is the mean over the code's channels, enlarged to the size of the image.
    """

    def method(images: np.ndarray) -> Scores:
        given = _scaled(network, images)
        with torch.no_grad():
            wide = (0.5 * network.encode(given)[1]).exp()
        over = functional.interpolate(wide.mean(1, keepdim=True), size=given.shape[2:], mode="nearest")
        return _exact(wide.flatten(1).mean(1), over.expand_as(given))

    return _in_batches(method)


def residual(network: nn.Module) -> Method:
    """Make the method that scores by the squared difference of image and reconstruction.

    It needs the image itself, and it equals the error by definition.
    """

    def method(images: np.ndarray) -> Scores:
        given = _scaled(network, images)
        with torch.no_grad():
            squared = (decoder(network)(_codes(network, given)) - given) ** 2
        return _exact(squared.flatten(1).sum(1), squared)

    return _in_batches(method)


def ensemble(networks: Sequence[nn.Module]) -> Method:
    """Make the method that scores by the variance of several networks' reconstructions (Lakshminarayanan et al. 2017).

    Raises
    ------
    InputError
        There are fewer than two networks.
    """
    if len(networks) < 2:
        raise InputError("networks", f"{len(networks)} given, but one network alone does not vary", "Train two or more")

    def method(images: np.ndarray) -> Scores:
        drawn = []
        for network in networks:
            with torch.no_grad():
                given = _scaled(network, images)
                drawn.append(decoder(network)(_codes(network, given)))
        return _varied(torch.stack(drawn))

    return _in_batches(method)


def dropout(network: nn.Module, *, samples: int = 24, seed: int = 0) -> Method:
    """Make the method that scores by the variance of reconstructions under dropout (Gal & Ghahramani 2016).

    Dropout sets random channels of the decoder's blocks to zero.

    Parameters
    ----------
    network : torch.nn.Module
        Network with dropout, from `fit_dropout` or `with_dropout`.
    samples : int
        Reconstructions, 2 or more.
    seed : int
        Seed of the dropout.

    Raises
    ------
    InputError
        There are too few samples, or, when the method is called, the network drops nothing.
    """
    if samples < 2:
        raise InputError(f"samples = {samples}", "one sample alone does not vary", "Draw two or more")

    def method(images: np.ndarray) -> Scores:
        given = _scaled(network, images)
        codes = _codes(network, given)
        with torch.no_grad(), torch.random.fork_rng(devices=[given.device] if given.is_cuda else []):
            torch.manual_seed(seed)
            drawn = torch.stack([decoder(network)(codes) for _ in range(samples)])
        if torch.equal(drawn[0], drawn[1]):
            raise InputError("network", "the reconstructions do not vary", "Give one from fit_dropout or with_dropout")
        return _varied(drawn)

    return _in_batches(method)


def with_dropout(network: nn.Module, rate: float) -> nn.Module:
    """Copy a network and add channel dropout after each decoder block but the last, active in evaluation too."""
    if not 0 < rate < 1:
        raise InputError(f"rate = {rate}", "expected a share above 0 and below 1", "Use 0.1 if in doubt")
    copied = copy.deepcopy(network)
    for block in [*copied.decoder.children()][:-2]:
        block.register_forward_hook(lambda _, __, output: functional.dropout2d(output, rate))
    return copied


def fit_dropout(
    network: nn.Module, images: np.ndarray, *, rate: float = 0.1, seed: int, **options: object
) -> nn.Module:
    """Train a network further with dropout in its decoder; the options are those of `helpers.learn.fit`, and `beta`.

    Images are not mirrored, and there is no feature loss: the network only learns to cope with a missing channel.
    """
    beta = options.pop("beta", 1.0)

    def loss(model: nn.Module, batch: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
        return learn.vae_loss(model, batch, beta=beta)

    def augmented(batch: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        return (pixels.scaled(batch[0]),)

    return learn.fit(with_dropout(network, rate), (images,), loss, seed=seed, augment=augmented, **options).model


def _scaled(network: nn.Module, images: np.ndarray) -> torch.Tensor:
    pixels.check(images)
    return pixels.scaled(torch.from_numpy(np.ascontiguousarray(images)).to(next(network.parameters()).device))


def _codes(network: nn.Module, given: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return torch.cat([network.encode(part)[0] for part in given.split(BATCH)])


def _in_batches(method: Method) -> Method:
    def whole(images: np.ndarray) -> Scores:
        pixels.check(images)
        parts = [method(images[start : start + BATCH]) for start in range(0, len(images), BATCH)]
        return Scores(*map(torch.cat, zip(*parts, strict=True)))

    return whole


def _exact(value: torch.Tensor, over: torch.Tensor) -> Scores:
    return Scores(value, torch.zeros_like(value), over)


def _varied(drawn: torch.Tensor) -> Scores:
    """Compute the variance over draws (k, n, ...), and its jackknife standard error (one draw left out at a time)."""
    over = drawn.var(0)
    total = (drawn - drawn.mean(0)).flatten(2).pow(2).sum(2)  # (k, n)
    k = len(drawn)
    # The variance without draw i is (sum - k / (k - 1) d_i^2) / (k - 2).
    error = torch.zeros_like(total[0])
    if k > 2:
        left = (total.sum(0) - k / (k - 1) * total) / (k - 2)
        error = ((k - 1) / k * (left - left.mean(0)).pow(2).sum(0)).sqrt()
    return Scores(over.flatten(1).sum(1), error, over)
