"""Penalties on a network's outputs or features that a fair network would not pay.

Both penalties take any number of labels and of attributes, each with any number of groups. A case of unknown group
(code -1) or unknown label is left out of the rates, and a group that is absent from a batch is not compared in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import nn
from torch.func import functional_call

from helpers.errors import InputError

EPSILON = 1e-8


def soft_rates(
    decisions: torch.Tensor, labels: torch.Tensor, known: torch.Tensor, codes: torch.Tensor, groups: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Compute the mean decision among positives and among negatives of each group.

    Parameters
    ----------
    decisions : tensor of shape (n, k)
        0 to 1.
    labels, known : tensor of shape (n, k)
        0 or 1; and whether the label is known, 0 or 1.
    codes : int tensor of shape (n,)
        Groups, 0 to `groups` - 1, or -1.

    Returns
    -------
    rates, sizes : tensors of shape (2, groups, k)
        True positive rates, then false positive rates; and the number of cases of each. A rate without cases is 0.
    """
    member = (codes[:, None] == torch.arange(groups, device=codes.device)).to(decisions.dtype)  # (n, groups)
    sides = torch.stack([labels * known, (1 - labels) * known])  # (2, n, k)
    sizes = torch.einsum("ng,snk->sgk", member, sides)
    sums = torch.einsum("ng,snk->sgk", member, sides * decisions)
    return sums / sizes.clamp(min=1), sizes


def soft_equalized_odds(
    decisions: torch.Tensor, labels: torch.Tensor, known: torch.Tensor, codes: torch.Tensor, groups: int
) -> torch.Tensor:
    """Compute half the sum of the gaps in soft true and false positive rate, largest minus smallest group.

    Each gap is absolute, so that one cannot cancel the other. The sum without absolute values, as often printed, is 0
    for a network with a higher true positive rate in one group and an equally lower false positive rate there.

    Parameters
    ----------
    decisions, labels, known, codes, groups
        See `soft_rates`.

    Returns
    -------
    tensor of shape (k,)
        0 to 1. If fewer than two groups have cases, the gap is 0.
    """
    rates, sizes = soft_rates(decisions, labels, known, codes, groups)
    there = sizes > 0
    largest = rates.masked_fill(~there, -torch.inf).amax(1)
    smallest = rates.masked_fill(~there, torch.inf).amin(1)
    compared = there.sum(1) > 1
    return torch.where(compared, largest - smallest, torch.zeros_like(largest)).sum(0) / 2


class EqualizedOdds(nn.Module):
    """Squared soft equalized odds difference, the largest over labels and attributes.

    A soft decision is ``sigmoid((p - threshold) / temperature)``. The threshold of each label is a running mean of the
    probability at which sensitivity and specificity are closest in a batch.

    Parameters
    ----------
    labels : int
        Number of labels, k.
    groups : sequence of int
        Number of groups of each attribute.
    temperature : float
        Published: 0.3. A smaller value is closer to a hard decision, and fewer cases have a gradient.
    momentum : float
        Momentum of the threshold, which starts at 0.5.

    Notes
    -----
    Re-implemented after Marcinkevics et al. 2022 and Wohlrapp et al. 2026. As printed there: temperature 0.3,
    momentum 0.1, the largest gap squared.
    """

    def __init__(self, labels: int, groups: Sequence[int], *, temperature: float = 0.3, momentum: float = 0.1) -> None:
        super().__init__()
        if not temperature > 0 or not 0 < momentum <= 1:
            problem = "expected a temperature above 0 and a momentum above 0 and up to 1"
            raise InputError(f"temperature = {temperature}, momentum = {momentum}", problem, "Use 0.3 and 0.1")
        self.groups, self.temperature, self.momentum = list(groups), temperature, momentum
        self.register_buffer("threshold", torch.full((labels,), 0.5))

    def forward(
        self,
        logits: torch.Tensor,
        features: torch.Tensor,
        labels: torch.Tensor,
        known: torch.Tensor,
        codes: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Compute ``penalty``, a scalar, from logits, labels and `known` (n, k), and codes (n, attributes)."""
        probabilities = logits.float().sigmoid()
        if self.training:
            self._follow(probabilities.detach(), labels, known)
        decisions = ((probabilities - self.threshold) / self.temperature).sigmoid()
        gaps = [
            soft_equalized_odds(decisions, labels, known, codes[:, k], groups) for k, groups in enumerate(self.groups)
        ]
        return {"penalty": torch.stack(gaps).max() ** 2}

    def _follow(self, probabilities: torch.Tensor, labels: torch.Tensor, known: torch.Tensor) -> None:
        for k in range(labels.shape[1]):
            there = known[:, k] > 0
            positive, values = labels[there, k] > 0, probabilities[there, k]
            if positive.all() or not positive.any():
                continue
            reached = values[:, None] >= values  # (cases, thresholds)
            sensitivity = reached[positive].float().mean(0)
            specificity = 1 - reached[~positive].float().mean(0)
            best = values[(specificity - sensitivity).abs().argmin()]
            self.threshold[k] += self.momentum * (best - self.threshold[k])


def squared_correlation(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Compute the squared Pearson correlation of two vectors (n,); 0 if one of them is constant."""
    a, b = one - one.mean(), other - other.mean()
    return (a * b).sum() ** 2 / ((a**2).sum() * (b**2).sum() + EPSILON)


class Adversary(nn.Module):
    """Readers that predict the attributes from features, and the penalty on the network for predictable attributes.

    A reader maximises the squared correlation of its output with the attribute. The network pays the same correlation
    as a penalty, so it learns to lower the correlation that the reader can reach (Adeli et al. 2021).

    Parameters
    ----------
    features : int
        Number of features.
    groups : sequence of int
        Number of groups of each attribute. An attribute with two groups has one reader; with more groups, it has one
        reader for each group against the rest.
    reader : {"exact", "trained"}
        "exact": the best linear reader of the last `memory` cases, by ridge regression, refitted for each batch; apart
        from the ridge penalty, no linear reader has a higher correlation there. "trained": a network with `hidden`
        hidden features, trained by gradient together with the main network, as published. The main network can change
        its features faster than a trained reader follows, and so keep the information on the attribute.
    hidden : int
        Hidden features of a trained reader.
    memory, ridge : int, float
        For an exact reader: number of cases, and ridge penalty on standardised features.
    as_published : bool
        With trained readers, reverse both signs, as in every released version of the reconstruction study. The readers
        then learn to be uncorrelated with the attribute, which they soon are, and the network is rewarded for the
        remaining correlation. No information is removed.
    """

    def __init__(
        self,
        features: int,
        groups: Sequence[int],
        *,
        reader: str = "exact",
        hidden: int = 32,
        memory: int = 256,
        ridge: float = 0.3,
        as_published: bool = False,
    ) -> None:
        super().__init__()
        if reader not in ("exact", "trained") or (as_published and reader == "exact"):
            problem = f"got {reader}{', as published' if as_published else ''}"
            raise InputError("reader", problem, 'Use "exact", or "trained", which alone can be as published')
        self.reader, self.ridge, self.sign = reader, ridge, -1 if as_published else 1
        self.outputs = [1 if count == 2 else count for count in groups]
        if reader == "exact":
            self.register_buffer("seen", torch.zeros(memory, features))
            self.register_buffer("who", torch.full((memory, len(groups)), -1))
        else:
            self.heads = nn.ModuleList(
                nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, 1))
                for _ in range(sum(self.outputs))
            )

    def forward(
        self,
        logits: torch.Tensor,
        features: torch.Tensor,
        labels: torch.Tensor,
        known: torch.Tensor,
        codes: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """Compute ``penalty`` from features (n, d), for the network only, and ``heads``, the trained readers' loss."""
        if features is None:
            raise InputError(
                "model", "the output does not depend on the last linear layer", "Define the output layer last"
            )
        features = features.float()
        if self.reader == "exact":
            return {"penalty": self._by_regression(features, codes)}
        heads, network, place = [], [], 0
        for attribute, rows in self._attributes(codes):
            head, place = self.heads[place], place + 1
            fixed = {name: weight.detach() for name, weight in head.named_parameters()}
            heads.append(squared_correlation(head(features[rows].detach())[:, 0], attribute))
            network.append(squared_correlation(functional_call(head, fixed, (features[rows],))[:, 0], attribute))
        read, paid = torch.stack(heads).mean(), torch.stack(network).mean()
        return {"penalty": paid, "heads": 1 - read} if self.sign > 0 else {"penalty": -paid, "heads": read}

    def _attributes(self, codes: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield the target of each reader, 0 or 1, in the rows with a known attribute, and a mask of these rows."""
        for k, outputs in enumerate(self.outputs):
            rows = codes[:, k] >= 0
            for group in range(outputs):
                yield (codes[rows, k] == (1 if outputs == 1 else group)).float(), rows

    def _by_regression(self, features: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.seen.copy_(torch.cat([features.detach(), self.seen])[: len(self.seen)])
            self.who.copy_(torch.cat([codes, self.who])[: len(self.who)])
        found = []
        for (before, past), (attribute, rows) in zip(self._attributes(self.who), self._attributes(codes), strict=True):
            if len(before) < 2:
                found.append(features.sum() * 0)
                continue
            middle, spread = self.seen[past].mean(0), self.seen[past].std(0) + EPSILON
            known = (self.seen[past] - middle) / spread
            gram = known.T @ known / len(known) + self.ridge * torch.eye(known.shape[1], device=known.device)
            weights = torch.linalg.solve(gram, known.T @ (before - before.mean()) / len(known))
            found.append(squared_correlation((features[rows] - middle) / spread @ weights, attribute))
        return torch.stack(found).mean()
