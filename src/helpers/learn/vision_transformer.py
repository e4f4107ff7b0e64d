"""A vision transformer with register tokens, in plain PyTorch, with the tensor names of DINOv2."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from helpers.errors import InputError
from helpers.learn.building import is_count, seeded

EPSILON = 1e-6  # of the layer norms
SPREAD = 0.02  # SD of the initial tokens and positions; layers have PyTorch's initial weights


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the attended values of tokens (n, t, d), before the projection."""
        n, t, d = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, d)


class LayerScale(nn.Module):
    """A learned factor for each feature of a residual branch (Touvron et al. 2021)."""

    def __init__(self, width: int, start: float) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((width,), start))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply by the factors."""
        return x * self.gamma


class Mlp(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the outputs."""
        return self.fc2(functional.gelu(self.fc1(x)))


class Block(nn.Module):
    """Attention and MLP, each behind a layer norm, each scaled and added to its input."""

    def __init__(self, width: int, heads: int, scale: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(width, eps=EPSILON) for _ in range(2))
        self.attn, self.mlp = Attention(width, heads), Mlp(width)
        self.ls1, self.ls2 = LayerScale(width, scale), LayerScale(width, scale)

    def forward(self, x: torch.Tensor, only: torch.Tensor | None = None) -> torch.Tensor:
        """Compute tokens (n, t, d), or those at the flat places `only` as (len(only), d)."""
        attended = self.attn(self.norm1(x))
        if only is not None:  # all tokens are attended to; what follows treats each token alone
            x, attended = x.flatten(0, 1)[only], attended.flatten(0, 1)[only]
        x = x + self.ls1(self.attn.proj(attended))
        return x + self.ls2(self.mlp(self.norm2(x)))


class PatchEmbed(nn.Module):
    """A linear map of each patch of pixels."""

    def __init__(self, channels: int, width: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, width, patch, stride=patch)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Compute the tokens of images, (n, patches, d)."""
        return self.proj(images).flatten(2).transpose(1, 2)


class ViT(nn.Module):
    """Vision transformer with a class token and registers; see `vit` for its sizes.

    Called with images (n, channels, h, w), it returns (n, 2 d): the class token, and the mean of the patch tokens.
    """

    def __init__(
        self, width: int, depth: int, heads: int, patch: int, side: int, channels: int, registers: int, scale: float
    ) -> None:
        super().__init__()
        self.width, self.patch, self.side, self.channels, self.registers = width, patch, side, channels, registers
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + (side // patch) ** 2, width))
        self.mask_token = nn.Parameter(torch.zeros(1, width))
        if registers:
            self.register_tokens = nn.Parameter(torch.zeros(1, registers, width))
        self.patch_embed = PatchEmbed(channels, width, patch)
        self.blocks = nn.ModuleList(Block(width, heads, scale) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        for name, tensor in self.named_parameters():
            if name in ("cls_token", "pos_embed", "register_tokens"):
                nn.init.trunc_normal_(tensor, std=SPREAD)
            elif name.endswith("bias"):
                nn.init.zeros_(tensor)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Compute features (n, 2 d) of images (n, channels, h, w)."""
        found = self.tokens(images)
        return torch.cat([found[:, 0], found[:, 1 + self.registers :].mean(1)], 1)

    def tokens(
        self, images: torch.Tensor, masked: torch.Tensor | None = None, only: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Compute the tokens after the last norm: class token, registers, and patches row by row.

        Parameters
        ----------
        images : torch.Tensor of shape (n, channels, h, w)
            Sides are multiples of the patch.
        masked : torch.Tensor of bool, shape (n, patches), optional
            Patches that the mask token replaces.
        only : torch.Tensor of int, shape (k,), optional
            Flat places (image times tokens an image, plus token) of the tokens that are returned. The last block then
            computes these alone: the same values at less cost.

        Returns
        -------
        torch.Tensor of shape (n, 1 + registers + patches, d), or (k, d)

        Raises
        ------
        InputError
            The images have other channels, or a side that is no multiple of the patch.
        """
        n, channels, h, w = images.shape
        if channels != self.channels or h % self.patch or w % self.patch:
            raise InputError(
                "images",
                f"expected {self.channels} channels and sides of a multiple of {self.patch}, found {images.shape[1:]}",
                "Convert or resize the images",
            )
        x = self.patch_embed(images)
        if masked is not None:
            x = torch.where(masked[:, :, None], self.mask_token, x)
        place = self._places(h // self.patch, w // self.patch)
        start = [(self.cls_token + place[:, :1]).expand(n, -1, -1)]
        if self.registers:
            start.append(self.register_tokens.expand(n, -1, -1))
        x = torch.cat([*start, x + place[:, 1:]], 1)
        for block in self.blocks[:-1]:
            x = block(x)
        return self.norm(self.blocks[-1](x, only))

    def _places(self, rows: int, columns: int) -> torch.Tensor:
        """Interpolate the position embeddings to a grid of patches."""
        grid = self.side // self.patch
        if rows == columns == grid:
            return self.pos_embed
        square = self.pos_embed[:, 1:].view(1, grid, grid, -1).permute(0, 3, 1, 2)
        fitted = functional.interpolate(square, (rows, columns), mode="bicubic", antialias=True)
        return torch.cat([self.pos_embed[:, :1], fitted.flatten(2).transpose(1, 2)], 1)


def vit(
    *,
    width: int = 48,
    depth: int = 4,
    heads: int = 4,
    patch: int = 4,
    side: int = 24,
    channels: int = 1,
    registers: int = 4,
    scale: float = 1.0,
    seed: int = 0,
) -> ViT:
    """Build a vision transformer with registers (Dosovitskiy et al. 2021, Darcet et al. 2024).

    Its tensors have the names of DINOv2 (Oquab et al. 2024), so that published weights fit: see `load_vit`. The
    defaults are a network that a laptop pretrains in minutes; ViT-S/16 is ``width=384, depth=12, heads=6, patch=16,
    side=224, scale=1e-5``.

    Parameters
    ----------
    width, depth, heads : int
        Features of a token, blocks, and heads of attention; the heads share the features out evenly.
    patch, side : int
        Pixels of a patch's side, and of an image's side for which position embeddings are kept. Those of other sides
        are interpolated (bicubic).
    channels, registers : int
        Channels of an image, and register tokens, 0 or more.
    scale : float
        Initial layer scale; DINOv2 has 1e-5, which suits long trainings of deep networks.
    seed : int
        Seed of the initial weights; the global random number generators are left unchanged.

    Returns
    -------
    ViT
        Takes (n, channels, h, w) and returns (n, 2 width).

    Raises
    ------
    InputError
        A number is out of range, or sizes do not fit each other.
    """
    counts = {"width": width, "depth": depth, "heads": heads, "patch": patch, "side": side, "channels": channels}
    for name, count in counts.items():
        if not is_count(count):
            raise InputError(f"{name} = {count}", "expected a whole number, 1 or more", "See the function's page")
    if not (is_count(registers) or (registers == 0 and not isinstance(registers, bool))):
        raise InputError(f"registers = {registers}", "expected a whole number, 0 or more", "Use 4 if in doubt")
    for whole, part in (("width", "heads"), ("side", "patch")):
        if counts[whole] % counts[part]:
            raise InputError(
                f"{whole} = {counts[whole]}", f"not a multiple of {part} = {counts[part]}", "Change one of the two"
            )
    return seeded(lambda: ViT(width, depth, heads, patch, side, channels, int(registers), scale), seed)
