"""Soft-mask weight fine-tuning (SWiFT): a mask separates weights that serve the bias from those for the prediction.

This re-implements the description of Xue et al. 2025. The published code does not run, since parts are missing, and its
bias loss is not public: the soft equalized odds difference is used instead.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from helpers.studies.mitigation.objectives import Batch, Objective, head_of
from helpers.studies.mitigation.penalties import EqualizedOdds


class Balanced(Objective):
    """Loss of SWiFT: ``beta`` times the plain loss plus ``1 - beta`` times the bias.

    Parameters
    ----------
    model, reader
        See `Objective`.
    bias : EqualizedOdds
    beta : float
        Share of the plain loss; published: 0.1 in the first step and 0.9 in the second.
    part : {"features", "head"}
        Trained part: all but the last layer, or only the last layer. With "head", batch norm keeps its statistics.
    masks : mapping of str to tensor, optional
        Name of a parameter of the model to the factors of its gradient.
    """

    def __init__(
        self,
        model: nn.Module,
        bias: EqualizedOdds,
        beta: float,
        *,
        part: str,
        masks: Mapping[str, torch.Tensor] | None = None,
        reader: nn.Module | None = None,
    ) -> None:
        super().__init__(model, reader=reader)
        self.bias, self.beta, self.part = bias, beta, part
        own = set(head_parameters(model))
        self.trainable = [weight.requires_grad for weight in model.parameters()]  # what the caller froze stays frozen
        for name, weight in model.named_parameters():
            weight.requires_grad_(weight.requires_grad and (name in own) == (part == "head"))
        self.handles = [
            weight.register_hook(lambda gradient, mask=masks[name]: gradient * mask.to(gradient.device))
            for name, weight in model.named_parameters()
            if masks is not None and weight.requires_grad
        ]

    def train(self, mode: bool = True) -> Balanced:
        """Switch to training mode, except for features that are frozen."""
        super().train(mode)
        if self.part == "head":
            self.model.eval()
        return self

    def release(self) -> nn.Module:
        """Return the model without masks, and with the same trainable parameters as before."""
        for handle in self.handles:
            handle.remove()
        for weight, before in zip(self.model.parameters(), self.trainable, strict=True):
            weight.requires_grad_(before)
        return self.model

    def total(
        self, each: torch.Tensor, logits: torch.Tensor, features: torch.Tensor, batch: Batch
    ) -> dict[str, torch.Tensor]:
        plain = each.mean()
        bias = self.bias(logits, features, batch.labels, batch.known, batch.codes)["penalty"]
        return {"loss": self.beta * plain + (1 - self.beta) * bias, "plain": plain, "bias": bias}


def head_parameters(model: nn.Module) -> list[str]:
    """List the names of the parameters of the last layer."""
    name, head = head_of(model)
    return [f"{name}.{own}" if name else own for own, _ in head.named_parameters()]


def importance(objective: Balanced, batches: list[Batch]) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Compute the squared gradient of the bias and of the plain loss for each weight, as means over batches.

    The gradient of the whole batch is squared, as published; the diagonal of the Fisher information would instead use
    the squared gradient of each case.

    Returns
    -------
    bias, plain : dict of str to tensor
        Name of a parameter of the model to its importance.
    """
    objective.eval()
    model = objective.model
    weights = dict(model.named_parameters())
    every = [weight.requires_grad for weight in weights.values()]
    model.requires_grad_(True)
    found = [{name: torch.zeros_like(weight) for name, weight in weights.items()} for _ in range(2)]
    for batch in batches:
        values = objective.loss(objective(batch.images), batch)
        for value, sums in zip((values["bias"], values["plain"]), found, strict=True):
            gradients = torch.autograd.grad(value, list(weights.values()), retain_graph=True, allow_unused=True)
            for name, gradient in zip(weights, gradients, strict=True):
                if gradient is not None:
                    sums[name] += gradient.detach() ** 2 / len(batches)
    for weight, before in zip(weights.values(), every, strict=True):
        weight.requires_grad_(before)
    return found[0], found[1]


def soft_masks(bias: Mapping[str, torch.Tensor], plain: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Compute soft masks, the share of each gradient to keep: from 0 (serves the prediction only) to 1 (the bias).

    Both importances are rescaled to 0 to 1 within each parameter; the mask is tanh of their ratio.
    """
    return {name: torch.tanh(_stretched(bias[name]) / (_stretched(plain[name]) + 1e-10)) for name in bias}


def _stretched(values: torch.Tensor) -> torch.Tensor:
    span = values.max() - values.min()
    return (values - values.min()) / span if span > 0 else torch.zeros_like(values)


def reset_head(model: nn.Module, masks: Mapping[str, torch.Tensor]) -> None:
    """Set weights of the last layer to 0 if their mask is above the mean mask of their parameter."""
    weights = dict(model.named_parameters())
    with torch.no_grad():
        for name in head_parameters(model):
            weights[name][masks[name] > masks[name].mean()] = 0.0
