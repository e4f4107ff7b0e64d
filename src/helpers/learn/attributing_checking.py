"""Checks of what `helpers.learn.attribute` and `deletion_curve` are given; each refuses in one line before any map."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from helpers.errors import InputError, check_choice, check_seed
from helpers.learn.building import is_count

FAR = 30  # times that the values of images may differ from those of the training; from 0 to 255 are 255 times 0 to 1
BEYOND = 100  # times that a contrast may be larger than all images
COUNTS = ("steps", "draws", "patch", "stride", "samples")
LENGTHS = ("sigma", "step")
NEEDED = {
    "parts": "Number the part of each pixel, of one image or of all",
    "direction": "Give the mean of images with the part less those without",
    "generator": "Give one with encode and decode for such images, such as a helpers.learn.VAE",
}


def check_settings(method: str, function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """Refuse settings that a method does not take, lacks, or cannot use.

    Raises
    ------
    InputError
        With the name of the setting.
    """
    taken = list(inspect.signature(function).parameters.values())[1:]
    for name in given:
        if not taken:
            raise InputError(name, f"{method} has no settings", "Leave it out")
        check_choice(f"setting of {method}", name, [one.name for one in taken])
    for one in taken:
        value = given.get(one.name, one.default)
        if one.name in NEEDED and (value is None or value is one.empty):
            raise InputError(one.name, f"{method} needs it", NEEDED[one.name])
        if one.name in CHECKS:
            CHECKS[one.name](one.name, value)


def _check_count(name: str, value: object) -> None:
    if not is_count(value):
        raise InputError(f"{name} = {value!r}", "expected a whole number, 1 or more", "Leave it out if in doubt")


def _check_length(name: str, value: object) -> None:
    if not (_is_number(value) and 0 < value < np.inf):
        raise InputError(f"{name} = {value!r}", "expected a number above 0", "Leave it out if in doubt")


def _check_limits(name: str, value: Any) -> None:
    if value is None:
        return
    pair = list(value) if np.ndim(value) == 1 and np.size(value) == 2 else []
    if not (pair and all(map(_is_number, pair)) and pair[0] < pair[1]):
        problem = "expected two numbers, the lowest grey value first"
        raise InputError(f"{name} = {value!r}", problem, "Use (0, 1) for images from 0 to 1")


def _check_generator(name: str, value: object) -> None:
    if not all(callable(getattr(value, part, None)) for part in ("encode", "decode")):
        raise InputError(name, f"a {type(value).__name__} does not encode and decode", NEEDED[name])


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


CHECKS: dict[str, Callable[[str, Any], None]] = {
    **dict.fromkeys(COUNTS, _check_count),
    **dict.fromkeys(LENGTHS, _check_length),
    "seed": check_seed,
    "limits": _check_limits,
    "generator": _check_generator,
}


def check_batch_size(value: object) -> None:
    """Refuse a number of images of a pass that is no whole number of at least 1."""
    _check_count("batch_size", value)


def check_network(network: object) -> None:
    """Refuse what is no trained network."""
    if not isinstance(network, nn.Module):
        raise InputError("network", f"expected a torch.nn.Module, found a {type(network).__name__}", "Give a network")
    if next(network.parameters(), None) is None:
        raise InputError("network", "has no parameters, so it has learned nothing", "Give a trained classifier")


def check_range(images: torch.Tensor | np.ndarray, low: float, high: float, of: str) -> None:
    """Refuse images that go beyond limits by more than the limits are apart: they have another scale.

    Raises
    ------
    InputError
        With the range of the images, and the limits, described by `of`.
    """
    first, last, beyond = float(images.min()), float(images.max()), high - low
    if first < low - beyond or last > high + beyond:
        problem = f"are from {first:.3g} to {last:.3g}, {of} from {low:.3g} to {high:.3g}"
        raise InputError("images", problem, "Scale them alike")


def check_contrast(name: str, made: torch.Tensor, images: torch.Tensor) -> None:
    """Refuse what replaces images if it is more than `BEYOND` times as large: it has another scale.

    Raises
    ------
    InputError
        With the largest value of both. Images of 0 show no scale.
    """
    largest, known = float(made.abs().max()), float(images.abs().max())
    if largest > BEYOND * known > 0:
        problem = f"reaches {largest:.3g}, and the images {known:.3g}"
        raise InputError(name, problem, "Give grey values in the scale of the images")


def numbers(name: str, given: object, dtype: type = np.float32) -> np.ndarray:
    """Convert to an array of floating-point numbers.

    Raises
    ------
    InputError
        They are text, complex, or rows of several lengths.
    """
    try:
        found = np.asarray(given.detach().cpu() if isinstance(given, torch.Tensor) else given)
    except (TypeError, ValueError, RuntimeError) as error:
        problem = f"are no array of numbers ({str(error).splitlines()[0]})"
        raise InputError(name, problem, "Give numbers in rows of one length") from error
    if found.dtype.kind not in "fiub":
        raise InputError(name, f"expected numbers, found {found.dtype}", "Give numbers, such as grey values of images")
    return found.astype(dtype)


@contextmanager
def watched(network: nn.Module) -> Iterator[None]:
    """Refuse outputs that are no logits of classes, and images of a larger scale than those of the training.

    A batch norm keeps mean and variance of its training. If the root mean square of what the first one sees is more
    than `FAR` times that of its training (the median over channels), the images have another scale. A network without
    batch norm, or with one that was never trained, shows no scale.

    Raises
    ------
    InputError
        At the first output that is no tensor of two axes, or at the end.
    """
    norm = next(filter(_was_trained, network.modules()), None)
    sums: list[torch.Tensor] = []

    def refuse(_module: nn.Module, _inputs: object, output: object) -> None:
        if not isinstance(output, torch.Tensor) or output.ndim != 2:
            found = getattr(output, "shape", None)
            found = type(output).__name__ if found is None else f"tensor of shape {tuple(found)}"
            problem = f"returns a {found}, expected one tensor of shape (n, classes)"
            raise InputError("network", problem, "Wrap it in a module that returns the logits alone")

    def keep(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        squares = inputs[0].double().square().transpose(0, 1).flatten(1)
        sums.append(torch.stack([squares.sum(1), torch.full_like(squares[:, 0], squares.shape[1])]))

    hooks = [network.register_forward_hook(refuse)]
    hooks += [] if norm is None else [norm.register_forward_pre_hook(keep)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    if norm is not None and sums:
        total, count = torch.stack(sums).sum(0)
        known = norm.running_var.double() + norm.running_mean.double() ** 2
        times = float(((total / count) / (known + norm.eps)).sqrt().median())
        if times > FAR:
            problem = f"are in the first batch norm {times:.0f} times as large as those that the network was trained on"
            raise InputError("images", problem, "Scale them as the images of the training, such as from 0 to 1")


def _was_trained(module: nn.Module) -> bool:
    """Return whether a module is a batch norm with statistics of a training."""
    if not isinstance(module, _BatchNorm) or module.running_var is None:
        return False
    return bool((module.running_mean != 0).any() or (module.running_var != 1).any())
