"""Losses as modules: a network together with its loss and with the state that a loss keeps between steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from helpers.errors import InputError


class Batch(NamedTuple):
    """Cases of one step.

    images : (n, c, h, w)
    labels, known : (n, k), 0 or 1; and whether the label is known
    codes : (n, attributes), the group by each attribute; -1 if unknown
    joint : (n,), the group by all attributes crossed
    clean : (n, c, h, w), target images of a reconstruction; None for classifiers
    teacher : (n, k), a teacher's logits, or None
    """

    images: torch.Tensor
    labels: torch.Tensor
    known: torch.Tensor
    codes: torch.Tensor
    joint: torch.Tensor
    clean: torch.Tensor | None = None
    teacher: torch.Tensor | None = None


# Outputs of a network, logits (n, k), and input features (n, d) of the last layer; None if that layer is not used.
Read = tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]


def head_of(model: nn.Module) -> tuple[str, nn.Module]:
    """Return name and module of the last layer: the last linear layer, or the last convolution if there is none.

    The last layer is determined by the order in which the network defines its layers, which fits most networks. The
    result is wrong for a network that defines its head first, and for an image-to-image network with linear layers.

    Raises
    ------
    InputError
        The model has neither a linear layer nor a `Conv2d` or `Conv3d`; other convolutions are not considered.
    """
    for kinds in (nn.Linear, (nn.Conv2d, nn.Conv3d)):
        found = [(name, module) for name, module in model.named_modules() if isinstance(module, kinds)]
        if found:
            return found[-1]
    raise InputError("model", "it has no linear layer and no convolution", "Give a network")


@contextmanager
def inputs_of(module: nn.Module) -> Iterator[list[torch.Tensor]]:
    """Record the inputs of a layer while the context is open, one entry per call."""
    found: list[torch.Tensor] = []
    handle = module.register_forward_pre_hook(lambda _module, given: found.append(given[0]))
    try:
        yield found
    finally:
        handle.remove()


class Objective(nn.Module):
    """A network and its plain loss; subclasses add the loss of a method.

    Parameters
    ----------
    model : torch.nn.Module
        A classifier, (n, c, h, w) to logits (n, k); or a reconstruction network, if a reader is given.
    reader : torch.nn.Module, optional
        A trained classifier that reads the reconstructions. It is frozen and stays in evaluation mode; its gradient
        reaches the model.
    task : float
        Weight of the reader's cross-entropy, added to the reconstruction's squared error.
    """

    def __init__(self, model: nn.Module, *, reader: nn.Module | None = None, task: float = 0.0) -> None:
        super().__init__()
        self.model, self.reader, self.task = model, reader, task
        if reader is not None:
            reader.requires_grad_(False)

    def train(self, mode: bool = True) -> Objective:
        """Switch to training mode, except for the reader."""
        super().train(mode)
        if self.reader is not None:
            self.reader.eval()
        return self

    def forward(self, images: torch.Tensor) -> Read:
        """Return the outputs of the network, the logits, and the features from which the logits are computed."""
        network = self.model if self.reader is None else self.reader
        with inputs_of(head_of(network)[1]) as found:
            outputs = self.model(images)
            logits = outputs if self.reader is None else self.reader(outputs)
        return outputs, logits, found[-1].flatten(1) if found else None

    def loss(self, read: Read, batch: Batch) -> dict[str, torch.Tensor]:
        """Compute ``loss`` and its parts, from the result of `forward` for the images of the batch.

        This is separate from `forward` because mixed precision rounds the inputs of `forward` to 16 bits; labels, clean
        images and rates must not be rounded.
        """
        outputs, logits, features = (values if values is None else values.float() for values in read)
        if logits.shape != batch.labels.shape:
            problem = f"it gives {tuple(logits.shape)} for labels of shape {tuple(batch.labels.shape)}"
            raise InputError("model" if self.reader is None else "reader", problem, "Give one with an output a label")
        return self.total(self.each(outputs, logits, batch), logits, features, batch)

    def each(self, outputs: torch.Tensor, logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Compute the loss of each case (n,): cross-entropy over its known labels, or squared error of its image."""
        if self.reader is None:
            return cross_entropy(logits, batch)
        error = ((outputs - batch.clean) ** 2).flatten(1).mean(1)
        return error + self.task * cross_entropy(logits, batch) if self.task else error

    def total(
        self, each: torch.Tensor, logits: torch.Tensor, features: torch.Tensor | None, batch: Batch
    ) -> dict[str, torch.Tensor]:
        """Return the ``loss`` to minimise, and its parts."""
        return {"loss": each.mean()}


def cross_entropy(logits: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Compute the binary cross-entropy of each case, as mean over its known labels; 0 if no label is known."""
    values = functional.binary_cross_entropy_with_logits(logits, batch.labels, weight=batch.known, reduction="none")
    return values.sum(1) / batch.known.sum(1).clamp(min=1)


MEMORY = 0.96  # decay of the running means of `Constrained`, as published


class Constrained(Objective):
    """A plain loss plus a penalty.

    Parameters
    ----------
    model, reader, task
        See `Objective`.
    penalty : torch.nn.Module
        `helpers.studies.mitigation.EqualizedOdds` or `helpers.studies.mitigation.Adversary`.
    strength : float
        Weight of the penalty.
    relative : bool
        Measure loss and penalty in units of their running means, as published: `strength` is then a share of the plain
        loss, whatever the units of either. A penalty that has become small is scaled up again, so it never fades.
    rest : int
        For an adversary with trained readers: number of steps that train only the readers, after each step of the
        network.
    """

    def __init__(
        self,
        model: nn.Module,
        penalty: nn.Module,
        strength: float,
        *,
        reader: nn.Module | None = None,
        task: float = 0.0,
        relative: bool = False,
        rest: int = 0,
    ) -> None:
        super().__init__(model, reader=reader, task=task)
        self.penalty, self.strength, self.relative, self.rest = penalty, strength, relative, rest
        self.register_buffer("means", torch.zeros(2))
        self.register_buffer("step", torch.zeros((), dtype=torch.long))

    @property
    def alone(self) -> bool:
        """Return True if this step trains only the heads, with no gradient for the network."""
        return self.training and bool(self.step % (1 + self.rest))

    def forward(self, images: torch.Tensor) -> Read:
        """Return the same as `Objective`, without gradients if the step trains only the heads."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.alone):
            return super().forward(images)

    def loss(self, read: Read, batch: Batch) -> dict[str, torch.Tensor]:
        """Compute the loss as `Objective` does; if the step trains only the heads, it is their loss."""
        found = super().loss(read, batch)
        if self.alone:
            found["loss"] = found["heads"]
        if self.training:
            self.step += 1
        return found

    def total(
        self, each: torch.Tensor, logits: torch.Tensor, features: torch.Tensor | None, batch: Batch
    ) -> dict[str, torch.Tensor]:
        plain = each.mean()
        found = self.penalty(logits, features, batch.labels, batch.known, batch.codes)
        scale = self._scale(plain, found["penalty"]) if self.relative else 1.0
        loss = plain + self.strength * scale * found["penalty"] + found.get("heads", 0.0)
        return {"loss": loss, "plain": plain, **found}

    def _scale(self, plain: torch.Tensor, penalty: torch.Tensor) -> torch.Tensor:
        now = torch.stack([plain.detach(), penalty.detach().abs()])
        if self.training and not self.alone:
            decay = torch.where(self.means > 0, MEMORY, 0.0)  # starts at the first value
            self.means.copy_(decay * self.means + (1 - decay) * now)
        return self.means[0] / self.means[1].clamp(min=1e-6)


class WorstGroups(Objective):
    """A loss that gives more weight to groups with high loss (Group DRO, Sagawa et al. 2020).

    For each batch the weight of a group is multiplied by ``exp(rate * its mean loss)``, and all weights are scaled to
    sum to 1. The loss is the weighted sum of the groups' mean losses. Cases of unknown group are left out. The weight
    of a group that is absent from the batch changes only by the scaling.

    Parameters
    ----------
    model, reader, task
        See `Objective`.
    groups : int
        Number of joint groups.
    rate : float
        Step size of the group weights; published default: 0.01.
    """

    def __init__(
        self, model: nn.Module, groups: int, rate: float, *, reader: nn.Module | None = None, task: float = 0.0
    ) -> None:
        super().__init__(model, reader=reader, task=task)
        self.rate = rate
        self.register_buffer("shares", torch.full((groups,), 1 / groups))

    def total(
        self, each: torch.Tensor, logits: torch.Tensor, features: torch.Tensor | None, batch: Batch
    ) -> dict[str, torch.Tensor]:
        member = (batch.joint[:, None] == torch.arange(len(self.shares), device=each.device)).to(each.dtype)
        sizes = member.sum(0)
        losses = member.T @ each / sizes.clamp(min=1)
        if self.training:
            now = losses.detach()  # 0 for an absent group
            grown = self.shares * torch.exp(self.rate * (now - now.max()))  # subtracting the largest changes no share
            self.shares.copy_(grown / grown.sum())
        present = self.shares * (sizes > 0)
        return {"loss": (present * losses).sum(), "plain": each.mean(), "largest_share": self.shares.max()}


class Distilled(WorstGroups):
    """Group-aware distillation: the loss of a case is cross-entropy plus the distance from a teacher.

    The loss of a case is ``(1 - alpha) CE + alpha T^2 KL(teacher || student)``, with teacher and student softened by
    the temperature T (Hinton et al. 2015), and with the group weights of `WorstGroups`. This is reconstructed from the
    abstract of GroupDistil (Vilouras et al. 2023). The abstract states that weights follow the losses of the groups,
    but not how: no code and no numbers are public.

    Parameters
    ----------
    model, groups, rate
        See `WorstGroups`.
    alpha : float
        Share of the distance from the teacher in the loss, 0 to 1.
    temperature : float
    """

    def __init__(self, model: nn.Module, groups: int, rate: float, *, alpha: float, temperature: float = 2.0) -> None:
        super().__init__(model, groups, rate)
        self.alpha, self.temperature = alpha, temperature

    def each(self, outputs: torch.Tensor, logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        soft, told = logits / self.temperature, batch.teacher / self.temperature
        cross = partial(functional.binary_cross_entropy_with_logits, target=told.sigmoid(), reduction="none")
        taught_loss = (cross(soft) - cross(told)).mean(1) * self.temperature**2  # minus the teacher's entropy
        return (1 - self.alpha) * cross_entropy(logits, batch) + self.alpha * taught_loss
