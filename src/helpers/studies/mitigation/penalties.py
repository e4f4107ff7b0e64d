"""Penalties on a network's outputs or features that a fair one would not have to pay.

Both take any number of labels and of attributes, each of any number of groups. A case of unknown group (code -1) or of
unknown label is not in the rates it would belong to, and a group that a batch lacks is not compared in that batch.
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
    """Mean decision among positives and among negatives of each group.

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
        Of true positives, then of false positives; and the cases behind each. A rate of no case is 0.
    """
    member = (codes[:, None] == torch.arange(groups, device=codes.device)).to(decisions.dtype)  # (n, groups)
    sides = torch.stack([labels * known, (1 - labels) * known])  # (2, n, k)
    sizes = torch.einsum("ng,snk->sgk", member, sides)
    sums = torch.einsum("ng,snk->sgk", member, sides * decisions)
    return sums / sizes.clamp(min=1), sizes


def soft_equalized_odds(
    decisions: torch.Tensor, labels: torch.Tensor, known: torch.Tensor, codes: torch.Tensor, groups: int
) -> torch.Tensor:
    """Half the sum of the gaps in soft true and false positive rate, largest less smallest group.

    Each gap is absolute, so that one cannot cancel the other: the sum without absolute values, as it is often printed,
    is 0 for a network that finds more of one group's positives and calls as many fewer of its negatives.

    Parameters
    ----------
    decisions, labels, known, codes, groups
        As `soft_rates` takes them.

    Returns
    -------
    tensor of shape (k,)
        0 to 1. A gap of fewer than two groups is 0.
    """
    rates, sizes = soft_rates(decisions, labels, known, codes, groups)
    there = sizes > 0
    largest = rates.masked_fill(~there, -torch.inf).amax(1)
    smallest = rates.masked_fill(~there, torch.inf).amin(1)
    compared = there.sum(1) > 1
    return torch.where(compared, largest - smallest, torch.zeros_like(largest)).sum(0) / 2


class EqualizedOdds(nn.Module):
    """Squared soft equalized odds difference: the largest over labels and attributes.

    A decision is ``sigmoid((p - threshold) / temperature)``. The threshold of each label follows, as a running mean,
    the probability at which sensitivity and specificity are closest in a batch.

    Parameters
    ----------
    labels : int
        k.
    groups : sequence of int
        Number of groups of each attribute.
    temperature : float
        Published: 0.3. The smaller, the nearer to a decision, and the fewer cases have a gradient.
    momentum : float
        Of the threshold; it starts at 0.5.

    Notes
    -----
    After Marcinkevics et al. 2022 and Wohlrapp et al. 2026, in our words. Of sizes as printed: temperature 0.3,
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
        """``penalty``, one number, of logits, labels and whether they are known (n, k), and codes (n, attributes)."""
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
    """Squared Pearson correlation of two vectors (n,); 0 where one of them is constant."""
    a, b = one - one.mean(), other - other.mean()
    return (a * b).sum() ** 2 / ((a**2).sum() * (b**2).sum() + EPSILON)


class Adversary(nn.Module):
    """Readers of the attributes from features, and what the features' network pays for being read.

    A reader raises the squared correlation of what it says with the attribute; the network pays that same correlation,
    so it learns to lower what the reader can reach (Adeli et al. 2021).

    Parameters
    ----------
    features : int
        Width.
    groups : sequence of int
        Number of groups of each attribute. One of two groups has one reader; of more, one for each group against the
        rest.
    reader : {"exact", "trained"}
        "exact": the best linear reader of the last `memory` cases, by ridge regression, made anew for each batch; but
        for the ridge, no linear one has a higher correlation there. "trained": a layer of `hidden` features, trained
        by gradient beside the network, as published. A network turns its features out of the sight of a trained
        reader faster than that follows, and keeps what it knows.
    hidden : int
        Of a trained reader.
    memory, ridge : int, float
        Of an exact one: cases, and penalty on standardised features.
    as_published : bool
        With trained readers, turn both signs round, as in every released version of the study of reconstruction: the
        readers then learn to be uncorrelated, which they are at once, and the network is paid for the correlation that
        is left. Nothing is removed.
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
            problem = f"found {reader}{', as published' if as_published else ''}"
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
        """``penalty`` of features (n, d), which reaches the network alone; trained, ``heads``, which reaches them."""
        if features is None:
            raise InputError("model", "its last linear layer has no part in its output", "Define the one that has last")
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
        """What each reader is to say, 0 or 1, and of which rows it is known."""
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
