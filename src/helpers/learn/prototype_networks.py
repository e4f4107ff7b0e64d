"""A diffusion of pictures that is conditioned on activations of prototypes: after Weng et al. 2025, arXiv 2503.22782.

An encoder turns a picture into a map of patches. The activation of a prototype is high if the patch most like it is
near it: s = log((d^2 + 1) / (d^2 + 1e-4)) at the smallest distance d, as in ProtoPNet (Chen et al. 2019, arXiv
1806.10574). The vector of activations enters each residual block of the denoising network.

Departures, each a choice of the builder or of the fitting: smaller networks, a sigmoid at the end of the encoder,
prototypes that begin at patches, and the velocity in place of the noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from helpers.errors import InputError, check_choice
from helpers.learn.building import is_count, seeded
from helpers.learn.denoising import denoiser
from helpers.learn.diffusion import noise_levels

SMALLEST = 1e-4  # added to the squared distance; the largest activation is log(1 / SMALLEST)


class Layers(NamedTuple):
    """Convolutions of an encoder: channels, side of the kernel, stride and padding of each."""

    widths: tuple[int, ...]
    kernels: tuple[int, ...]
    strides: tuple[int, ...]
    paddings: tuple[int, ...]


class Patches(NamedTuple):
    """Geometry of the patches that an encoder sees: side and distance of neighbours, and start of the first, pixels."""

    side: int
    jump: int
    start: int


ENCODERS = {
    "small": Layers((16, 32, 32), (3, 3, 1), (2, 1, 1), (1, 0, 0)),
    "published": Layers((32, 64, 64, 128), (3, 3, 3, 3), (2, 1, 1, 1), (1, 0, 0, 0)),
    "published 224": Layers((32, 64, 64, 64, 128), (5,) * 5, (2, 2, 1, 1, 1), (1, 1, 0, 0, 0)),
}
ENCODERS["whole"] = ENCODERS["small"]


def patches_of(layers: Layers) -> Patches:
    """Compute which pixels a place of the encoder's map sees: its receptive field."""
    side, jump, start = 1, 1, 0
    for kernel, stride, padding in zip(*layers[1:], strict=True):
        side, start, jump = side + (kernel - 1) * jump, start - padding * jump, jump * stride
    return Patches(side, jump, start)


class Conditioned(nn.Module):
    """A denoising network whose condition is computed from the clean picture.

    `levels` and `target` describe the diffusion, see `helpers.learn.diffusion`.
    """

    def __init__(self, encoder: nn.Module, network: nn.Module, levels: torch.Tensor, target: str) -> None:
        super().__init__()
        self.encoder, self.network, self.levels, self.target = encoder, network, levels, target

    def forward(self, x: torch.Tensor, times: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
        """Predict the velocity or the noise in x, conditioned on the activations of the clean pictures."""
        return self.denoise(x, times, self.activations(pictures))

    def denoise(self, x: torch.Tensor, times: torch.Tensor, activations: torch.Tensor) -> torch.Tensor:
        """Predict the velocity or the noise in x, given activations of shape (n, m)."""
        return self.network(x, times, class_labels=activations)

    def activations(self, pictures: torch.Tensor) -> torch.Tensor:
        """Compute the condition, shape (n, m), of pictures from -1 to 1."""
        raise NotImplementedError


class PrototypeDiffusion(Conditioned):
    """A diffusion conditioned on the activations of prototypes, see `prototype_diffusion`."""

    def __init__(self, encoder: nn.Module, network: nn.Module, levels, target: str, prototypes, patches) -> None:
        super().__init__(encoder, network, levels, target)
        self.prototypes, self.patches = nn.Parameter(prototypes), patches

    def distances(self, pictures: torch.Tensor) -> torch.Tensor:
        """Compute the squared distance of each prototype from each patch, shape (n, m, rows, columns)."""
        found = self.encoder(pictures)
        cross = functional.conv2d(found, self.prototypes[:, :, None, None])
        lengths = self.prototypes.square().sum(1)[None, :, None, None]
        return (found.square().sum(1, keepdim=True) - 2 * cross + lengths).clamp(min=0)

    def activations(self, pictures: torch.Tensor) -> torch.Tensor:
        """Compute s = log((d^2 + 1) / (d^2 + 1e-4)) at the nearest patch, from 0 to 9.2, shape (n, m)."""
        nearest = self.distances(pictures).amin((2, 3))
        return torch.log((nearest + 1) / (nearest + SMALLEST))


class GlobalDiffusion(Conditioned):
    """The control: a diffusion conditioned on as many numbers of the whole picture, a small diffusion autoencoder."""

    def __init__(self, encoder: nn.Module, network: nn.Module, levels, target: str, count: int, width: int) -> None:
        super().__init__(encoder, network, levels, target)
        self.summary = nn.Linear(width, count)

    def activations(self, pictures: torch.Tensor) -> torch.Tensor:
        """Compute a linear map of the mean over patches, shape (n, m)."""
        return self.summary(self.encoder(pictures).mean((2, 3)))


def prototype_diffusion(
    *,
    count: int = 16,
    encoder: str = "small",
    channels: int = 1,
    features: Sequence[int] = (16, 32),
    blocks: int = 1,
    groups: int = 8,
    diffusion_steps: int = 200,
    target: str = "velocity",
    seed: int = 0,
) -> Conditioned:
    """Build a diffusion of pictures from -1 to 1 that is conditioned on prototypes.

    Parameters
    ----------
    count : int
        Number of prototypes, at least 2.
    encoder : {"small", "published", "published 224", "whole"}
        Convolutions: three, each place of whose map sees 7 x 7 pixels; the published four (15 x 15); the published
        five for pictures of 224 pixels (61 x 61); or, as a control, the three with as many numbers of the whole
        picture in place of prototypes of patches.
    channels, features, blocks, groups
        As in `helpers.learn.denoiser`.
    diffusion_steps : int
        As `steps` in `helpers.learn.noise_levels`.
    target : {"velocity", "noise"}
        Prediction of the network; noise as published, with which a short training ignores its condition.
    seed : int
        Seed of the initial weights; the global random number generators are left unchanged.

    Returns
    -------
    PrototypeDiffusion or GlobalDiffusion

    Raises
    ------
    InputError
        A number is out of range, or there is no such encoder or target.
    """
    check_choice("encoder", encoder, ENCODERS)
    check_choice("target", target, ("velocity", "noise"))
    if not is_count(count) or count < 2:
        raise InputError(f"count = {count}", "expected 2 prototypes or more", "Use 16, or 100 as published")
    layers, levels = ENCODERS[encoder], noise_levels(diffusion_steps)
    options = {"channels": channels, "features": features, "blocks": blocks, "groups": groups}
    network = denoiser(**options, vector=count, seed=seed)
    width = layers.widths[-1]

    def build() -> Conditioned:
        convolutions = _convolutions(channels, layers)
        if encoder == "whole":
            return GlobalDiffusion(convolutions, network, levels, target, count, width)
        drawn = torch.rand(count, width)
        return PrototypeDiffusion(convolutions, network, levels, target, drawn, patches_of(layers))

    return seeded(build, seed + 1)


def _convolutions(channels: int, layers: Layers) -> nn.Module:
    """Join convolutions with ReLU between them and a sigmoid at the end."""
    parts, before = [], channels
    for width, kernel, stride, padding in zip(*layers, strict=True):
        one = nn.Conv2d(before, width, kernel, stride, padding)
        nn.init.kaiming_normal_(one.weight, nonlinearity="relu")
        nn.init.zeros_(one.bias)
        parts += [one, nn.ReLU()]
        before = width
    return nn.Sequential(*parts[:-1], nn.Sigmoid())
