"""Conversion between stored images, whole numbers from 0 to 255, and inputs of the networks, from -1 to 1."""

from __future__ import annotations

import numpy as np
import torch

from helpers.errors import InputError


def check(images: np.ndarray) -> None:
    """Raise InputError unless the images are a non-empty uint8 array (n, channels, height, width)."""
    shape, dtype = getattr(images, "shape", None), getattr(images, "dtype", None)
    if dtype != np.uint8 or len(shape) != 4 or not all(shape):
        raise InputError(
            "images",
            f"expected uint8 (n, channels, height, width), found {dtype} {shape}",
            "Give pixels from 0 to 255, channels first",
        )


def scaled(pixels: torch.Tensor) -> torch.Tensor:
    """Convert pixels from 0 to 255 to float32 from -1 to 1."""
    return pixels.float() / 127.5 - 1


def unscaled(images: torch.Tensor) -> torch.Tensor:
    """Convert images from -1 to 1 to uint8 from 0 to 255, rounded."""
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
