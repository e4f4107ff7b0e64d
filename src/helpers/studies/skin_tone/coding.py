"""Codes of images in a variational autoencoder, the directions in which they differ, and decoding to images."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from helpers import learn
from helpers.errors import InputError
from helpers.learn import pixels


class Codes(NamedTuple):
    """Mean codes of images, and their first principal directions.

    mean : float32 ndarray of shape (n, latent, h, w)
    directions : float32 ndarray of shape (k, latent, h, w); each has the length of one standard deviation of the codes
    share : ndarray of shape (k,), share of the variance of these codes along each direction
    """

    mean: np.ndarray
    directions: np.ndarray
    share: np.ndarray


def codes(model: nn.Module, images: np.ndarray, *, directions: int = 3, batch_size: int = 64) -> Codes:
    """Compute mean codes of images, and the directions in which they differ most (principal components).

    Parameters
    ----------
    model : torch.nn.Module
        Network from `fit`, `load` or `helpers.learn.vae`; it runs on the device where it is.
    images : uint8 ndarray of shape (n, c, s, s)
        Pixels from 0 to 255.
    directions : int
        Number of directions, 1 to n - 1.
    batch_size : int
        Images at a time.

    Returns
    -------
    Codes
        A direction points towards brighter images, so that directions of two networks can be compared.

    Raises
    ------
    InputError
        The images are not uint8 (n, c, s, s), too few, do not fit the network or have all the same code.
    """
    pixels.check(images)
    n = len(images)
    if not 1 <= directions < n:
        problem = f"{n} images differ in at most {n - 1} directions"
        raise InputError(f"directions = {directions}", problem, "Ask for 1 or more, and give more images than that")
    encoder = _Part(model, lambda batch: model.encode(pixels.scaled(batch))[0])
    mean = learn.predict(encoder, images, batch_size=batch_size, precision="32")
    if np.allclose(mean, mean[:1]):
        raise InputError("images", "all images have the same code", "Give images that differ, or train the network")
    centred = (mean - mean.mean(0)).reshape(n, -1)
    places, lengths, axes = np.linalg.svd(centred.astype(float), full_matrices=False)
    sign = np.where(places.T @ images.mean((1, 2, 3)) < 0, -1, 1)
    ways = (axes * (sign * lengths / np.sqrt(n - 1))[:, None])[:directions].reshape(-1, *mean.shape[1:])
    return Codes(mean, ways.astype(np.float32), (lengths**2 / (lengths**2).sum())[:directions])


def decode(model: nn.Module, code: np.ndarray) -> np.ndarray:
    """Decode codes to images.

    Parameters
    ----------
    model : torch.nn.Module
        Network from `fit`, `load` or `helpers.learn.vae`; it runs on the device where it is.
    code : ndarray of shape (n, latent, h, w)
        For example ``Codes.mean``, or a code moved along a direction.

    Returns
    -------
    uint8 ndarray of shape (n, c, s, s)
        Pixels from 0 to 255.

    Raises
    ------
    InputError
        The codes do not fit the network, or an output is NaN or infinite.
    """
    decoder = _Part(model, model.decode)
    return learn.predict(decoder, code, activation=pixels.unscaled, batch_size=64, precision="32")


class _Part(nn.Module):
    """A part of a model as a separate network."""

    def __init__(self, model: nn.Module, forward: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.model, self.training, self.forward = model, model.training, forward
