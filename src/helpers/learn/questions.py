"""Questions to a classifier: a class, perhaps against another one, as a logit or a probability, for some images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from helpers.errors import InputError, check_choice
from helpers.learn.attributing_checking import (
    check_batch_size,
    check_contrast,
    check_network,
    numbers,
    watched,
)
from helpers.learn.forward import in_batches

OUTPUTS = ("logit", "probability")
# Images that replace others, from the rows of images and the numbers of variants of a batch, each of shape (batch,).
Change = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Question(NamedTuple):
    """Images, and the number F that a network gives each of them, see `asking`.

    images : torch.Tensor of shape (n, c, h, w), float32, on the network's device

    target : torch.Tensor of shape (n,), the classes; against : the classes that they are compared with, or None
    """

    network: nn.Module
    images: torch.Tensor
    target: torch.Tensor
    against: torch.Tensor | None
    output: str
    classes: int
    batch_size: int

    def number(self, images: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Compute F of images that replace those of some rows, with shape (batch,)."""
        outputs = self.network(images).float()
        outputs = outputs.softmax(1) if self.output == "probability" else outputs
        found = outputs.gather(1, self.target[rows, None])
        return (found if self.against is None else found - outputs.gather(1, self.against[rows, None]))[:, 0]

    def margin(self, images: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Compute the logit of the class less the largest other one, or that of the class that it is compared with."""
        outputs, target = self.network(images).float(), self.target[rows, None]
        if self.against is None:
            rival = outputs.scatter(1, target, -torch.inf).amax(1)
        else:
            rival = outputs.gather(1, self.against[rows, None])[:, 0]
        return outputs.gather(1, target)[:, 0] - rival

    def values(self, variants: int, change: Change) -> torch.Tensor:
        """Compute F of some variants of each image, with shape (n, variants), float64."""
        with torch.no_grad():
            found = [self.number(change(rows, which), rows).double() for rows, which in self._batches(variants)]
        return torch.cat(found).reshape(-1, variants)

    def gradients(self, variants: int, change: Change) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Yield rows, numbers of variants, and the gradient of F by each variant of an image, float64."""
        for rows, which in self._batches(variants):
            yield rows, which, slope(self.number, change(rows, which), rows).double()

    def _batches(self, variants: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        every = torch.arange(len(self.images) * variants, device=self.images.device)
        for part in every.split(self.batch_size):
            yield part // variants, part % variants


def slope(
    of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], inputs: torch.Tensor, rows: torch.Tensor
) -> torch.Tensor:
    """Compute the gradient of numbers by the inputs that each of them is computed from.

    Raises
    ------
    InputError
        The outputs do not depend on the inputs by differentiable layers.
    """
    with torch.enable_grad():
        inputs = inputs.detach().requires_grad_()
        try:
            (found,) = torch.autograd.grad(of(inputs, rows).sum(), inputs)
        except RuntimeError as error:
            problem = f"has no gradient: {str(error).splitlines()[0]}"
            raise InputError("network", problem, "Use a method that needs none, such as occlusion") from error
    return found


@contextmanager
def asking(
    network: nn.Module,
    images: ArrayLike | torch.Tensor,
    target: ArrayLike,
    *,
    against: ArrayLike | None = None,
    output: str = "logit",
    batch_size: int = 256,
) -> Iterator[Question]:
    """Check a question, and put it to a classifier in evaluation mode; its mode returns afterwards.

    Arguments and errors are those of `helpers.learn.attribute`.
    """
    check_choice("output", output, OUTPUTS)
    check_batch_size(batch_size)
    check_network(network)
    if torch.is_inference_mode_enabled():
        raise InputError("attribute", "inference mode is on, in which nothing has a gradient", "Call it outside")
    with evaluating(network):
        yield _question(network, images, target, against, output, batch_size)


@contextmanager
def evaluating(network: object) -> Iterator[None]:
    """Set a network in evaluation mode; the modes of its layers return afterwards. Other objects have none."""
    layers = list(network.modules()) if isinstance(network, nn.Module) else []
    modes = [layer.training for layer in layers]
    for layer in layers:
        layer.training = False
    try:
        yield
    finally:
        for layer, mode in zip(layers, modes, strict=True):
            layer.training = mode


def _question(
    network: nn.Module,
    images: ArrayLike | torch.Tensor,
    target: ArrayLike,
    against: ArrayLike | None,
    output: str,
    batch_size: int,
) -> Question:
    real = isinstance(images, torch.Tensor) and not images.is_complex()
    given = images.detach() if real else torch.from_numpy(numbers("images", images))
    pictures = given.to(next(network.parameters()).device, torch.float32)
    if pictures.ndim != 4 or not len(pictures):
        raise InputError("images", f"expected (n, channels, h, w), found {tuple(pictures.shape)}", "Add the axes")
    with watched(network):
        outputs = torch.cat(list(in_batches(network, pictures, batch_size=batch_size)))
    asked = _classes("target", target, outputs)
    rival = None if against is None else _classes("against", against, outputs)
    if rival is not None and bool((asked == rival).any()):
        raise InputError("against", "a class is compared with itself", "Give another class, or leave it out")
    return Question(network, pictures, asked, rival, output, outputs.shape[1], batch_size)


def _classes(name: str, given: ArrayLike, outputs: torch.Tensor) -> torch.Tensor:
    codes, (n, classes) = np.asarray(given), outputs.shape
    if codes.dtype.kind not in "iu" or codes.shape not in ((), (n,)):
        problem = f"expected a class or one for each of {n} images, found {codes.dtype} {codes.shape}"
        raise InputError(name, problem, "Number the classes from 0")
    if codes.min() < 0 or codes.max() >= classes:
        problem = f"there is no class {codes.min() if codes.min() < 0 else codes.max()}"
        raise InputError(name, problem, f"The network has classes 0 to {classes - 1}")
    return torch.from_numpy(np.broadcast_to(codes, n).astype(np.int64)).to(outputs.device)


def fill(name: str, given: float | ArrayLike, images: torch.Tensor) -> torch.Tensor:
    """Make images of the shape of `images`, (n, c, h, w), from a number, one image or as many.

    Raises
    ------
    InputError
        It is no array of numbers, its shape is another, or a value is not finite.
    """
    made = torch.as_tensor(numbers(name, given), device=images.device)
    if made.ndim and tuple(made.shape) not in (tuple(images.shape[1:]), tuple(images.shape)):
        problem = f"expected a number, or shape {tuple(images.shape[1:])} or {tuple(images.shape)}"
        raise InputError(name, f"{problem}, found {tuple(made.shape)}", "Resize it as the images")
    if not made.isfinite().all():
        raise InputError(name, "holds NaN or infinity", "Give grey values in the scale of the images")
    return made.expand(images.shape)


def contrast(name: str, given: float | ArrayLike, images: torch.Tensor) -> torch.Tensor:
    """Make what replaces images, see `fill`, and refuse it in another scale, see `check_contrast`."""
    made = fill(name, given, images)
    check_contrast(name, made, images)
    return made
