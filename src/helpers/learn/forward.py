"""Forward passes of a trained network in batches: outputs, and features of an inner layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from helpers.errors import InputError

BOTTLENECKS = ("bottleneck", "down_4")  # its name in DynUNet and BasicUNet


def embed(
    model: nn.Module, images: ArrayLike | torch.Tensor, *, layer: str | None = None, batch_size: int = 64
) -> np.ndarray:
    """Compute features of an inner layer, averaged over space: a point in the network's latent space for each image.

    Parameters
    ----------
    model : torch.nn.Module
        Trained network; used on its current device (CPU or GPU), in evaluation mode.
    images : array_like of shape (n, c, ...)
        Inputs of the network.
    layer : str, optional
        Name of the layer, as in ``model.named_modules()``; default the bottleneck of a U-Net of this package.
    batch_size : int
        Images per forward pass.

    Returns
    -------
    ndarray of shape (n, d)
        Mean over space of each of the layer's d features, float32.

    Raises
    ------
    InputError
        The network has no such layer; the images do not fit it, or an output is NaN or infinite.
    """
    names = dict(model.named_modules())
    chosen = layer if layer is not None else _bottleneck(names)
    if chosen not in names:
        top = ", ".join(name for name, _ in model.named_children())
        raise InputError("layer", f"must be a layer of the network, got {layer!r}", f"Its top layers are {top}")
    found: list[torch.Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        found.append(output.float().flatten(2).mean(2) if output.ndim > 2 else output.float())

    hook = names[chosen].register_forward_hook(keep)
    try:
        for _ in in_batches(model, images, batch_size=batch_size):
            pass
    finally:
        hook.remove()
    return torch.cat(found).cpu().numpy()


def _bottleneck(names: Iterable[str]) -> str | None:
    """Return the name of the layer with the coarsest features; None if the network is not a U-Net of this package."""
    nested = [name for name in names if name.endswith(".submodule")]  # MONAI's UNet: each level holds the next
    return next((name for name in BOTTLENECKS if name in names), max(nested, key=len, default=None))


def in_batches(
    model: nn.Module, images: ArrayLike | torch.Tensor, *, batch_size: int, dtype: torch.dtype = torch.float32
) -> Iterator[torch.Tensor]:
    """Yield the outputs of a network in evaluation mode, as float32 on the network's device.

    Parameters
    ----------
    model : torch.nn.Module
        Trained network.
    images : array_like of shape (n, c, ...)
        Inputs of the network.
    batch_size : int
        Images per forward pass.
    dtype : torch.dtype
        Precision of the convolutions; a type other than float32 uses autocast.

    Yields
    ------
    torch.Tensor
        The outputs of one batch.

    Raises
    ------
    InputError
        The images do not fit the network, or an output is NaN or infinite.
    """
    tensor = images if isinstance(images, torch.Tensor) else torch.from_numpy(np.ascontiguousarray(images))
    if tensor.ndim < 2 or not len(tensor):
        raise InputError("images", f"expected (n, channels, ...), found {tuple(tensor.shape)}", "Add the axes it lacks")
    if batch_size < 1:
        raise InputError(f"batch_size = {batch_size}", "expected 1 or more", "Use 64 if in doubt")
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        for start in range(0, len(tensor), batch_size):
            batch = tensor[start : start + batch_size].to(device, torch.float32)
            yield _output(model, batch, dtype, start)
    finally:
        model.train(was_training)


def _output(model: nn.Module, batch: torch.Tensor, dtype: torch.dtype, start: int) -> torch.Tensor:
    try:
        with torch.inference_mode(), torch.autocast(batch.device.type, dtype, enabled=dtype != torch.float32):
            output = model(batch).float()
    except torch.OutOfMemoryError as error:
        raise InputError(f"batch_size = {len(batch)}", "the GPU's memory is full", "Use a smaller one") from error
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            "images",
            f"the network cannot take {tuple(batch.shape)}: {reason}",
            "Give images of the shape it was built for",
        ) from error
    bad = ~output.flatten(1).isfinite().all(1)
    if bad.any():
        where = start + int(bad.nonzero()[0])
        raise InputError(f"images[{where}]", "the network's output is NaN or infinite", "Check image and weights")
    return output
