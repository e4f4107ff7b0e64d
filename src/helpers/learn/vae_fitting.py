"""Training of a variational autoencoder on images in memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from numbers import Real
from pathlib import Path

import numpy as np
import torch

from helpers.errors import InputError
from helpers.keep import processor
from helpers.keep.processor import Device, Precision, choose_precision
from helpers.learn import loop, pixels, vae_networks
from helpers.learn.features import Features
from helpers.learn.prediction import DTYPES
from helpers.learn.vae_losses import loss


def fit(
    images: np.ndarray,
    *,
    seed: int,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int = 64,
    lr: float = 1e-4,
    beta: float = 1.0,
    feature_weight: float = 1.0,
    features: Features | None = None,
    channels: int = 64,
    blocks: Sequence[int] = (1, 2, 4, 8),
    latent: int = 64,
    deep: bool = True,
    checkpoint: str | Path | None = None,
    device: Device = "auto",
    precision: Precision = "auto",
    channels_last: bool = True,
    compile: bool = False,
    progress: bool = True,
) -> loop.Fitted:
    """Train a variational autoencoder with Adam; gradients are clipped to a norm of 10, images are mirrored at random.

    The defaults are the network and the optimisation of López-Pérez et al. for images of 128 x 128 pixels, except for
    the features, which are not available everywhere.

    Parameters
    ----------
    images : uint8 ndarray of shape (n, c, s, s)
        Pixels from 0 to 255; all images are kept in device memory. They are scaled to -1 to 1 for the network.
    seed : int
        Seed of the initial weights, the order of images, the flips and the samples of codes.
    epochs, steps : int
        Length of the training, exactly one of the two; see `helpers.learn.fit`.
    batch_size, lr : int, float
        Images per step, and learning rate.
    beta, feature_weight, features
        As `loss` takes them.
    channels, blocks, latent, deep
        Size of the network, see `helpers.learn.vae`. (8, (1, 2), 16, False) is enough for simulated images of 32 x 32.
    checkpoint : path, optional
        Folder for this run only. Include all settings in its name: the checkpoint does not record beta, feature_weight
        and features, so it cannot refuse a call that changes them.
    device, precision, channels_last, compile, progress
        As `helpers.learn.fit` takes them.

    Returns
    -------
    helpers.learn.Fitted
        The model, and the history of ``loss``, ``mse``, ``kl`` and, with features, ``feature``.

    Raises
    ------
    InputError
        The images are not uint8 (n, c, s, s), or cannot be halved once for each of the blocks; a weight is negative;
        also the errors of `helpers.learn.vae`, `loss` and `helpers.learn.fit`.
    """
    pixels.check(images)
    for name, weight in (("beta", beta), ("feature_weight", feature_weight)):
        if not (isinstance(weight, Real) and 0 <= weight < float("inf")):
            raise InputError(f"{name} = {weight}", "expected a number, 0 or more", "Use 1 if in doubt")
    used = choose_precision(precision, processor.choose_device(device))
    if features is not None and channels_last:
        features.to(memory_format=torch.channels_last)
    return loop.fit(
        vae_networks.vae(
            in_channels=images.shape[1], channels=channels, blocks=blocks, latent=latent, deep=deep, seed=seed
        ),
        (images,),
        partial(loss, beta=beta, feature_weight=feature_weight, features=features, dtype=DTYPES[used]),
        epochs=epochs,
        steps=steps,
        batch_size=batch_size,
        lr=lr,
        seed=seed,
        optimizer=torch.optim.Adam,
        augment=_augmented,
        clip=10.0,
        checkpoint=checkpoint,
        device=device,
        precision=precision,
        channels_last=channels_last,
        compile=compile,
        progress=progress,
    )


def _augmented(batch: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
    """Scale images to -1 to 1, after mirroring each left to right with probability one half."""
    (images,) = batch
    mirrored = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return (pixels.scaled(torch.where(mirrored, images.flip(3), images)),)
