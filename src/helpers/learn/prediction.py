"""Application of a trained network to images in memory, and to volumes larger than its patch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from helpers.errors import InputError
from helpers.keep.processor import Precision, choose_precision
from helpers.learn.forward import in_batches

Activation = Callable[[torch.Tensor], torch.Tensor]
DTYPES = {"32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16}


def predict(
    model: nn.Module,
    images: ArrayLike | torch.Tensor,
    *,
    activation: Activation | None = None,
    batch_size: int = 64,
    precision: Precision = "auto",
) -> np.ndarray:
    """Compute the outputs of a network for images in memory.

    Parameters
    ----------
    model : torch.nn.Module
        Trained network; used on its current device (CPU or GPU), in evaluation mode; its mode is restored.
    images : array_like of shape (n, c, ...)
        Inputs of the network.
    activation : callable, optional
        Applied to each batch of outputs on the device, such as `torch.sigmoid`, or ``lambda y: y > 0`` for masks.
    batch_size : int
        Images per forward pass.
    precision : {"auto", "32", "bf16", "16"}
        As in `fit`.

    Returns
    -------
    ndarray of shape (n, ...)
        Outputs, float32 unless the activation returns another type.

    Raises
    ------
    InputError
        The images do not fit the network, or an output is NaN or infinite.
    """
    dtype = _dtype(model, precision)
    outputs = in_batches(model, images, batch_size=batch_size, dtype=dtype)
    return np.concatenate([(activation(y) if activation else y).cpu().numpy() for y in outputs])


def predict_volume(
    model: nn.Module,
    volume: ArrayLike | torch.Tensor,
    *,
    window: Sequence[int],
    overlap: float = 0.5,
    activation: Activation | None = None,
    batch_size: int = 1,
    precision: Precision = "auto",
) -> np.ndarray:
    """Compute the outputs of a network for one volume of any size, window by window (MONAI's sliding window).

    Overlapping windows are averaged with Gaussian weights, so that a window's edge counts less than its centre.

    Parameters
    ----------
    model : torch.nn.Module
        Trained network; used on its current device (CPU or GPU), in evaluation mode; its mode is restored.
    volume : array_like of shape (c, ...)
        One case; axes shorter than the window are padded.
    window : sequence of int
        Voxels of a window, usually the training patch.
    overlap : float
        Share of a window that the next window overlaps.
    activation, batch_size, precision
        As in `predict`; the activation is applied to the averaged outputs, and a batch consists of windows.

    Returns
    -------
    ndarray of shape (c_out, ...)
        Outputs, float32 unless the activation returns another type.

    Raises
    ------
    InputError
        Volume or window does not fit the network, or an output is NaN or infinite.
    """
    array = volume if isinstance(volume, torch.Tensor) else torch.from_numpy(np.ascontiguousarray(volume))
    if len(window) != array.ndim - 1 or min(window) < 1 or not 0 <= overlap < 1:
        raise InputError(
            f"window = {tuple(window)}, overlap = {overlap}",
            f"they do not fit a volume of shape {tuple(array.shape)}",
            "Give one length for each axis but the first, and an overlap from 0 to below 1",
        )
    slide = _Sliding(model, tuple(window), overlap, batch_size)
    (output,) = in_batches(slide, array[None], batch_size=1, dtype=_dtype(model, precision))
    return (activation(output) if activation else output)[0].cpu().numpy()


class _Sliding(nn.Module):
    """Wrapper that applies a network to volumes of any size, by a sliding window."""

    def __init__(self, model: nn.Module, window: tuple[int, ...], overlap: float, batch_size: int) -> None:
        super().__init__()
        self.model, self.window, self.overlap, self.batch_size = model, window, overlap, batch_size
        self.training = model.training

    def forward(self, volume: torch.Tensor) -> torch.Tensor:
        from monai.inferers import sliding_window_inference

        return sliding_window_inference(
            volume, self.window, self.batch_size, self.model, overlap=self.overlap, mode="gaussian"
        )


def _dtype(model: nn.Module, precision: Precision) -> torch.dtype:
    return DTYPES[choose_precision(precision, next(model.parameters()).device.type)]
