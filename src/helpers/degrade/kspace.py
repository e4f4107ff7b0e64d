"""Magnetic resonance imaging with fewer radial lines: sampling masks of k-space, and the zero-filled image."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

from helpers.degrade.arrays import Array, check_whole, like, stack
from helpers.errors import InputError, check_choice

PUBLISHED = {4: 140, 8: 60, 16: 32}  # half-spokes at 256 x 256, by the study's nominal acceleration
GOLDEN = np.pi * (np.sqrt(5) - 1) / 2  # 111.246 degrees between one full spoke and the next
AXES = (-2, -1)


def spokes_for(acceleration: Literal[4, 8, 16], size: int) -> int:
    """Return the number of half-spokes (radial lines from the centre of k-space) at a nominal acceleration.

    The reconstruction study uses 140, 60 or 32 at 256 pixels; at other sizes they are scaled with `size`.

    Parameters
    ----------
    acceleration : {4, 8, 16}
        Nominal value, as in the study; `helpers.degrade.acceleration` measures the true one.
    size : int
        Side of the image in pixels.

    Returns
    -------
    int
        Rounded to an even number, because two half-spokes make a full spoke; at least 2.

    Raises
    ------
    InputError
        The acceleration is not 4, 8 or 16, or the size is below 2.
    """
    check_choice("acceleration", acceleration, PUBLISHED)
    check_whole("size", size, least=2)
    return max(2, 2 * round(PUBLISHED[acceleration] * size / 512))


def radial_mask(size: int, spokes: int, *, pattern: Literal["uniform", "golden"] = "uniform") -> np.ndarray:
    """Mark the pixels of k-space on radial lines through its centre.

    Parameters
    ----------
    size : int
        Side of the image in pixels.
    spokes : int
        Number of half-spokes, each from the centre outwards.
    pattern : {"uniform", "golden"}
        "uniform" is the published pattern: equal angles over the full circle, ``size // 2`` samples per half-spoke, one
        pixel apart, at truncated coordinates. "golden" has ``spokes / 2`` full spokes of `size` samples, at rounded
        coordinates. Each spoke is turned by 111.246 degrees, the golden angle, against the one before (Winkelmann et
        al. 2007, https://doi.org/10.1109/TMI.2006.885337).

    Returns
    -------
    ndarray
        bool (size, size), True where sampled, zero frequency at ``[size // 2, size // 2]``.

    Raises
    ------
    InputError
        The size, the number of spokes or the pattern cannot be used.
    """
    check_choice("pattern", pattern, ("uniform", "golden"))
    check_whole("size", size, least=2)
    check_whole("spokes", spokes, least=1)
    if pattern == "golden" and spokes % 2:
        raise InputError(
            f"spokes = {spokes}", "must be even, because two half-spokes make a spoke", "Give an even number"
        )
    centre = size // 2
    if pattern == "uniform":
        angles, steps, whole = np.arange(spokes) * (2 * np.pi / spokes), np.arange(centre), np.trunc
    else:
        angles, steps, whole = np.arange(spokes // 2) * GOLDEN, np.arange(size) - centre, np.rint
    rows, columns = (whole(centre + np.multiply.outer(turn(angles), steps)).astype(int) for turn in (np.sin, np.cos))
    mask = np.zeros((size, size), bool)
    mask[np.minimum(rows, size - 1), np.minimum(columns, size - 1)] = True
    return mask


def acceleration(mask: np.ndarray) -> float:
    """Compute the true acceleration of a mask: the number of k-space pixels divided by the number of sampled ones."""
    if not np.any(mask):
        raise InputError("mask", "no point is sampled", "Give a mask with at least one spoke")
    return np.size(mask) / np.count_nonzero(mask)


def undersample(images: Array, mask: np.ndarray, *, part: Literal["magnitude", "real"] = "magnitude") -> Array:
    """Reconstruct zero-filled images from k-space that is sampled on a mask only.

    Parameters
    ----------
    images : ndarray or tensor, (..., h, w)
        Square, values from 0 to 1.
    mask : ndarray, bool (h, w)
        Sampling mask, centred, as `radial_mask` makes it.
    part : {"magnitude", "real"}
        Image to return from the complex zero-filled image u: ``|u|`` or ``|Re u|``. The study trains two of its
        networks on ``|u|`` and the third on ``|Re u|``, and evaluates all three on ``|Re u|``.

    Returns
    -------
    ndarray or tensor
        float32, of the shape and kind of `images`. Not clipped: ringing may exceed 1.

    Raises
    ------
    InputError
        Images or mask cannot be used, or the part is unknown.
    """
    check_choice("part", part, ("magnitude", "real"))
    tensor = stack(images)
    kept = np.array(mask)
    if kept.dtype != bool or kept.shape != tensor.shape[1:]:
        problem = f"expected bool {tuple(tensor.shape[1:])}, found {kept.dtype} {kept.shape}"
        raise InputError("mask", problem, "Make it with radial_mask at the size of the images")
    sampled = _transform(torch.fft.fft2, tensor) * torch.from_numpy(kept).to(tensor.device)
    filled = _transform(torch.fft.ifft2, sampled)
    return like((filled if part == "magnitude" else filled.real).abs(), images)


def _transform(fourier, tensor: torch.Tensor) -> torch.Tensor:
    return torch.fft.fftshift(fourier(torch.fft.ifftshift(tensor, dim=AXES), norm="ortho"), dim=AXES)
