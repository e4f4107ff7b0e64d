"""A variational autoencoder of residual blocks with a spatial latent code (a small image)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from torch import nn
from torch.nn import functional

from helpers.errors import InputError, check_choice
from helpers.learn.building import is_count, seeded

GROUPS = 8  # of group normalisation
# In place: applied only to the output of a normalisation, which nothing else reads.
ELU = partial(functional.elu, inplace=True)


class Coded(NamedTuple):
    """Output of a variational autoencoder, float32.

    reconstruction : torch.Tensor of shape (n, in_channels, s, s), -1 to 1
    mean, log_variance : torch.Tensor of shape (n, latent, s / factor, s / factor), of the Gaussian code
    """

    reconstruction: torch.Tensor
    mean: torch.Tensor
    log_variance: torch.Tensor


class VAE(nn.Module):
    """Variational autoencoder built by `vae`.

    Attributes
    ----------
    factor : int
        Pixels along an axis that one element of the latent code covers.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        blocks: Sequence[int],
        latent: int,
        residual_blocks: int,
        deep: bool,
        norm: Callable[[int], nn.Module],
    ) -> None:
        super().__init__()
        widths = [channels * block for block in (*blocks, 2 * blocks[-1])]
        self.factor = 2 ** len(blocks)

        down: list[nn.Module] = [nn.Conv2d(in_channels, widths[0], 3, padding=1)]
        for fine, coarse in pairwise(widths):
            down += [_Residual(fine, norm)] if deep else []
            down += [_Resized(fine, coarse, norm, up=False)]
        down += [_Residual(widths[-1], norm) for _ in range(residual_blocks)]
        self.encoder = nn.Sequential(*down, nn.ELU())
        self.mean = nn.Conv2d(widths[-1], latent, 1)
        self.log_variance = nn.Conv2d(widths[-1], latent, 1)

        up: list[nn.Module] = [nn.Conv2d(latent, widths[-1], 1)]
        up += [_Residual(widths[-1], norm) for _ in range(residual_blocks)]
        for coarse, fine in pairwise(reversed(widths)):
            up += [_Resized(coarse, fine, norm, up=True)]
            up += [_Residual(fine, norm)] if deep else []
        self.decoder = nn.Sequential(*up, nn.ELU(), nn.Conv2d(widths[0], in_channels, 5, padding=2))

    def encode(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Encode images in [-1, 1], shape (n, in_channels, height, width); return mean and log variance of the code.

        Raises
        ------
        InputError
            An axis of the images is not divisible by `factor`.
        """
        if any(side % self.factor for side in images.shape[2:]):
            raise InputError(
                "images",
                f"{' x '.join(map(str, images.shape[2:]))} pixels cannot be halved {len(bin(self.factor)) - 3} times",
                f"Use a multiple of {self.factor}",
            )
        hidden = self.encoder(images)
        return self.mean(hidden).float(), self.log_variance(hidden).float()

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        """Decode a code of shape (n, latent, height / factor, width / factor); return images in [-1, 1]."""
        return self.decoder(code).float().tanh()  # not in 16 bits, which cannot distinguish bright shades

    def forward(self, images: torch.Tensor) -> Coded:
        """Encode and decode images in [-1, 1], with a sample of the code in training and its mean in evaluation."""
        mean, log_variance = self.encode(images)
        code = mean + torch.randn_like(mean) * (0.5 * log_variance).exp() if self.training else mean
        return Coded(self.decode(code), mean, log_variance)


class _Residual(nn.Module):
    """Residual block: two convolutions through half of the channels, added to the input."""

    def __init__(self, width: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.norm1, self.conv1 = norm(width), nn.Conv2d(width, width // 2, 3, padding=1)
        self.norm2, self.conv2 = norm(width // 2), nn.Conv2d(width // 2, width, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.conv1(ELU(self.norm1(x)))
        return x + self.conv2(ELU(self.norm2(hidden)))


class _Resized(nn.Module):
    """Residual block that halves or doubles the size; its first convolution also computes the shortcut."""

    def __init__(self, before: int, after: int, norm: Callable[[int], nn.Module], *, up: bool) -> None:
        super().__init__()
        half = (before if up else after) // 2
        self.up, self.parts = up, (after, half)
        self.norm1 = norm(before)
        self.conv1 = nn.Conv2d(before, after + half, 3, stride=1 if up else 2, padding=1)
        self.norm2, self.conv2 = norm(half), nn.Conv2d(half, after, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = ELU(self.norm1(x))
        if self.up:
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
        shortcut, hidden = self.conv1(x).split(self.parts, 1)
        return shortcut + self.conv2(ELU(self.norm2(hidden)))


def vae(
    *,
    in_channels: int = 3,
    channels: int = 64,
    blocks: Sequence[int] = (1, 2, 4, 8),
    latent: int = 256,
    residual_blocks: int = 1,
    deep: bool = False,
    norm: Literal["batch", "group"] = "batch",
    seed: int = 0,
) -> VAE:
    """Build a variational autoencoder with pre-activation residual blocks and a spatial latent code.

    The encoder is a convolution, then for each entry of `blocks` a block that halves the image, then residual blocks
    at the coarsest size. Two 1 x 1 convolutions compute mean and log variance of the code. The decoder mirrors the
    encoder and ends in tanh. ``vae(latent=64, deep=True)`` has 56.7 million parameters and encodes 128 x 128 pixels as
    64 x 8 x 8.

    Parameters
    ----------
    in_channels : int
        Channels of the images.
    channels : int
        Features of the finest level, even; a multiple of 16 with group normalisation.
    blocks : sequence of int
        Features of each level before it is halved, in multiples of `channels`; the coarsest level has twice the last.
    latent : int
        Channels of the code; along each axis the code is 2 ** len(blocks) times smaller than the image.
    residual_blocks : int
        Residual blocks at the coarsest size, in encoder and decoder.
    deep : bool
        Whether to add a residual block before each halving and after each doubling.
    norm : {"batch", "group"}
        Batch normalisation (epsilon 1e-4), or group normalisation with eight groups.
    seed : int
        Seed of the initial weights; the global random number generators are left unchanged.

    Returns
    -------
    VAE
        Takes (n, in_channels, s, s) in [-1, 1] and returns ``(reconstruction, mean, log_variance)``; the methods
        ``encode`` and ``decode`` are its two halves. In training the code is sampled, in evaluation it is the mean.

    Raises
    ------
    InputError
        A number is out of range; or the network is called on images that cannot be halved once for each of the blocks.

    Notes
    -----
    Implemented from the description of the network that López-Pérez et al. used, https://arxiv.org/abs/2501.11752.
    """
    counts = {"in_channels": in_channels, "channels": channels, "latent": latent, "residual_blocks": residual_blocks}
    for name, count in counts.items():
        if not is_count(count):
            raise InputError(f"{name} = {count}", "expected a whole number, 1 or more", "See the function's page")
    if not len(blocks) or any(not is_count(block) for block in blocks):
        raise InputError(f"blocks = {blocks}", "expected whole numbers, 1 or more", "Use (1, 2) for 32 pixels")
    check_choice("norm", norm, ("batch", "group"))
    divisor = 2 if norm == "batch" else 2 * GROUPS  # each block has a layer of half its features
    if channels % divisor:
        raise InputError(f"channels = {channels}", f"expected a multiple of {divisor}", f"Use {divisor} for small")
    layer = partial(nn.BatchNorm2d, eps=1e-4) if norm == "batch" else partial(nn.GroupNorm, GROUPS)
    return seeded(lambda: VAE(in_channels, channels, blocks, latent, residual_blocks, deep, layer), seed)
