"""Builders of MONAI networks with initial weights that depend only on a given seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from helpers.errors import InputError
from helpers.learn.building import is_count, seeded

SMALLEST = 4  # voxels along an axis of the coarsest features
ALONE = 12  # voxels that an axis needs to be halved without the others
WIDEST = {2: 512, 3: 320}  # features of the coarsest levels, by dimensions


def unet(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    features: Sequence[int] = (32, 32, 64, 128, 256, 32),
    dropout: float = 0.0,
    seed: int = 0,
) -> nn.Module:
    """Build a U-Net of four halvings, for images or volumes (MONAI's ``BasicUNet``, Falk et al. 2019).

    Parameters
    ----------
    spatial_dims : {2, 3}
        Images or volumes.
    in_channels, out_channels : int
        Channels of the input, and of the output before any activation.
    features : sequence of six int
        Channels of the five levels from fine to coarse, then of the last decoder level. (8, 8, 16, 16, 32, 8) is
        enough for simulated images of 32 x 32. Inputs need at least 32 voxels along each axis.
    dropout : float
        Share of features dropped in training.
    seed : int
        Seed of the initial weights; the global random number generators are left unchanged.

    Returns
    -------
    torch.nn.Module
        Takes (n, in_channels, ...) and returns (n, out_channels, ...).

    Raises
    ------
    InputError
        A number is out of range.
    """
    _check_counts(spatial_dims, in_channels, out_channels)
    if len(features) != 6 or any(not is_count(f) for f in features):
        raise InputError(
            f"features = {features}", "expected six whole numbers of channels", "Use (8, 8, 16, 16, 32, 8) for small"
        )
    if not 0 <= dropout < 1:
        raise InputError(f"dropout = {dropout}", "expected a share from 0 to below 1", "Use 0 for no dropout")

    def build() -> nn.Module:
        from monai.networks.nets import BasicUNet

        return BasicUNet(spatial_dims, in_channels, out_channels, tuple(features), dropout=dropout)

    return seeded(build, seed)


def light_unet(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    *,
    features: Sequence[int] = (16, 32, 64),
    seed: int = 0,
) -> nn.Module:
    """Build a U-Net with one convolution per level (MONAI's ``UNet``), several times as fast on a CPU as `unet`.

    Parameters
    ----------
    spatial_dims : {2, 3}
        Images or volumes.
    in_channels, out_channels : int
        Channels of the input, and of the output before any activation.
    features : sequence of int
        Channels of each level from fine to coarse, at least two levels. Each further level halves the size, so the axes
        of inputs must be divisible by ``2 ** (len(features) - 1)``.
    seed : int
        Seed of the initial weights; the global random number generators are left unchanged.

    Returns
    -------
    torch.nn.Module
        Takes (n, in_channels, ...) and returns (n, out_channels, ...).

    Raises
    ------
    InputError
        A number is out of range.
    """
    _check_counts(spatial_dims, in_channels, out_channels)
    if len(features) < 2 or any(not is_count(f) for f in features):
        raise InputError(f"features = {features}", "expected two or more whole numbers of channels", "Use (16, 32, 64)")

    def build() -> nn.Module:
        from monai.networks.nets import UNet

        return UNet(spatial_dims, in_channels, out_channels, tuple(features), (2,) * (len(features) - 1))

    return seeded(build, seed)


def dynunet(
    spacing: Sequence[float],
    patch: Sequence[int],
    in_channels: int,
    out_channels: int,
    *,
    base: int = 32,
    seed: int = 0,
) -> nn.Module:
    """Build a U-Net with the topology that nnU-Net derives from voxel size and patch (MONAI's ``DynUNet``).

    Parameters
    ----------
    spacing : sequence of float
        Voxel size in mm, in the order of the array's axes; two or three axes.
    patch : sequence of int
        Voxels of a training patch along the same axes.
    in_channels, out_channels : int
        Channels of the input, and of the output before any activation.
    base : int
        Channels of the finest level; doubled at each level, up to 320 in volumes and 512 in images.
    seed : int
        Seed of the initial weights; the global random number generators are left unchanged.

    Returns
    -------
    torch.nn.Module
        Takes ``(n, in_channels, *patch)`` and returns ``(n, out_channels, *patch)``; no deep supervision.

    Raises
    ------
    InputError
        Spacing and patch do not fit each other, or the patch cannot be halved as often as `topology` requires.
    """
    kernels, strides = topology(spacing, patch)
    _check_counts(len(kernels[0]), in_channels, out_channels)
    if not is_count(base):
        raise InputError(f"base = {base}", "expected a whole number of channels, 1 or more", "nnU-Net uses 32")
    filters = [min(base * 2**level, WIDEST[len(patch)]) for level in range(len(kernels))]

    def build() -> nn.Module:
        from monai.networks.nets import DynUNet

        return DynUNet(
            len(patch),
            in_channels,
            out_channels,
            kernel_size=kernels,
            strides=strides,
            upsample_kernel_size=strides[1:],
            filters=filters,
            norm_name=("INSTANCE", {"affine": True}),
        )

    return seeded(build, seed)


def topology(spacing: Sequence[float], patch: Sequence[int]) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Compute the kernels and strides of each level by nnU-Net's rule.

    An axis is halved from level to level under two conditions: its voxels are less than twice as long as the shortest
    among the axes that can still be halved, and at least four voxels remain along it. So the axes with short voxels are
    halved first, until voxels are roughly cubic. Kernels span three voxels, but only one along an axis with voxels
    still more than twice as long as the shortest. A single remaining axis is halved alone only while it has 12 voxels
    or more.

    Parameters
    ----------
    spacing : sequence of float
        Voxel size in mm, in the order of the array's axes; two or three axes.
    patch : sequence of int
        Voxels of a patch along the same axes.

    Returns
    -------
    kernels, strides : list of tuple of int
        One entry per level, from fine to coarse; the first stride is 1 along every axis.

    Raises
    ------
    InputError
        Spacing and patch do not fit each other, or the patch is not divisible by the product of the strides.

    Notes
    -----
    Isensee et al. 2021, https://doi.org/10.1038/s41592-020-01008-z, supplementary note on network topology.
    """
    length, size = np.asarray(spacing, float), np.asarray(patch)
    if length.shape not in ((2,), (3,)) or not np.isfinite(length).all() or (length <= 0).any():
        raise InputError(f"spacing = {spacing}", "expected two or three lengths in mm", "Give one for each axis")
    if size.shape != length.shape or size.dtype.kind not in "iu" or (size < 2 * SMALLEST).any():
        raise InputError(
            f"patch = {patch}",
            f"expected {len(length)} whole numbers of {2 * SMALLEST} voxels or more",
            "Give one for each axis of spacing",
        )
    whole, three = size.copy(), np.zeros(len(size), bool)
    kernels, strides = [], [(1,) * len(size)]
    while True:
        three |= length / length.min() <= 2  # an axis that once had a kernel of three keeps it
        kernels.append(tuple(int(k) for k in np.where(three, 3, 1)))
        large = size >= 2 * SMALLEST
        if not large.any():
            break
        halved = large & (length / length[large].min() < 2)
        if halved.sum() == 1 and size[halved] < ALONE:
            break
        strides.append(tuple(int(s) for s in np.where(halved, 2, 1)))
        size, length = np.where(halved, size // 2, size), np.where(halved, length * 2, length)
    kernels[-1] = (3,) * len(size)
    factor = np.prod(strides, axis=0)
    if (whole % factor).any():
        raise InputError(
            f"patch = {tuple(int(n) for n in whole)}",
            f"its axes are halved until one voxel covers {tuple(int(f) for f in factor)}, which does not divide it",
            f"Use {tuple(int(n) for n in -(-whole // factor) * factor)}",
        )
    return kernels, strides


def _check_counts(spatial_dims: int, in_channels: int, out_channels: int) -> None:
    if spatial_dims not in WIDEST:
        raise InputError(f"spatial_dims = {spatial_dims}", "expected 2 or 3", "Images have 2, volumes 3")
    for name, count in (("in_channels", in_channels), ("out_channels", out_channels)):
        if not is_count(count):
            raise InputError(f"{name} = {count}", "expected a whole number, 1 or more", "Masks need one channel")
