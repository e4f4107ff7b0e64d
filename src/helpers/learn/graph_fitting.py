"""Training of graph networks, and their predictions and reconstructions of hard graphs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.nn import functional

from helpers.errors import InputError
from helpers.learn.graph_networks import (
    GraphClassifier,
    GraphVAE,
    as_dense,
    dense_graphs,
    graph_classifier,
    graph_vae,
    hard_graphs,
    numbered_graphs,
)
from helpers.learn.loop import fit
from helpers.metrics.graphs import Graphs

BATCH = 64  # graphs a step
ROWS = 512  # graphs of a forward pass without gradients


def fit_graph_classifier(
    graphs: Graphs,
    labels: ArrayLike,
    *,
    n_types: int,
    n_kinds: int = 1,
    steps: int = 300,
    lr: float = 1e-2,
    width: int = 16,
    depth: int = 2,
    seed: int = 0,
    device: str = "auto",
    progress: bool = False,
) -> GraphClassifier:
    """Train a classifier of graphs by the cross-entropy.

    Parameters
    ----------
    graphs : Graphs
    labels : array_like of int, shape (n,)
        0 or 1; both must occur.
    n_types, n_kinds, width, depth : int
        As in `graph_classifier`.
    steps : int
        Steps of 64 graphs.
    lr : float
        Learning rate at the start; it falls to 0.
    seed : int
        Seed of the initial weights and of the order of graphs.
    device : str
    progress : bool

    Raises
    ------
    InputError
        Labels are not 0 and 1, one for each graph; or as in `helpers.learn.fit`.
    """
    given = np.asarray(labels)
    if given.shape != (len(graphs.types),) or set(np.unique(given)) != {0, 1}:
        problem = f"{len(np.unique(given))} classes in shape {given.shape} for {len(graphs.types)} graphs"
        raise InputError("labels", problem, "Give 0 or 1 for each graph, and both classes")
    model = graph_classifier(n_types, n_kinds, width=width, depth=depth, seed=seed)
    as_dense(graphs, model)  # refuses types that the network does not know
    return _fitted(model, (*_long(graphs), given.astype(np.int64)), classifier_loss, steps, lr, seed, device, progress)


def fit_graph_vae(
    graphs: Graphs,
    *,
    n_types: int,
    n_kinds: int = 1,
    steps: int = 400,
    lr: float = 1e-2,
    beta: float = 0.01,
    latent: int = 6,
    width: int = 16,
    depth: int = 2,
    seed: int = 0,
    device: str = "auto",
    progress: bool = False,
) -> GraphVAE:
    """Train an autoencoder of graphs by the evidence lower bound; arguments are those of `fit_graph_classifier`.

    Parameters
    ----------
    beta : float
        Weight of the Kullback-Leibler divergence, per number of the code.
    latent : int
        Numbers of the code for each node.

    Raises
    ------
    InputError
        `beta` is negative; or as in `helpers.learn.fit`.
    """
    if not beta >= 0:
        raise InputError(f"beta = {beta}", "expected a number, 0 or more", "Use 0.01 if in doubt")
    model = graph_vae(n_types, n_kinds, latent=latent, width=width, depth=depth, seed=seed)
    as_dense(graphs, model)
    return _fitted(model, _long(graphs), partial(vae_loss, beta=beta), steps, lr, seed, device, progress)


def classifier_loss(model: GraphClassifier, batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Compute the cross-entropy of a batch of types, edges and labels."""
    types, edges, labels = batch
    dense = dense_graphs(types, edges, n_types=model.n_types, n_kinds=model.n_kinds)
    return functional.cross_entropy(model(dense), labels)


def vae_loss(model: GraphVAE, batch: tuple[torch.Tensor, ...], *, beta: float) -> dict[str, torch.Tensor]:
    """Compute cross-entropies of nodes and pairs, summed over a graph, and `beta` times the divergence from N(0, 1)."""
    types, edges = batch
    dense = dense_graphs(types, edges, n_types=model.n_types, n_kinds=model.n_kinds)
    coded = model(dense, torch.randn(*types.shape, model.noise, device=types.device))
    pair = torch.triu(dense.mask[:, :, None] & dense.mask[:, None, :], diagonal=1)
    nodes = functional.cross_entropy(coded.nodes[dense.mask], types[dense.mask], reduction="sum")
    links = functional.cross_entropy(coded.edges[pair], edges[pair], reduction="sum")
    divergence = (coded.mean**2 + coded.log_variance.exp() - 1 - coded.log_variance)[dense.mask].sum() / 2
    parts = {"nodes": nodes / len(types), "links": links / len(types), "divergence": divergence / len(types)}
    return {"loss": parts["nodes"] + parts["links"] + beta * parts["divergence"], **parts}


def predict_graphs(model: GraphClassifier, graphs: Graphs) -> np.ndarray:
    """Compute the probability of class 1 of each graph, shape (n,).

    Raises
    ------
    InputError
        A logit is NaN or infinite; or as in `as_dense`.
    """
    found = _in_rows(lambda part: model(as_dense(part, model)), model, graphs)
    logits = torch.cat(found)
    if not torch.isfinite(logits).all():
        raise InputError("model", "a logit is NaN or infinite", "Train it with a smaller learning rate")
    return logits.double().softmax(1)[:, 1].cpu().numpy()


def reconstruct_graphs(model: GraphVAE, graphs: Graphs) -> Graphs:
    """Encode graphs without noise, and decode the mean of the code to hard graphs, in the same order of nodes."""

    def once(part: Graphs) -> Graphs:
        dense = as_dense(part, model)
        return numbered_graphs(hard_graphs(*model.decode(model.encode(dense)[0], dense.mask), dense.mask))

    found = _in_rows(once, model, graphs)
    return Graphs(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _in_rows(function: Callable, model: torch.nn.Module, graphs: Graphs) -> list:
    model.eval()
    starts = range(0, len(graphs.types), ROWS)
    with torch.inference_mode():
        return [function(Graphs(*(part[start : start + ROWS] for part in graphs))) for start in starts]


def _long(graphs: Graphs) -> tuple[np.ndarray, np.ndarray]:
    return np.array(graphs.types, np.int64), np.array(graphs.edges, np.int64)


def _fitted(model, data, loss, steps: int, lr: float, seed: int, device: str, progress: bool):
    """Train with batches of at most 64 graphs and a learning rate that falls to 0 as a cosine."""
    options = {"steps": steps, "batch_size": min(BATCH, len(data[0])), "lr": lr, "seed": seed, "clip": 5.0}
    falling = lambda done: (1 + np.cos(np.pi * done)) / 2  # noqa: E731
    found = fit(
        model, data, loss, schedule=falling, every=steps, device=device, precision="32", progress=progress, **options
    )
    return found.model
