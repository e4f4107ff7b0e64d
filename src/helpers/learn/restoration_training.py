"""Training of reconstruction networks on pairs of degraded and clean images: U-Net, Pix2Pix and mean-reverting SDE."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from helpers.errors import InputError, check_choice
from helpers.learn import loop, prediction, restoration_networks, sde

Pairs = tuple[np.ndarray, np.ndarray]


class Pix2Pix(nn.Module):
    """A generator and the discriminator it is trained against; called on degraded images alone, it is the generator."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator

    def forward(self, degraded: torch.Tensor, clean: torch.Tensor | None = None) -> Any:
        """Return the reconstructions and, if clean images are given, three outputs of the discriminator.

        The first two judge the true pair and the reconstructed pair; their gradients reach only the discriminator. The
        third judges the reconstructed pair again; its gradient reaches only the generator.
        """
        made = self.generator(degraded)
        if clean is None:
            return made
        true, false = (torch.cat([degraded, image], 1) for image in (clean, made))
        fixed = {name: weight.detach() for name, weight in self.discriminator.named_parameters()}
        return (
            made,
            self.discriminator(true)[-1],
            self.discriminator(false.detach())[-1],
            functional_call(self.discriminator, fixed, (false,))[-1],
        )


def fit_unet(
    degraded: np.ndarray,
    clean: np.ndarray,
    *,
    seed: int,
    features: Sequence[int] = (64, 128, 256, 512, 1024),
    output: str = "linear",
    validation: Pairs | None = None,
    **options: Any,
) -> loop.Fitted:
    """Train a U-Net with the mean squared error.

    Parameters
    ----------
    degraded, clean : float32 ndarray of shape (n, 1, h, w)
        Pairs of images, 0 to 1.
    seed : int
        Seed of the initial weights and the order of images.
    features, output
        As `helpers.learn.plain_unet` takes them.
    validation : pair of ndarray, optional
        Degraded and clean validation images, for `patience`.
    **options
        As `helpers.learn.fit` takes them: `epochs` or `steps`, `batch_size`, `lr`, `patience`, `weights`,
        `checkpoint`, `device`, `progress`, ...; the optimizer is Adam.

    Returns
    -------
    helpers.learn.Fitted
        `restore` applies the model.

    Raises
    ------
    InputError
        The images are not pairs; also the errors of `helpers.learn.plain_unet` and `helpers.learn.fit`.
    """
    model = restoration_networks.plain_unet(features=features, output=output, seed=seed)
    return _fit(model, _squared, degraded, clean, 2 ** (len(features) - 1), validation, seed=seed, **options)


def fit_pix2pix(
    degraded: np.ndarray,
    clean: np.ndarray,
    *,
    seed: int,
    features: Sequence[int] = (64, 128, 256, 512, 512, 512, 512),
    dropout: float = 0.5,
    channels: int = 64,
    layers: int = 3,
    lambda_l1: float = 1000.0,
    **options: Any,
) -> loop.Fitted:
    """Train Pix2Pix (Isola et al. 2017), a conditional GAN with a patch discriminator and an L1 loss.

    The generator's loss is binary cross-entropy plus `lambda_l1` times the mean absolute error. Two details differ from
    the publication. Both networks are updated at once, from one forward pass; in the publication the generator's step
    follows the discriminator's. The trained generator is used without dropout and with the batch norm statistics of the
    training.

    Parameters
    ----------
    degraded, clean, seed
        As `fit_unet` takes them.
    features, dropout
        As `helpers.learn.pix2pix_generator` takes them.
    channels, layers
        As `helpers.learn.patch_discriminator` takes them.
    lambda_l1 : float
        Weight of the mean absolute error.
    **options
        As `helpers.learn.fit` takes them; the optimizer is Adam with betas 0.5 and 0.999. `linear_decay` is the
        published `schedule`.

    Returns
    -------
    helpers.learn.Fitted
        The model returns the generator's images; the history has ``l1``, ``adversarial`` and ``discriminator``.

    Raises
    ------
    InputError
        The images are not pairs; also the errors of the builders and of `helpers.learn.fit`.
    """
    if not 0 <= lambda_l1 < float("inf"):
        raise InputError(f"lambda_l1 = {lambda_l1}", "expected a number, 0 or more", "Use 1000")
    model = Pix2Pix(
        restoration_networks.pix2pix_generator(features=features, dropout=dropout, seed=seed),
        restoration_networks.patch_discriminator(channels=channels, layers=layers, seed=seed),
    )
    loss = partial(_adversarial, lambda_l1=lambda_l1)
    options = {"betas": (0.5, 0.999)} | options
    return _fit(model, loss, degraded, clean, 2 ** len(features), None, seed=seed, **options)


def fit_sde(
    degraded: np.ndarray,
    clean: np.ndarray,
    *,
    seed: int,
    features: Sequence[int] = (96, 192, 384, 768),
    blocks: int = 2,
    attention: int = 1,
    groups: int = 32,
    diffusion_steps: int = 100,
    scale: float = 10 / 255,
    end: float = 0.005,
    predicts: Literal["noise", "velocity"] = "noise",
    kind: str = "ml",
    **options: Any,
) -> loop.Fitted:
    """Train the score network of a mean-reverting SDE (Luo et al. 2023) from degraded to clean images.

    Parameters
    ----------
    degraded, clean, seed
        As `fit_unet` takes them.
    features, blocks, attention, groups
        As `helpers.learn.score_network` takes them.
    diffusion_steps, scale, end, predicts
        Steps of the SDE, its noise, the share of the difference left at its end, and the network's prediction target;
        see `MeanReverting`.
    kind : {"noise", "velocity", "ml"}
        Loss: error of the noise or of the velocity, or the published likelihood; see `helpers.learn.sde.loss`.
    **options
        As `helpers.learn.fit` takes them; the optimizer is Adam with betas 0.9 and 0.99.

    Returns
    -------
    helpers.learn.Fitted
        The model is a `MeanReverting`.

    Raises
    ------
    InputError
        The images are not pairs, or there is no such loss; also the errors of `helpers.learn.score_network`,
        `MeanReverting` and `helpers.learn.fit`.
    """
    check_choice("kind", kind, sde.LOSSES)
    network = restoration_networks.score_network(
        features=features, blocks=blocks, attention=attention, groups=groups, seed=seed
    )
    model = sde.MeanReverting(network, steps=diffusion_steps, scale=scale, end=end, predicts=predicts)
    loss = partial(sde.loss, sde=model, kind=kind)
    options = {"betas": (0.9, 0.99)} | options
    return _fit(model, loss, degraded, clean, 2 ** (len(features) - 1), None, seed=seed, **options)


def linear_decay(done: float) -> float:
    """Return the factor of the learning rate: 1 in the first half of a training, then decreasing linearly to 0."""
    return min(1.0, 2 * (1 - done))


def check_pairs(degraded: np.ndarray, clean: np.ndarray, multiple: int) -> None:
    """Raise InputError unless both arrays are (n, 1, h, w) of equal shape, with sides divisible by `multiple`."""
    for name, images in (("degraded", degraded), ("clean", clean)):
        if images.ndim != 4 or images.shape[1] != 1 or not len(images):
            raise InputError(name, f"expected images of shape (n, 1, h, w), found {images.shape}", "Add or drop axes")
    if degraded.shape != clean.shape:
        problem = f"expected the shape of clean, {clean.shape}, found {degraded.shape}"
        raise InputError("degraded", problem, "Give one degraded image for each clean one")
    if any(side % multiple for side in clean.shape[2:]):
        size = " x ".join(map(str, clean.shape[2:]))
        raise InputError("clean", f"{size} pixels do not fit the network", f"Use a multiple of {multiple}")


def _fit(
    model: nn.Module,
    loss: Callable[..., Any],
    degraded: np.ndarray,
    clean: np.ndarray,
    multiple: int,
    validation: Pairs | None,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    **options: Any,
) -> loop.Fitted:
    check_pairs(degraded, clean, multiple)
    if validation is not None:
        check_pairs(*validation, multiple)
        options["validate"] = partial(_closeness, pairs=validation)
    return loop.fit(model, (degraded, clean), loss, optimizer=partial(torch.optim.Adam, betas=betas), **options)


def _squared(model: nn.Module, batch: Sequence[torch.Tensor]) -> torch.Tensor:
    return functional.mse_loss(model(batch[0]), batch[1])


def _adversarial(model: nn.Module, batch: Sequence[torch.Tensor], *, lambda_l1: float) -> Mapping[str, torch.Tensor]:
    degraded, clean = batch
    made, true, false, judged = model(degraded, clean)
    discriminator = (_cross_entropy(true, 1.0) + _cross_entropy(false, 0.0)) / 2
    adversarial, l1 = _cross_entropy(judged, 1.0), functional.l1_loss(made, clean)
    values = {"l1": l1, "adversarial": adversarial, "discriminator": discriminator}
    return {"loss": discriminator + adversarial + lambda_l1 * l1, **values}


def _cross_entropy(logits: torch.Tensor, truth: float) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, truth))


def _closeness(model: nn.Module, *, pairs: Pairs) -> float:
    """Return minus the mean squared error of the reconstructions."""
    return -float(np.mean((prediction.predict(model, pairs[0]) - pairs[1]) ** 2))
