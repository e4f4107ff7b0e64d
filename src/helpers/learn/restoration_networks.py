"""Networks that reconstruct a clean image from a degraded one, with the discriminator and score network they need."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from helpers.errors import InputError, check_choice
from helpers.learn.building import is_count, seeded


class _PlainUNet(nn.Module):
    """U-Net built by `plain_unet`."""

    def __init__(self, features: Sequence[int], sigmoid: bool) -> None:
        super().__init__()
        self.down = nn.ModuleList(_two(a, b) for a, b in pairwise([1, *features]))
        coarse_to_fine = list(pairwise(reversed(features)))
        self.widen = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in coarse_to_fine)
        self.up = nn.ModuleList(_two(2 * b, b) for _, b in coarse_to_fine)
        self.last = nn.Conv2d(features[0], 1, 1)
        self.sigmoid = sigmoid

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        levels = [self.down[0](images)]
        for block in self.down[1:]:
            levels.append(block(functional.max_pool2d(levels[-1], 2)))
        x = levels.pop()
        for widen, block in zip(self.widen, self.up, strict=True):
            x = block(torch.cat([levels.pop(), widen(x)], 1))
        x = self.last(x)
        return x.sigmoid() if self.sigmoid else x


def _two(before: int, after: int) -> nn.Module:
    """Build two convolutions of 3 x 3 pixels, each followed by a ReLU."""
    layers = [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.Conv2d(after, after, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers)


def plain_unet(
    *, features: Sequence[int] = (64, 128, 256, 512, 1024), output: str = "linear", seed: int = 0
) -> nn.Module:
    """Build a U-Net without normalisation (Ronneberger et al. 2015), for one channel.

    Each level has two convolutions of 3 x 3 pixels with ReLU. Levels are connected by max-pooling and by transposed
    convolutions of 2 x 2 pixels. The default has 31.0 million parameters. (MONAI's ``BasicUNet`` does not halve the
    channels in its finest transposed convolution, and has 31.1 million.)

    Parameters
    ----------
    features : sequence of int
        Channels of each level from fine to coarse, at least two levels; each level halves the image size.
        (8, 16, 32) is enough for simulated images of 32 x 32.
    output : {"linear", "sigmoid"}
        Activation after the last convolution; "linear" applies none.
    seed : int
        Seed of the initial weights; the global random number generators are left unchanged.

    Returns
    -------
    torch.nn.Module
        Takes (n, 1, h, w) and returns the same shape; h and w must be divisible by ``2 ** (len(features) - 1)``.

    Raises
    ------
    InputError
        A number is out of range.
    """
    _check_levels(features)
    check_choice("output", output, ("linear", "sigmoid"))
    return seeded(lambda: _PlainUNet(features, output == "sigmoid"), seed)


class _Level(nn.Module):
    """One level of Pix2Pix's U-Net with all coarser levels; a skip connection appends its output to its input."""

    def __init__(self, before: int, after: int, below: nn.Module | None, dropout: float) -> None:
        super().__init__()
        inner = 2 * after if below else after
        self.down = nn.Conv2d(before, after, 4, 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(after) if below else nn.Identity()  # a single pixel has no variance
        self.below = below or nn.Identity()
        self.up = nn.Sequential(
            nn.ReLU(), nn.ConvTranspose2d(inner, before, 4, 2, 1, bias=False), nn.BatchNorm2d(before)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made = self.below(self.norm(self.down(functional.leaky_relu(x, 0.2))))
        return torch.cat([x, self.dropout(self.up(made))], 1)


class _Pix2PixGenerator(nn.Module):
    """Generator built by `pix2pix_generator`."""

    def __init__(self, features: Sequence[int], dropout: float) -> None:
        super().__init__()
        below = None
        for before, after in reversed(list(pairwise(features))):
            # As published: dropout where the channels no longer double, except in the innermost level.
            below = _Level(before, after, below, dropout if below and before == after else 0.0)
        self.first = nn.Conv2d(1, features[0], 4, 2, 1, bias=False)
        self.levels = below
        self.last = nn.ConvTranspose2d(2 * features[0], 1, 4, 2, 1)
        self.apply(_drawn)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(self.levels(self.first(images)).relu()).sigmoid()


def _drawn(layer: nn.Module) -> None:
    """Draw the initial weights of a layer as Isola et al. 2017: normal, with a standard deviation of 0.02."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)


def pix2pix_generator(
    *, features: Sequence[int] = (64, 128, 256, 512, 512, 512, 512), dropout: float = 0.5, seed: int = 0
) -> nn.Module:
    """Build the generator of Pix2Pix (Isola et al. 2017), a U-Net of strided convolutions with batch norm, one channel.

    The default is the published network for images of 256 x 256, with seven halvings. Its output activation is a
    sigmoid instead of tanh.

    Parameters
    ----------
    features : sequence of int
        Channels after each halving, at least two. (16, 32, 32, 32) is enough for simulated images of 32 x 32.
    dropout : float
        Share of features dropped in training, in decoder levels with as many channels as the next finer level, except
        the innermost.
    seed : int
        Seed of the initial weights; the global random number generators are left unchanged.

    Returns
    -------
    torch.nn.Module
        Takes (n, 1, h, w) and returns the same shape, 0 to 1; h and w must be divisible by ``2 ** len(features)``.

    Raises
    ------
    InputError
        A number is out of range.
    """
    _check_levels(features)
    if not 0 <= dropout < 1:
        raise InputError(f"dropout = {dropout}", "expected a share from 0 to below 1", "Use 0 for no dropout")
    return seeded(lambda: _Pix2PixGenerator(features, dropout), seed)


def patch_discriminator(*, channels: int = 64, layers: int = 3, seed: int = 0) -> nn.Module:
    """Build a patch discriminator for pairs of images (MONAI's ``PatchDiscriminator``, Isola et al. 2017).

    Parameters
    ----------
    channels : int
        Features of the first convolution.
    layers : int
        Layers after it. With 3, the published number, a patch has 70 x 70 pixels; with 2 it has 34 x 34.
    seed : int
        Seed of the initial weights; the global random number generators are left unchanged.

    Returns
    -------
    torch.nn.Module
        Takes (n, 2, h, w), the degraded image and the one to judge, and returns a list of features. The last is the
        judgement before any activation, one number per patch.

    Raises
    ------
    InputError
        A number is out of range.
    """
    for name, count in (("channels", channels), ("layers", layers)):
        if not is_count(count):
            raise InputError(f"{name} = {count}", "expected a whole number, 1 or more", "Use 64 channels and 3 layers")

    def build() -> nn.Module:
        from monai.networks.nets import PatchDiscriminator

        return PatchDiscriminator(2, channels, 2, 1, num_layers_d=layers)

    return seeded(build, seed)


def score_network(
    *,
    features: Sequence[int] = (96, 192, 384, 768),
    blocks: int = 2,
    attention: int = 1,
    groups: int = 32,
    seed: int = 0,
) -> nn.Module:
    """Build a network that predicts noise from a noisy image, a condition and a time (MONAI's ``DiffusionModelUNet``).

    Parameters
    ----------
    features : sequence of int
        Channels of each level from fine to coarse, at least two. The default has 139 million parameters. It is MONAI's
        closest network to the ConditionalUNet of Luo et al. 2023, which has 137 million and linear attention.
        (16, 32, 32) with one block has 0.27 million.
    blocks : int
        Residual blocks per level.
    attention : int
        Number of levels with self-attention, counted from the coarsest.
    groups : int
        Groups of the group normalisation; must divide all features.
    seed : int
        Seed of the initial weights; the global random number generators are left unchanged.

    Returns
    -------
    torch.nn.Module
        Takes (n, 2, h, w), noisy image and condition, and times of shape (n,), and returns (n, 1, h, w).

    Raises
    ------
    InputError
        A number is out of range.
    """
    _check_levels(features)
    if not is_count(blocks) or not is_count(groups) or any(f % groups for f in features):
        problem = f"{groups} groups and {blocks} blocks do not fit features {tuple(features)}"
        raise InputError("score_network", problem, "Use one block or more, and groups that divide all features")
    if not 0 <= attention <= len(features):
        raise InputError(f"attention = {attention}", f"expected 0 to {len(features)} levels", "Use 0 for no attention")

    def build() -> nn.Module:
        from monai.networks.nets import DiffusionModelUNet

        return DiffusionModelUNet(
            spatial_dims=2,
            in_channels=2,
            out_channels=1,
            channels=tuple(features),
            num_res_blocks=blocks,
            attention_levels=[level >= len(features) - attention for level in range(len(features))],
            norm_num_groups=groups,
            num_head_channels=groups,
        )

    return seeded(build, seed)


def _check_levels(features: Sequence[int]) -> None:
    if len(features) < 2 or any(not is_count(f) for f in features):
        raise InputError(f"features = {features}", "expected two or more whole numbers of channels", "Use (8, 16, 32)")
