"""Bounds of the graph edit distance against networkx, and the walk against the search as published."""

import numpy as np
import torch
from torch.nn import functional

from helpers import learn, metrics
from helpers.datasets.graphs import population
from helpers.metrics.graphs import Graphs
from helpers.studies import graph_counterfactuals as study
from tests.benchmarks import contest
from tests.helpers.test_metrics_graph_edits import distance, random_graphs


def test_bounds_of_twenty_pairs_of_seven_nodes():
    first, second = (random_graphs(seed, 20, 7, least=7) for seed in (0, 1))
    turns = contest.take_turns(
        {
            "ours": lambda: metrics.edit_bounds(first, second),
            "networkx": lambda: np.array([distance(first, second, i) for i in range(20)]),
        },
    )
    found, exact = turns["ours"][0]["found"], turns["networkx"][0]["found"]
    assert (found.lower <= exact).all() and (exact <= found.upper).all()
    contest.at_least(1_000, "bounds of the edit distance, 20 pairs of 7 nodes", turns, "networkx", package="networkx")


PUBLISHED_STEPS = 1_000


def published_search(classifier, autoencoder, graphs: Graphs, *, lr: float = 0.05, weight: float = 1.0) -> np.ndarray:
    """Search as Hansen et al. 2025 describe it (arXiv 2501.08850), and return which graphs it flips.

    All steps are taken, with Gumbel noise in the decoder and the distance from the prior's centre as the penalty, both
    left out for a graph while it is flipped. The logits have a log-softmax, without which the loss has no minimum. A
    graph counts as flipped if its last draw is, since that is the graph that is reported.
    """
    dense = learn.as_dense(graphs, autoencoder)
    target = torch.as_tensor(1 - study.predicted(classifier, graphs))
    code = autoencoder.encode(dense)[0].detach().requires_grad_()
    optimiser = torch.optim.Adam([code], lr=lr)
    generator = torch.Generator().manual_seed(0)
    for _ in range(PUBLISHED_STEPS):
        nodes, edges = autoencoder.decode(code, dense.mask)
        noise = [-torch.log(-torch.log(torch.rand(part.shape, generator=generator))) for part in (nodes, edges)]
        upper = torch.triu(noise[1].permute(0, 3, 1, 2), 1).permute(0, 2, 3, 1)
        drawn = learn.hard_graphs(nodes + noise[0], edges + upper + upper.transpose(1, 2), dense.mask)
        logits = classifier(drawn)
        there = logits.argmax(1) == target
        losses = functional.cross_entropy(logits, target, reduction="none") + weight * code.flatten(1).norm(dim=1)
        (code.grad,) = torch.autograd.grad(losses[~there].sum(), code) if (~there).any() else (torch.zeros_like(code),)
        optimiser.step()
    return there.numpy()


def test_walk_of_twelve_graphs():
    drawn = population.draw(np.random.default_rng(0), "motif", 240, 6)
    options = {"n_types": 2, "width": 8, "device": "cpu"}
    classifier = learn.fit_graph_classifier(drawn.graphs, drawn.cases["label"], steps=120, **options)
    autoencoder = learn.fit_graph_vae(drawn.graphs, steps=150, depth=1, **options)
    some = Graphs(*(part[:12] for part in drawn.graphs))
    turns = contest.take_turns(
        {
            "ours": lambda: study.traverse(classifier, autoencoder, some).flipped,
            "published": lambda: published_search(classifier, autoencoder, some),
        },
        rounds=3,
    )
    found, theirs = turns["ours"][0]["found"], turns["published"][0]["found"]
    print(f"valid: ours {found.mean():.2f}, published {theirs.mean():.2f}")
    assert found.mean() >= max(theirs.mean(), 0.8)
    contest.at_least(5, "walk of 12 graphs to the other class", turns, "published")
