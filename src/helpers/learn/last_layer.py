"""The last linear layer of a classifier: its inputs, its outputs, and dropout in front of it."""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from helpers.errors import InputError
from helpers.learn.forward import in_batches

CLOSE = 1e-3  # largest difference, of the largest output, between a network's outputs and those of its last layer


class Last(NamedTuple):
    """Inputs of the last linear layer and the outputs of the network.

    features : ndarray of shape (n, d), float64
    logits : ndarray of shape (n, classes), float64
    """

    features: np.ndarray
    logits: np.ndarray


def with_dropout(model: nn.Module, rate: float) -> nn.Module:
    """Return a copy of a classifier that drops a share of the inputs of its last linear layer while it is trained.

    Raises
    ------
    InputError
        The network has no linear layer, or the rate is not from 0 to below 1.
    """
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1:
        raise InputError(f"rate = {rate}", "expected a share from 0 to below 1", "Use 0.2")
    made = copy.deepcopy(model)
    name, layer = last_linear(made)
    parent, _, child = name.rpartition(".")
    setattr(made.get_submodule(parent), child, nn.Sequential(nn.Dropout(rate), layer))
    return made


def last_linear(model: nn.Module) -> tuple[str, nn.Linear]:
    """Find the last linear layer of a network, and its name.

    Raises
    ------
    InputError
        There is none below the network.
    """
    found = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Linear) and name]
    if not found:
        raise InputError("model", "has no linear layer", "Give a classifier that ends in one")
    return found[-1]


def last_outputs(model: nn.Module, images: ArrayLike | torch.Tensor, *, batch_size: int = 256) -> Last:
    """Compute the inputs of the last linear layer and the outputs of a classifier, in evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
        Classifier whose outputs are those of its last linear layer.
    images : array_like of shape (n, c, ...)
    batch_size : int

    Raises
    ------
    InputError
        The network has no linear layer, or its outputs are not those of the last one; or as in `helpers.learn.predict`.
    """
    _, layer = last_linear(model)
    features: list[torch.Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _layer, inputs: features.append(inputs[0].float()))
    try:
        outputs = torch.cat(list(in_batches(model, images, batch_size=batch_size)))
    finally:
        hook.remove()
    found = Last(torch.cat(features).double().cpu().numpy(), outputs.double().cpu().numpy())
    weight, bias = weights_of(layer)
    again = found.features @ weight.T + bias if found.features.ndim == 2 else np.array(np.inf)
    if again.shape != found.logits.shape or np.abs(again - found.logits).max() > CLOSE * np.abs(found.logits).max():
        raise InputError("model", "its outputs are not those of its last linear layer", "Leave out what follows it")
    return found


def weights_of(layer: nn.Linear) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of a linear layer, (classes, d), and its biases, (classes,), as float64."""
    weight = layer.weight.detach().double().cpu().numpy()
    bias = np.zeros(len(weight)) if layer.bias is None else layer.bias.detach().double().cpu().numpy()
    return weight, bias


def softmax(logits: np.ndarray) -> np.ndarray:
    """Compute the probabilities of the classes, along the last axis."""
    steps = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return steps / steps.sum(axis=-1, keepdims=True)


def entropy(probability: np.ndarray) -> np.ndarray:
    """Compute the entropy in nats along the last axis; a probability of 0 adds nothing."""
    return -np.where(probability > 0, probability * np.log(np.maximum(probability, 1e-300)), 0).sum(-1)


def mutual_information(logits: np.ndarray) -> np.ndarray:
    """Compute how much the members of a sample of networks disagree: H(mean p) - mean H(p), in nats.

    Parameters
    ----------
    logits : ndarray of shape (members, n, classes)

    Returns
    -------
    ndarray of shape (n,)
        At least 0, and 0 where all members agree (Houlsby et al. 2011, arXiv 1112.5745).
    """
    probability = softmax(logits)
    return np.maximum(entropy(probability.mean(0)) - entropy(probability).mean(0), 0)
