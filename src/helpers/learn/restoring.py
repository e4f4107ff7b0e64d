"""Application of trained reconstruction networks of any kind to degraded images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from helpers.errors import InputError
from helpers.learn import prediction, sde


def restore(
    model: nn.Module,
    degraded: np.ndarray,
    *,
    sampler: str = "posterior",
    steps: int | None = None,
    seed: int = 0,
    cases: ArrayLike | None = None,
    batch_size: int = 64,
) -> np.ndarray:
    """Reconstruct degraded images with a trained network.

    Parameters
    ----------
    model : torch.nn.Module
        From `fit_unet`, `fit_pix2pix` or `fit_sde`; used on its current device, in evaluation mode.
    degraded : float32 ndarray of shape (n, 1, h, w)
        Images, 0 to 1.
    sampler, steps
        Options of an SDE, see `helpers.learn.sde.sample`.
    seed : int
        Seed of an SDE's noise.
    cases : array_like of n int, optional
        Identifying numbers of the images, 0 or more; default their positions. An SDE's noise for an image depends only
        on the seed and this number, not on the other images in the call.
    batch_size : int
        Images per forward pass.

    Returns
    -------
    float32 ndarray of shape (n, 1, h, w)
        Reconstructions, clipped to 0 to 1.

    Raises
    ------
    InputError
        The images do not fit the network; an output is NaN or infinite; a number is out of range.
    """
    if isinstance(model, sde.MeanReverting):
        numbers = np.arange(len(degraded)) if cases is None else np.asarray(cases)
        if numbers.shape != (len(degraded),):
            problem = f"expected {len(degraded)} numbers, found shape {numbers.shape}"
            raise InputError("cases", problem, "Give one for each image")
        sampling = _Sampling(model, numbers, seed, sampler, steps)
        return prediction.predict(sampling, degraded, activation=_clipped, batch_size=batch_size, precision="32")
    return prediction.predict(model, degraded, activation=_clipped, batch_size=batch_size, precision="32")


class _Sampling(nn.Module):
    """An SDE wrapped as a network from images to images; to be called on the batches of one array in order."""

    def __init__(
        self, model: sde.MeanReverting, cases: Sequence[int], seed: int, sampler: str, steps: int | None
    ) -> None:
        super().__init__()
        self.model, self.left, self.training = model, iter(cases), model.training
        self.seed, self.sampler, self.steps = seed, sampler, steps

    def forward(self, degraded: torch.Tensor) -> torch.Tensor:
        generators = [self._generator(degraded.device) for _ in degraded]
        return sde.sample(self.model, degraded, generators, sampler=self.sampler, steps=self.steps)

    def _generator(self, device: torch.device) -> torch.Generator:
        state = np.random.SeedSequence((self.seed, int(next(self.left)))).generate_state(1, np.uint64)
        return torch.Generator(device).manual_seed(int(state[0]))


def _clipped(images: torch.Tensor) -> torch.Tensor:
    return images.clamp(0, 1)
