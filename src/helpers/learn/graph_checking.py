"""Check of a graph autoencoder: whether a reordering of the nodes reorders its codes and its graphs alike."""

from __future__ import annotations

import numpy as np
import torch

from helpers.errors import InputError
from helpers.learn.graph_networks import GraphVAE, as_dense
from helpers.metrics.graph_edits import arranged
from helpers.metrics.graphs import Graphs


def equivariance_error(model: GraphVAE, graphs: Graphs, *, places: bool = False, seed: int = 0) -> float:
    """Compute how far codes and logits of reordered graphs are from the reordered codes and logits, at most.

    Parameters
    ----------
    model : GraphVAE
    graphs : Graphs
        Each gets an order of its nodes that is drawn.
    places : bool
        Give the encoder the number of each place in the file in place of noise that is reordered with the nodes: a
        control that is not equivariant.
    seed : int
        Seed of the orders and of the noise.

    Returns
    -------
    float
        Largest absolute difference of a code, or of a logit of a node or an edge; about 1e-6 in single precision.

    Raises
    ------
    InputError
        A code or a logit is NaN or infinite; or as in `helpers.learn.as_dense`.
    """
    rng, shape = np.random.default_rng(seed), graphs.types.shape
    order = rng.random(shape).argsort(1)
    drawn = rng.standard_normal((*shape, model.noise))
    if places:
        drawn = np.broadcast_to(np.arange(shape[1])[:, None] / shape[1], drawn.shape)
    moved = drawn if places else np.take_along_axis(drawn, order[..., None], 1)
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        one = _outputs(model, graphs, drawn)
        other = _outputs(model, arranged(graphs, order), moved)
    model.train(was_training)
    rows, axis = np.arange(len(order))[:, None], order
    code, nodes, edges = one
    expected = code[rows, axis], nodes[rows, axis], edges[rows[..., None], axis[:, :, None], axis[:, None]]
    error = float(np.max([np.abs(a - b).max() for a, b in zip(expected, other, strict=True)]))
    if not np.isfinite(error):
        raise InputError("model", "a code or a logit is NaN or infinite", "Train it with a smaller learning rate")
    return error


def _outputs(model: GraphVAE, graphs: Graphs, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute the code, and the logits of nodes and edges where there are nodes."""
    dense = as_dense(graphs, model)
    code, _ = model.encode(dense, dense.nodes.new_tensor(np.ascontiguousarray(noise)))
    nodes, edges = model.decode(code, dense.mask)
    both = dense.mask[:, :, None] & dense.mask[:, None, :]
    found = code, nodes * dense.mask[..., None], edges * both[..., None]
    return tuple(part.cpu().numpy() for part in found)
