"""A denoising U-Net with a condition: a vector added in each residual block, tokens by cross-attention, or both."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from helpers.errors import InputError
from helpers.learn.building import is_count, seeded


def denoiser(
    *,
    channels: int = 1,
    features: Sequence[int] = (16, 32),
    blocks: int = 1,
    attention: int = 0,
    groups: int = 8,
    vector: int = 0,
    tokens: int = 0,
    seed: int = 0,
) -> nn.Module:
    """Build MONAI's ``DiffusionModelUNet``, with its class embedding replaced by a small network on a vector.

    MONAI adds the embedded vector to that of the time, which enters each residual block. This is the condition of a
    diffusion autoencoder (Preechakul et al. 2022, https://arxiv.org/abs/2111.15640) without its scaling.

    Parameters
    ----------
    channels : int
        Channels of the picture.
    features : sequence of int
        Channels of each level from fine to coarse, at least two; sides of pictures must be divisible by
        2 ** (levels - 1). With the defaults the network has some 0.15 million parameters.
    blocks : int
        Residual blocks a level.
    attention : int
        Number of levels with attention, counted from the coarsest; the middle always has it.
    groups : int
        Groups of the group normalisation, and channels of an attention head; must divide all features.
    vector : int
        Length of the added vector; 0 for none.
    tokens : int
        Length of each token for cross-attention; 0 for none.
    seed : int
        Seed of the initial weights; the global random number generators are left unchanged.

    Returns
    -------
    torch.nn.Module
        Takes (n, channels, h, w) and times of shape (n,), and returns (n, channels, h, w), which are 0 before the
        first step of training. ``class_labels`` is the vector, (n, vector) float, and ``context`` the tokens,
        (n, count, tokens) float: each is required if it has a length.

    Raises
    ------
    InputError
        A number is out of range.
    """
    features = tuple(features)
    counts = all(map(is_count, (channels, blocks, groups, *features)))
    if not counts or len(features) < 2 or any(f % groups for f in features):
        problem = f"{channels} channels, {blocks} blocks and {groups} groups do not fit features {features}"
        raise InputError("denoiser", problem, "Use two levels or more, and groups that divide all features")
    if not 0 <= attention <= len(features):
        raise InputError(f"attention = {attention}", f"expected 0 to {len(features)} levels", "Use 0 for none")
    for name, value in (("vector", vector), ("tokens", tokens)):
        if value != 0 and not is_count(value):
            raise InputError(f"{name} = {value}", "expected a length, 0 or more", "Use 0 for no such condition")

    def build() -> nn.Module:
        from monai.networks.nets import DiffusionModelUNet

        network = DiffusionModelUNet(
            spatial_dims=2,
            in_channels=channels,
            out_channels=channels,
            channels=features,
            num_res_blocks=blocks,
            attention_levels=[level >= len(features) - attention for level in range(len(features))],
            norm_num_groups=groups,
            num_head_channels=groups,
            with_conditioning=tokens > 0,
            cross_attention_dim=tokens or None,
            num_class_embeds=1 if vector else None,
        )
        if vector:
            wide = network.time_embed[-1].out_features
            network.class_embedding = nn.Sequential(nn.Linear(vector, wide), nn.SiLU(), nn.Linear(wide, wide))
        return network

    return seeded(build, seed)
