"""Images as the studies keep them, whole numbers from 0 to 255, and as the networks take them, from -1 to 1."""

from __future__ import annotations

import numpy as np
import torch

from helpers.errors import InputError


def check(images: np.ndarray) -> None:
    """InputError where the images are no uint8 (n, channels, height, width), or there is none."""
    shape, dtype = getattr(images, "shape", None), getattr(images, "dtype", None)
    if dtype != np.uint8 or len(shape) != 4 or not all(shape):
        raise InputError(
            "images",
            f"expected uint8 (n, channels, height, width), found {dtype} {shape}",
            "Give pixels from 0 to 255, channels first",
        )


def scaled(pixels: torch.Tensor) -> torch.Tensor:
    """Pixels from 0 to 255 as float32 from -1 to 1."""
    return pixels.float() / 127.5 - 1


def unscaled(images: torch.Tensor) -> torch.Tensor:
    """Images from -1 to 1 as uint8 from 0 to 255, rounded."""
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
