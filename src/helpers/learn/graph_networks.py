"""Networks for dense batches of graphs that are equivariant to the order of nodes: a classifier and an autoencoder.

A state is kept for each pair of nodes. A block multiplies two maps of the states as matrices, so that it sees paths and
cycles (Maron et al. 2019, arXiv 1905.11136); a reordering of nodes reorders all states alike. Means and maxima run over
nodes that are there, and never over padding.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from helpers.errors import InputError
from helpers.learn.building import is_count, seeded
from helpers.metrics.graphs import Graphs


class Dense(NamedTuple):
    """Graphs as a batch of tensors, with shares of types instead of numbers.

    nodes : torch.Tensor of shape (n, V, T), 0 at padding
    edges : torch.Tensor of shape (n, V, V, K + 1); the first of the last axis is *no edge*
    mask : bool torch.Tensor of shape (n, V), True where there is a node
    """

    nodes: torch.Tensor
    edges: torch.Tensor
    mask: torch.Tensor


class Coded(NamedTuple):
    """Output of a graph autoencoder: logits of node types and of edges, as in `Dense`, and the code's distribution."""

    nodes: torch.Tensor
    edges: torch.Tensor
    mean: torch.Tensor
    log_variance: torch.Tensor


def dense_graphs(types: torch.Tensor, edges: torch.Tensor, *, n_types: int, n_kinds: int) -> Dense:
    """Convert numbers of types, shapes (n, V) and (n, V, V) as in `helpers.metrics.Graphs`, to a dense batch."""
    mask = types >= 0
    nodes = functional.one_hot(types.clamp(min=0).long(), n_types) * mask[..., None]
    return Dense(nodes.float(), functional.one_hot(edges.long(), n_kinds + 1).float(), mask)


def hard_graphs(nodes: torch.Tensor, edges: torch.Tensor, mask: torch.Tensor) -> Dense:
    """Take the largest logit of each node and edge, with the gradient of the logits (straight through).

    Values are 0 or 1 without any draw, so that the graph that a classifier sees is the graph that is reported. The
    gradient passes as if nothing were rounded (Bengio et al. 2013, arXiv 1308.3432): that of a softmax vanishes where
    a decoder is sure, as it is of most types of nodes. There is no edge at padding or from a node to itself.

    Raises
    ------
    InputError
        A logit is NaN or infinite: its largest one would be drawn from nothing.
    """
    if not (nodes.isfinite().all() and edges.isfinite().all()):
        raise InputError("autoencoder", "decodes to NaN or infinity", "Train it with a smaller learning rate")
    both = mask[:, :, None] & mask[:, None, :] & ~torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
    none = functional.one_hot(torch.zeros_like(both, dtype=torch.long), edges.shape[-1])
    return Dense(
        _straight(nodes) * mask[..., None], torch.where(both[..., None], _straight(edges), none.to(edges.dtype)), mask
    )


def numbered_graphs(dense: Dense) -> Graphs:
    """Convert a dense batch to numbers of types, by the largest share."""
    types = torch.where(dense.mask, dense.nodes.argmax(-1), -1)
    return Graphs(types.cpu().numpy(), dense.edges.argmax(-1).cpu().numpy())


def _straight(logits: torch.Tensor) -> torch.Tensor:
    hard = functional.one_hot(logits.argmax(-1), logits.shape[-1]).to(logits.dtype)
    return hard + (logits - logits.detach())


class _Block(nn.Module):
    """Add to the state of each pair a function of it, of paths over a third node, and of means over nodes."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(width, width), nn.Linear(width, width)
        self.mixed = nn.Sequential(nn.Linear(4 * width, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, state: torch.Tensor, both: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
        left, right = (layer(state) * both for layer in (self.left, self.right))
        paths = torch.einsum("nikc,nkjc->nijc", left, right) / size.sqrt()
        rows = state.sum(2, keepdim=True) / size
        every = rows.sum(1, keepdim=True) / size
        seen = torch.cat([state, paths, rows.expand_as(state), every.expand_as(state)], -1)
        return (state + self.mixed(seen)) * both


class _Pairs(nn.Module):
    """Map features of pairs to states of pairs, and read a state for each node."""

    def __init__(self, features: int, width: int, depth: int) -> None:
        super().__init__()
        self.first = nn.Linear(features + 1, width)
        self.blocks = nn.ModuleList(_Block(width) for _ in range(depth))

    def forward(self, pairs: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        both = (mask[:, :, None] & mask[:, None, :])[..., None]
        size = mask.sum(1).clamp(min=1)[:, None, None, None]
        same = torch.eye(mask.shape[1], device=mask.device)[None, ..., None].expand(*pairs.shape[:3], 1)
        state = self.first(torch.cat([pairs, same], -1)) * both
        for block in self.blocks:
            state = block(state, both, size)
        alone = torch.einsum("niic->nic", state)
        return state, torch.cat([alone, state.sum(2) / size[..., 0]], -1)


def _features(nodes: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """Set the features of both ends next to those of the edge."""
    shape = (*edges.shape[:3], nodes.shape[-1])
    return torch.cat([edges, nodes[:, :, None].expand(shape), nodes[:, None].expand(shape)], -1)


class GraphClassifier(nn.Module):
    """Classifier built by `graph_classifier`: a dense batch in, logits of shape (n, classes) out."""

    def __init__(self, n_types: int, n_kinds: int, classes: int, width: int, depth: int) -> None:
        super().__init__()
        self.n_types, self.n_kinds = n_types, n_kinds
        self.pairs = _Pairs(n_kinds + 1 + 2 * n_types, width, depth)
        self.node = nn.Sequential(nn.Linear(2 * width, 2 * width), nn.SiLU())
        self.head = nn.Linear(4 * width, classes)

    def forward(self, dense: Dense) -> torch.Tensor:
        _, nodes = self.pairs(_features(dense.nodes, dense.edges), dense.mask)
        seen, there = self.node(nodes), dense.mask[..., None]
        mean = (seen * there).sum(1) / there.sum(1).clamp(min=1)
        return self.head(torch.cat([mean, seen.masked_fill(~there, -1e4).amax(1)], -1))


class GraphVAE(nn.Module):
    """Variational autoencoder built by `graph_vae`, with a code of some numbers for each node.

    Encoder and decoder are equivariant: a reordering of nodes and noise reorders code and graph alike. Nodes that are
    alike by symmetry get the same code, and so the decoder cannot tell them apart; noise of the nodes separates them.
    With noise of zero equivariance is exact, and with drawn noise it holds for the distribution.
    """

    def __init__(self, n_types: int, n_kinds: int, latent: int, noise: int, width: int, depth: int) -> None:
        super().__init__()
        self.n_types, self.n_kinds, self.latent, self.noise = n_types, n_kinds, latent, noise
        self.encoder = _Pairs(n_kinds + 1 + 2 * (n_types + noise), width, depth)
        self.code = nn.Linear(2 * width, 2 * latent)
        self.decoder = _Pairs(3 * latent, width, depth)
        self.types = nn.Linear(2 * width + latent, n_types)
        self.links = nn.Linear(width, n_kinds + 1)

    def encode(self, dense: Dense, noise: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute mean and log variance of the code, shape (n, V, latent); noise has shape (n, V, `noise`)."""
        if noise is None:
            noise = dense.nodes.new_zeros(*dense.mask.shape, self.noise)
        nodes = torch.cat([dense.nodes, noise * dense.mask[..., None]], -1)
        _, seen = self.encoder(_features(nodes, dense.edges), dense.mask)
        mean, log_variance = (self.code(seen) * dense.mask[..., None]).chunk(2, -1)
        return mean, log_variance.clamp(-10, 10)

    def decode(self, code: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute logits of node types and of edges from a code; those of edges are symmetric."""
        one, other = code[:, :, None], code[:, None]
        state, nodes = self.decoder(torch.cat([one + other, one * other, (one - other) ** 2], -1), mask)
        links = self.links(state)
        return self.types(torch.cat([nodes, code], -1)), (links + links.transpose(1, 2)) / 2

    def forward(self, dense: Dense, noise: torch.Tensor | None = None) -> Coded:
        mean, log_variance = self.encode(dense, noise)
        drawn = mean + torch.randn_like(mean) * (log_variance / 2).exp() if self.training else mean
        return Coded(*self.decode(drawn, dense.mask), mean, log_variance)


def graph_classifier(
    n_types: int, n_kinds: int = 1, *, classes: int = 2, width: int = 16, depth: int = 2, seed: int = 0
) -> GraphClassifier:
    """Build a classifier of graphs whose logits do not depend on the order of the nodes.

    Parameters
    ----------
    n_types, n_kinds : int
        Types of nodes and of edges.
    classes : int
    width, depth : int
        Channels of the state of a pair, and blocks.
    seed : int
        Seed of the initial weights.

    Raises
    ------
    InputError
        A size is not a whole number of at least 1.
    """
    _check(n_types=n_types, n_kinds=n_kinds, classes=classes, width=width, depth=depth)
    return seeded(lambda: GraphClassifier(n_types, n_kinds, classes, width, depth), seed)


def graph_vae(
    n_types: int, n_kinds: int = 1, *, latent: int = 6, noise: int = 2, width: int = 16, depth: int = 2, seed: int = 0
) -> GraphVAE:
    """Build a variational autoencoder of graphs that is equivariant to the order of the nodes.

    Parameters
    ----------
    n_types, n_kinds : int
        Types of nodes and of edges.
    latent : int
        Numbers of the code for each node.
    noise : int
        Random features for each node in training.
    width, depth : int
        Channels of the state of a pair, and blocks of encoder and decoder.
    seed : int
        Seed of the initial weights.

    Raises
    ------
    InputError
        A size is not a whole number of at least 1.
    """
    _check(n_types=n_types, n_kinds=n_kinds, latent=latent, noise=noise, width=width, depth=depth)
    return seeded(lambda: GraphVAE(n_types, n_kinds, latent, noise, width, depth), seed)


def _check(**sizes: int) -> None:
    for name, value in sizes.items():
        if not is_count(value):
            raise InputError(f"{name} = {value}", "expected a whole number, 1 or more", "Use the default if in doubt")


def as_dense(graphs: Graphs, model: GraphClassifier | GraphVAE) -> Dense:
    """Convert graphs to the dense batch that a network reads, on its device.

    Raises
    ------
    InputError
        There is no graph, or the network does not know a type of a node or an edge.
    """
    types, edges = np.asarray(graphs.types), np.asarray(graphs.edges)
    if not types.size:
        raise InputError("graphs", "there is none", "Give one or more")
    for name, top, known in (("node", types.max(), model.n_types - 1), ("edge", edges.max() - 1, model.n_kinds - 1)):
        if top > known:
            problem = f"there is {name} type {top}, and the network knows types 0 to {known}"
            raise InputError("graphs", problem, "Build the network for all types")
    device = next(model.parameters()).device
    tensors = (torch.as_tensor(np.array(part, np.int64), device=device) for part in (types, edges))
    return dense_graphs(*tensors, n_types=model.n_types, n_kinds=model.n_kinds)
