"""Conversion between the arrays that users give, NumPy or torch with any leading axes, and the tensors in use."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch

from helpers.errors import InputError

Array = TypeVar("Array", np.ndarray, torch.Tensor)


def stack(array: Array, *, where: str = "images", unit: bool = True) -> torch.Tensor:
    """Convert an array to real float32 (m, h, w), with its leading axes merged into one.

    Raises
    ------
    InputError
        It is not an array of real numbers with at least two axes, or it is empty or not finite. With `unit`: its images
        are not square, or have values outside 0 to 1.
    """
    shape = tuple(getattr(array, "shape", ()))
    if not isinstance(array, np.ndarray | torch.Tensor) or array.ndim < 2 or not all(shape):
        problem = f"expected an array (..., h, w), found {type(array).__name__} {shape}"
        raise InputError(where, problem, "Give a NumPy array or a torch tensor of one image at least")
    known = (
        np.can_cast(array.dtype, np.float32, "same_kind") if isinstance(array, np.ndarray) else not array.is_complex()
    )
    if not known:
        raise InputError(where, f"expected float32, found {array.dtype}", "Convert the values")
    if isinstance(array, np.ndarray):
        array = torch.from_numpy(np.require(array, np.float32, ["C", "W"]))  # torch takes no flipped or read-only array
    tensor = array.to(torch.float32).reshape(-1, *shape[-2:])
    finite = tensor.isfinite().all(dim=(1, 2))
    if not finite.all():
        raise InputError(f"{where}, image {int((~finite).nonzero()[0])}", "it has NaN or infinity", "Leave it out")
    if unit:
        _check_unit(tensor, where)
    return tensor


def _check_unit(tensor: torch.Tensor, where: str) -> None:
    height, width = tensor.shape[1:]
    if height != width:
        raise InputError(where, f"{height} x {width} pixels are not square", "Resize or pad the images")
    low, high = float(tensor.min()), float(tensor.max())
    if low < 0 or high > 1:
        problem = f"values from {low:.4g} to {high:.4g} where 0 to 1 is expected"
        raise InputError(where, problem, "Scale each image to 0 to 1")


def like(tensor: torch.Tensor, given: Array) -> Array:
    """Give results (m, ...) the leading axes, the kind and the device of the array that the user gave."""
    tensor = tensor.reshape(*given.shape[:-2], *tensor.shape[1:])
    return tensor.to(given.device) if isinstance(given, torch.Tensor) else tensor.numpy()


def check_whole(name: str, value: int, *, least: int) -> None:
    """Raise InputError unless the parameter is a whole number of at least `least`."""
    if not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{name} = {value}", f"expected a whole number, at least {least}", "Give one, as an int")
