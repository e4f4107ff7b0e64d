"""Search for a counterfactual in the code of a graph autoencoder: after Hansen et al. 2025, arXiv 2501.08850.

Departures from the published search: the target is the class that is not predicted, in place of the one that is not
the label; the loss is the cross-entropy; the code of a graph is refined before the walk; the penalty is the distance
from that code, in place of that from the centre of the prior; the decoder draws nothing; and the graph is kept at which
the flip was found.
"""

from __future__ import annotations

from numbers import Real
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from helpers.errors import InputError, check_seed
from helpers.learn import GraphClassifier, GraphVAE, as_dense, hard_graphs, numbered_graphs
from helpers.learn.building import is_count
from helpers.metrics.graphs import Graphs
from helpers.studies.graph_counterfactuals.baselines import predicted


class Walked(NamedTuple):
    """Graphs at which each walk ended, and the number of its steps, see `traverse`."""

    graphs: Graphs
    flipped: np.ndarray
    steps: np.ndarray


def graph_codes(
    autoencoder: GraphVAE, graphs: Graphs, *, steps: int = 60, lr: float = 0.05, seed: int = 0
) -> torch.Tensor:
    """Find the code of each graph: that of the encoder, refined until it decodes to the graph.

    An encoder that is trained for a short time errs where its decoder need not. The code is improved by gradient steps
    on the cross-entropy of the graph, after semi-amortised inference (Kim et al. 2018, arXiv 1802.02550). The encoder
    sees drawn noise of the nodes, so that nodes alike by symmetry get different codes.

    Parameters
    ----------
    autoencoder : GraphVAE
    graphs : Graphs
    steps : int
        Most steps of Adam; a code stays where it first decodes to its graph. At 0 it is that of the encoder.
    lr : float
        Size of a step.
    seed : int
        Seed of the noise.

    Returns
    -------
    torch.Tensor of shape (n, V, latent)

    Raises
    ------
    InputError
        A number is out of range, or the autoencoder encodes or decodes to NaN.
    """
    check_walk(steps, lr=lr)
    check_seed("seed", seed)
    dense = as_dense(graphs, autoencoder)
    autoencoder.eval()
    noise = np.random.default_rng((seed, 3)).standard_normal((*dense.mask.shape, autoencoder.noise))
    code = autoencoder.encode(dense, dense.nodes.new_tensor(noise))[0].detach()
    optimiser = torch.optim.Adam([code.requires_grad_()], lr=lr)
    pair = torch.triu(dense.mask[:, :, None] & dense.mask[:, None, :], diagonal=1)
    kept, going = code.detach().clone(), torch.arange(len(code), device=code.device)
    for step in range(steps + 1):
        kept[going] = code.detach()[going]
        nodes, edges = autoencoder.decode(code[going], dense.mask[going])
        wrong = (nodes.argmax(-1) != dense.nodes[going].argmax(-1)) & dense.mask[going]
        apart = (edges.argmax(-1) != dense.edges[going].argmax(-1)) & pair[going]
        left = wrong.any(1) | apart.any(2).any(1)
        if step == steps or not left.any():
            break
        fits = (nodes.log_softmax(-1) * dense.nodes[going]).sum((1, 2))
        fits = fits + ((edges.log_softmax(-1) * dense.edges[going]).sum(-1) * pair[going]).sum((1, 2))
        (code.grad,) = torch.autograd.grad(-fits[left].sum(), code)
        optimiser.step()
        going = going[left]
    if not kept.isfinite().all():
        raise InputError("autoencoder", "a code is NaN or infinite", "Train it with a smaller learning rate")
    return kept


def check_walk(steps: int, *, lr: float = 0.05, weight: float = 0.0) -> None:
    """Refuse a number of steps, a size of a step or a weight with which no code can be moved.

    Raises
    ------
    InputError
        The steps are no whole number of 0 or more, or another number is out of range.
    """
    whole = steps == 0 or is_count(steps)
    real = all(isinstance(value, Real) and not isinstance(value, bool) for value in (steps, lr, weight))
    if not (whole and real and 0 < lr < np.inf and 0 <= weight < np.inf):
        problem = f"steps {steps!r}, lr {lr!r}, weight {weight!r}"
        fix = "Give a whole number of steps and a weight, of 0 or more, and a size of a step above 0"
        raise InputError("walk", problem, fix)


def traverse(
    classifier: GraphClassifier,
    autoencoder: GraphVAE,
    graphs: Graphs,
    *,
    steps: int = 150,
    lr: float = 0.05,
    weight: float = 0.1,
    start: torch.Tensor | None = None,
) -> Walked:
    """Move the code of each graph until the classifier calls the decoded, hard graph the other class.

    Parameters
    ----------
    classifier, autoencoder : GraphClassifier and GraphVAE
    graphs : Graphs
        All are walked in one batch; a graph that has flipped takes no further part.
    steps : int
        Most steps of Adam; at 0 the walk is the reconstruction, the decoded `start`.
    lr : float
        Size of a step in the code.
    weight : float
        Weight of the distance of the code from where it began.
    start : torch.Tensor of shape (n, V, latent), optional
        Codes where the walks begin; by default those of `graph_codes`.

    Returns
    -------
    graphs : Graphs
        In the order of nodes of the given graphs: the first that flipped, or the last of the walk.
    flipped : ndarray of bool, shape (n,)
    steps : ndarray of int, shape (n,)
        Steps until then; 0 where the reconstruction is already of the other class.

    Raises
    ------
    InputError
        A number is out of range or `start` of another shape, the autoencoder decodes to NaN, or a logit is NaN.
    """
    check_walk(steps, lr=lr, weight=weight)
    dense = as_dense(graphs, autoencoder)
    target = torch.as_tensor(1 - predicted(classifier, graphs), device=dense.mask.device)
    classifier.eval(), autoencoder.eval()
    start = graph_codes(autoencoder, graphs) if start is None else start
    shape = (*dense.mask.shape, autoencoder.latent)
    if not isinstance(start, torch.Tensor) or start.shape != shape:
        problem = f"expected codes of shape {shape}, found {getattr(start, 'shape', type(start).__name__)}"
        raise InputError("start", problem, "Give those of graph_codes, for the same graphs")
    code = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([code], lr=lr)
    types, edges = (np.array(part, np.int64) for part in graphs)
    taken, going = np.full(len(types), steps), torch.arange(len(types), device=target.device)
    flipped = np.zeros(len(types), bool)
    for step in range(steps + 1):
        hard = hard_graphs(*autoencoder.decode(code[going], dense.mask[going]), dense.mask[going])
        logits = classifier(hard)
        if not logits.isfinite().all():
            raise InputError("classifier", "a logit of a decoded graph is NaN or infinite", "Train it for longer")
        rows, there = going.cpu().numpy(), (logits.argmax(1) == target[going]).cpu().numpy()
        types[rows], edges[rows] = numbered_graphs(hard)
        flipped[rows[there]], taken[rows[there]] = True, step
        left = torch.as_tensor(~there, device=target.device)
        if step == steps or not left.any():
            break
        far = ((code[going] - start[going]) ** 2).sum((1, 2)).add(1e-8).sqrt()
        loss = functional.cross_entropy(logits, target[going], reduction="none") + weight * far
        (code.grad,) = torch.autograd.grad(loss[left].sum(), code)
        optimiser.step()
        going = going[left]
    return Walked(Graphs(types, edges), flipped, taken)
