"""Parallel-beam projections and filtered back-projection, as products with a sparse matrix.

The geometry is that of scikit-image's ``radon(circle=False)`` and ``iradon``: angles at equal steps over half a turn,
detectors one pixel wide along the diagonal of the image, line integrals as sums of bilinear samples one pixel apart,
linear interpolation in the back-projection. For one geometry all of this is linear, so the weights are computed once
and kept as a matrix in memory, on the CPU or a CUDA GPU. For tensors on another device the CPU computes.

Lines at half a turn minus t, and at a quarter turn minus and plus t, are lines at the angle t through the image
reflected or transposed about its centre. So if detectors are odd and angles even in number, a matrix has the weights of
an eighth of a turn only, and is multiplied by four views of each image. At 256 pixels and angles, each of the two
matrices takes about 75 MB, and both together take about half a second to make.
"""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from scipy import sparse

from helpers.degrade.arrays import Array, check_whole, like, stack
from helpers.errors import InputError, check_choice

# Views in one product: always the same number, so that an image's rounding does not depend on the others.
BLOCK = {"cpu": 8, "cuda": 16}  # on a CPU more do not fit into its cache


def radon(images: Array, *, angles: int | None = None) -> Array:
    """Compute line integrals of images (the Radon transform), in units of pixels.

    Parameters
    ----------
    images : ndarray or tensor, (..., size, size)
        Square, values from 0 to 1.
    angles : int, optional
        Number of angles over [0, 180) degrees; by default as many as the image has rows.

    Returns
    -------
    ndarray or tensor
        float32 (..., angles, detectors) with ``ceil(sqrt(2) size)`` detectors; detector ``detectors // 2`` looks
        through pixel ``[size // 2, size // 2]``. It is the transpose of what scikit-image returns.

    Raises
    ------
    InputError
        Images or angles cannot be used.
    """
    tensor = stack(images)
    size = tensor.shape[-1]
    angles = size if angles is None else angles
    check_whole("angles", angles, least=1)
    layout = _layout(_detectors(size), int(angles))
    end = 1 + _side(size, layout) - size
    views = _views(torch.nn.functional.pad(tensor, (1, end, 1, end)), len(layout))
    lines = _product(_forward(size, int(angles), _place(tensor)), views).unflatten(-1, (layout.shape[1], -1))
    lines[:, 1:3] = lines[:, 1:3].flip(-1)
    found = lines.new_empty(len(tensor), angles + 1, lines.shape[-1])
    found[:, layout] = lines
    return like(found[:, :angles].contiguous(), images)


def fbp(sinograms: Array, *, window: Literal["ramp", "hann"] = "hann") -> Array:
    """Reconstruct images by filtered back-projection, the approximate inverse of `radon`.

    Parameters
    ----------
    sinograms : ndarray or tensor, (..., angles, detectors)
        As `radon` gives them.
    window : {"ramp", "hann"}
        The ramp filter, sampled in space (Kak and Slaney 1988, equation 61), alone or multiplied by a Hann window.

    Returns
    -------
    ndarray or tensor
        float32 (..., size, size); neither clipped nor scaled.

    Raises
    ------
    InputError
        The number of detectors fits no image, values are not finite, or the window is unknown.
    """
    check_choice("window", window, ("ramp", "hann"))
    tensor = stack(sinograms, where="sinograms", unit=False)
    angles, detectors = tensor.shape[1:]
    size = int(detectors / math.sqrt(2))
    if size < 1 or _detectors(size) != detectors:
        raise InputError("sinograms", f"no image has {detectors} detectors", "Give the result of radon")
    gain = _gain(detectors, window).to(tensor.device)
    padded = 2 * (len(gain) - 1)
    filtered = torch.fft.irfft(torch.fft.rfft(tensor, padded) * gain, padded)[..., :detectors]
    layout = _layout(detectors, angles)
    lines = torch.nn.functional.pad(filtered, (0, 0, 0, 1))[:, layout]
    lines[:, 1:3] = lines[:, 1:3].flip(-1)
    views = _product(_backward(size, angles, _place(tensor)), lines).unflatten(-1, (_side(size, layout), -1))
    images = _sum_of_views(views)[:, :size, :size] * (math.pi / (2 * angles))
    return like(images.contiguous(), sinograms)


def _detectors(size: int) -> int:
    return math.ceil(math.sqrt(2) * size)


def _layout(detectors: int, angles: int) -> torch.Tensor:
    """Compute the angle that each view of an image gives at each angle of the matrices, (views, angles of a matrix).

    Each angle is there once. Places that would repeat one have the number `angles`. The second and third view give the
    detectors in reverse order, which is why their number must be odd.
    """
    if detectors % 2 == 0 or angles % 2:
        return torch.arange(angles)[None]
    first = np.arange(angles // 4 + 1)
    every = np.stack([first, angles - first, angles // 2 - first, angles // 2 + first])
    numbers, places = np.unique(every, return_index=True)
    once = np.full(every.shape, angles)
    once.flat[places] = numbers
    return torch.from_numpy(once)


def _side(size: int, layout: torch.Tensor) -> int:
    """Compute the side of the square that all views share: one more than an even size has its centre in the middle."""
    return size if len(layout) == 1 else size // 2 * 2 + 1


def _views(images: torch.Tensor, count: int) -> torch.Tensor:
    """Return images (m, side, side) as they are, reflected, transposed, and both, (m, count, side, side)."""
    flipped = images.flip(1)
    return torch.stack([images, flipped, images.mT, flipped.mT][:count], 1)


def _sum_of_views(views: torch.Tensor) -> torch.Tensor:
    """Add views (m, count, side, side), each brought back to the image as it is, (m, side, side)."""
    if views.shape[1] == 1:
        return views[:, 0]
    return views[:, 0] + views[:, 1].flip(1) + views[:, 2].mT + views[:, 3].mT.flip(1)


def _place(tensor: torch.Tensor) -> str:
    return str(tensor.device) if tensor.is_cuda else "cpu"


def _product(matrix: torch.Tensor, tensor: torch.Tensor) -> torch.Tensor:
    """Multiply the matrix by each flattened view of a tensor (m, views, ...); return (m, views, rows) on its device."""
    columns = tensor.reshape(len(tensor) * tensor.shape[1], -1).to(matrix.device)
    found = torch.empty(len(columns), matrix.shape[0], device=matrix.device)
    count = BLOCK[matrix.device.type]
    for start in range(0, len(columns), count):
        block = columns[start : start + count]
        few = torch.nn.functional.pad(block, (0, 0, 0, count - len(block)))
        found[start : start + count] = (matrix @ few.T.contiguous()).T[: len(block)]
    return found.unflatten(0, tensor.shape[:2]).to(tensor.device)


@lru_cache(maxsize=2)
def _forward(size: int, angles: int, place: str) -> torch.Tensor:
    """Compute the weights of the pixels in each line integral, (angles of `_layout` x detectors, pixels).

    The square of `_side` is padded by one zero pixel on each side, so that each sample has four neighbours.
    """
    detectors = _detectors(size)
    layout = _layout(detectors, angles)
    count, side = layout.shape[1], _side(size, layout) + 2
    offset = np.arange(detectors) - detectors // 2
    centre = size // 2 + 1
    longest = 4 * count * (side + 1) ** 2  # memory that is not written to is not used
    weights, pixels = np.empty(longest, np.float32), np.empty(longest, np.int32)
    starts, end = [np.zeros(1, int)], 0
    for angle in np.arange(count) * (np.pi / angles):
        part = _lines(angle, offset, centre, side)
        weights[end : end + part.nnz], pixels[end : end + part.nnz] = part.data, part.indices
        starts.append(end + part.indptr[1:])
        end += part.nnz
    shape = (count * detectors, side**2)
    return _as_torch(weights[:end], pixels[:end], np.concatenate(starts), shape, place)


def _lines(angle: float, offset: np.ndarray, centre: int, side: int) -> sparse.csr_matrix:
    """Compute the weights of the pixels in the line integrals at one angle, (detectors, side^2)."""
    cos, sin = np.cos(angle), np.sin(angle)
    x = (centre + np.add.outer(offset * cos, offset * sin)).ravel()
    y = (centre + np.add.outer(-offset * sin, offset * cos)).ravel()
    inside = np.flatnonzero((x > 0) & (x < side - 1) & (y > 0) & (y < side - 1))
    x, y = x[inside], y[inside]
    left, top = x.astype(np.int32), y.astype(np.int32)
    right_share, low_share = (x - left).astype(np.float32), (y - top).astype(np.float32)
    weights, pixels = np.empty((len(x), 2, 2), np.float32), np.empty((len(x), 4), np.int32)
    np.multiply(1 - low_share, 1 - right_share, out=weights[:, 0, 0])
    np.multiply(1 - low_share, right_share, out=weights[:, 0, 1])
    np.multiply(low_share, 1 - right_share, out=weights[:, 1, 0])
    np.multiply(low_share, right_share, out=weights[:, 1, 1])
    pixels[:, 0] = top * side + left
    pixels[:, 1:] = pixels[:, :1] + np.array([1, side, side + 1], np.int32)
    samples = np.bincount(inside // len(offset), minlength=len(offset))
    starts = np.concatenate([[0], 4 * np.cumsum(samples)])
    part = sparse.csr_matrix((weights.ravel(), pixels.ravel(), starts), shape=(len(offset), side**2))
    part.sum_duplicates()
    return part


@lru_cache(maxsize=2)
def _backward(size: int, angles: int, place: str) -> torch.Tensor:
    """Compute the weights of the detectors in each pixel, (pixels, angles of `_layout` x detectors): two an angle."""
    detectors = _detectors(size)
    layout = _layout(detectors, angles)
    count, side = layout.shape[1], _side(size, layout)
    angle = np.arange(count) * (np.pi / angles)
    offset = np.arange(side) - size // 2
    weights, columns = np.empty((side, side, count, 2), np.float32), np.empty((side, side, count, 2), np.int32)
    for row in range(side):
        position = offset[:, None] * np.cos(angle) - offset[row] * np.sin(angle) + detectors // 2
        first = np.clip(position.astype(np.int32), 0, detectors - 2)
        share = (position - first).astype(np.float32)
        inside = ((position >= 0) & (position <= detectors - 1)).astype(np.float32)  # corners of even sizes are outside
        weights[row, ..., 0], weights[row, ..., 1] = inside * (1 - share), inside * share
        columns[row, ..., 0] = first + np.arange(count, dtype=np.int32) * detectors
    np.add(columns[..., 0], 1, out=columns[..., 1])
    starts = np.arange(side**2 + 1) * (2 * count)
    return _as_torch(weights.ravel(), columns.ravel(), starts, (side**2, count * detectors), place)


def _as_torch(
    weights: np.ndarray, columns: np.ndarray, starts: np.ndarray, shape: tuple[int, int], place: str
) -> torch.Tensor:
    # 32-bit indices: half the memory, and about half the time, of torch's default.
    parts = [torch.from_numpy(part) for part in (starts.astype(np.int32), columns, weights)]
    with warnings.catch_warnings(), torch.sparse.check_sparse_tensor_invariants(False):
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(*parts, shape).to(place)


@lru_cache(maxsize=4)
def _gain(detectors: int, window: str) -> torch.Tensor:
    """Compute the filter at the frequencies of a real Fourier transform, zero-padded against wrap-around."""
    padded = max(64, 2 ** math.ceil(math.log2(2 * detectors)))
    distance = np.minimum(np.arange(padded), padded - np.arange(padded))
    odd = distance % 2 == 1
    kernel = np.zeros(padded)
    kernel[0], kernel[odd] = 0.25, -1 / (np.pi * distance[odd]) ** 2
    gain = 2 * np.fft.rfft(kernel).real
    if window == "hann":
        # scikit-image's window is not symmetric about frequency 0; on real values its mean over both signs acts: this.
        turn = np.pi / (padded - 1)
        gain *= 0.5 + 0.5 * np.cos(turn) * np.cos(2 * turn * np.arange(len(gain)))
    return torch.from_numpy(gain.astype(np.float32))
