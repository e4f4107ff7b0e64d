"""Reconstruction errors of a variational autoencoder, and the uncertainty of its codes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import nn

from helpers.errors import InputError
from helpers.keep import processor
from helpers.keep.processor import Device
from helpers.learn import pixels, prediction


def measures(
    model: nn.Module, images: np.ndarray, *, batch_size: int = 64, device: Device | None = None
) -> pd.DataFrame:
    """Compute reconstruction errors and the width of the code for each image, in 32-bit precision.

    Parameters
    ----------
    model : torch.nn.Module
        From `fit` or `helpers.learn.vae`. It is used in evaluation mode, in which it decodes the mean of the code.
    images : uint8 ndarray of shape (n, c, s, s)
        Pixels from 0 to 255, s 11 or more.
    batch_size : int
        Images per forward pass.
    device : {"auto", "cpu", "cuda", "mps"}, optional
        Device that the model is moved to first; default its current device.

    Returns
    -------
    DataFrame
        One row per image, in the order of the images:

        - ``mse``, mean squared difference of image and reconstruction, both from -1 to 1;
        - ``nmse``, the same divided by the error of a flat image of the image's mean colour, which is the variance
          within its channels. A value of 1 is no better than the flat image, and low contrast is no advantage;
        - ``ssim_gaussian``, structural similarity (Wang et al. 2004) of both from 0 to 1, with data range 1 and a
          Gaussian window of 11 pixels and sigma 1.5, averaged over all channels and all positions where the window
          fits; `helpers.metrics.ssim` has a flat window of 7 pixels, and gives other values;
        - ``latent_sd``, mean over the code of its standard deviations, exp(log_variance / 2).

    Raises
    ------
    InputError
        The images are not uint8 (n, c, s, s), do not fit the network, or one of them has a single colour and so
        no variance; an output is NaN or infinite; the device is not available.
    """
    pixels.check(images)
    lowest, highest = (extreme(images, axis=(2, 3)) for extreme in (np.min, np.max))
    if (flat := np.flatnonzero((lowest == highest).all(axis=1))).size:
        raise InputError(f"images[{flat[0]}]", "all pixels have one colour", "Leave out images without content")
    if device is not None:
        model.to(processor.choose_device(device))
    found = prediction.predict(_Measured(model), images, batch_size=batch_size, precision="32")
    return pd.DataFrame(found.astype(float), columns=["mse", "nmse", "ssim_gaussian", "latent_sd"])


def reconstruct(model: nn.Module, images: np.ndarray, *, batch_size: int = 64) -> np.ndarray:
    """Reconstruct images with a variational autoencoder, from the mean of their codes.

    Parameters
    ----------
    model : torch.nn.Module
        From `fit` or `helpers.learn.vae`; used on its current device, in evaluation mode.
    images : uint8 ndarray of shape (n, c, s, s)
        Pixels from 0 to 255.
    batch_size : int
        Images per forward pass.

    Returns
    -------
    uint8 ndarray of shape (n, c, s, s)
        Pixels from 0 to 255.

    Raises
    ------
    InputError
        The images are not uint8 (n, c, s, s), or do not fit the network; an output is NaN or infinite.
    """
    pixels.check(images)
    return prediction.predict(
        _Reconstructed(model), images, activation=pixels.unscaled, batch_size=batch_size, precision="32"
    )


class _Reconstructed(nn.Module):
    """Wrapper of a model that takes pixels from 0 to 255 and returns only the reconstruction."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.training = model, model.training

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.model(pixels.scaled(images)).reconstruction


class _Measured(_Reconstructed):
    """Wrapper of a model that takes pixels from 0 to 255 and returns the measures of each image."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        from monai.metrics.regression import compute_ssim_and_cs

        images = pixels.scaled(images)
        made, _, log_variance = self.model(images)
        mse = ((made - images) ** 2).flatten(1).mean(1)
        variance = images.flatten(2).var(2, correction=0).mean(1)
        # SSIM's first factor compares means, which must not be negative: so images are from 0 to 1. They are compared
        # on the CPU, since a GPU's convolutions round to ten bits.
        pair = ((part.cpu() + 1) / 2 for part in (made, images))
        similar = compute_ssim_and_cs(*pair, 2, (11, 11), (1.5, 1.5), data_range=1.0)[0].flatten(1).mean(1)
        spread = (0.5 * log_variance).exp().flatten(1).mean(1)
        return torch.stack([mse, mse / variance, similar.to(mse.device), spread], 1)
