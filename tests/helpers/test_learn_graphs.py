"""Graph networks are equivariant, leave padding alone, learn a planted motif, and refuse what they do not know."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers import learn, metrics
from helpers.datasets.graphs import population
from helpers.errors import InputError
from helpers.metrics.graph_edits import arranged
from helpers.metrics.graphs import Graphs, padded
from tests.helpers.test_metrics_graph_edits import random_graphs

GRAPHS = random_graphs(0, 6, 7)  # three types of nodes, two of edges


def shuffled(graphs: Graphs) -> tuple[Graphs, np.ndarray]:
    rng = np.random.default_rng(1)
    order = np.stack([rng.permutation(graphs.types.shape[1]) for _ in graphs.types])
    return arranged(graphs, order), order


def reordered(tensor: torch.Tensor, order: np.ndarray, axes: int = 1) -> torch.Tensor:
    rows, places = torch.arange(len(order)), torch.as_tensor(order)
    found = tensor[rows[:, None], places]
    return (
        found if axes == 1 else found[rows[:, None, None], torch.arange(order.shape[1])[None, :, None], places[:, None]]
    )


def untrained() -> learn.GraphVAE:
    return learn.graph_vae(3, 2, seed=0).eval()


def test_a_classifier_does_not_see_the_order_of_nodes():
    model = learn.graph_classifier(3, 2, seed=0).eval()
    found = [model(learn.as_dense(graphs, model)) for graphs in (GRAPHS, shuffled(GRAPHS)[0])]
    assert (found[0] - found[1]).abs().max() < 1e-5
    assert found[0].std(0).min() > 1e-3, "all graphs look alike to it"


def test_encoder_and_decoder_reorder_with_the_nodes():
    model, (other, order) = untrained(), shuffled(GRAPHS)
    dense = [learn.as_dense(graphs, model) for graphs in (GRAPHS, other)]
    noise = torch.as_tensor(np.random.default_rng(2).standard_normal((6, 7, model.noise)), dtype=torch.float32)
    with torch.no_grad():
        codes = [model.encode(dense[0], noise)[0], model.encode(dense[1], reordered(noise, order))[0]]
        assert (reordered(codes[0], order) - codes[1]).abs().max() < 1e-5
        nodes, edges = zip(*(model.decode(code, d.mask) for code, d in zip(codes, dense, strict=True)), strict=True)
        there = dense[1].mask[..., None]
        assert ((reordered(nodes[0], order) - nodes[1]) * there).abs().max() < 1e-5
        assert (reordered(edges[0], order, axes=2) - edges[1]).abs().max() < 1e-5
        assert codes[0].std() > 1e-2


def test_codes_of_positions_would_break_this():
    """The check above finds a network that knows the places of nodes."""
    model, (other, order) = learn.graph_vae(3, 2, seed=0).eval(), shuffled(GRAPHS)
    places = torch.arange(7.0)[None, :, None].expand(6, 7, model.noise)
    with torch.no_grad():
        codes = [model.encode(learn.as_dense(graphs, model), places)[0] for graphs in (GRAPHS, other)]
    assert (reordered(codes[0], order) - codes[1]).abs().max() > 1e-2


def test_the_error_of_equivariance_is_rounding_and_a_code_of_places_is_found():
    model = learn.graph_vae(3, 2, seed=0)
    assert learn.equivariance_error(model, GRAPHS, seed=1) < 1e-5 and model.training
    assert learn.equivariance_error(model, GRAPHS, places=True) > 1e-3
    assert learn.equivariance_error(model, padded(GRAPHS, 9)) < 1e-5


def test_padding_changes_nothing():
    model, auto = learn.graph_classifier(3, 2, seed=0).eval(), untrained()
    wide = padded(GRAPHS, 10)
    with torch.no_grad():
        logits = [model(learn.as_dense(graphs, model)) for graphs in (GRAPHS, wide)]
        assert (logits[0] - logits[1]).abs().max() < 1e-5
        codes = [auto.encode(learn.as_dense(graphs, auto))[0] for graphs in (GRAPHS, wide)]
        assert (codes[0] - codes[1][:, :7]).abs().max() < 1e-5
    again = learn.reconstruct_graphs(auto, wide)
    assert (again.types[:, 7:] == -1).all() and not again.edges[:, 7:].any()


def test_nodes_alike_by_symmetry_have_one_code_until_noise_separates_them():
    model = untrained()
    ring = Graphs(
        np.zeros((1, 5), int), (np.roll(np.eye(5, dtype=int), 1, 0) + np.roll(np.eye(5, dtype=int), -1, 0))[None]
    )
    dense = learn.as_dense(ring, model)
    noise = torch.as_tensor(np.random.default_rng(0).standard_normal((1, 5, model.noise)), dtype=torch.float32)
    with torch.no_grad():
        assert model.encode(dense)[0].std(1).max() < 1e-5 < 1e-3 < model.encode(dense, noise)[0].std(1).max()


def test_hard_graphs_are_graphs_and_pass_the_gradient():
    rng = np.random.default_rng(3)
    nodes = torch.as_tensor(1_000 * rng.standard_normal((2, 4, 3))).requires_grad_()  # where the softmax is flat
    half = torch.as_tensor(rng.standard_normal((2, 4, 4, 3)))
    edges = (half + half.transpose(1, 2)).requires_grad_()
    mask = torch.tensor([[True, True, True, False], [True] * 4])
    hard = learn.hard_graphs(nodes, edges, mask)
    values = hard.edges.detach()
    assert ((values - values.round()).abs() < 1e-12).all() and (values.sum(-1) - 1).abs().max() < 1e-12
    metrics.edit_bounds(*(learn.numbered_graphs(hard),) * 2)  # refuses what is no undirected graph
    (hard.edges[..., 1].sum() + hard.nodes[..., 0].sum()).backward()
    assert (nodes.grad[mask][:, 0] == 1).all() and edges.grad.abs().sum() > 0
    assert not nodes.grad[0, 3].any() and not edges.grad[0, 3].any()


def test_dense_and_back_is_the_same():
    back = learn.numbered_graphs(learn.as_dense(GRAPHS, learn.graph_classifier(3, 2)))
    assert all((one == other).all() for one, other in zip(GRAPHS, back, strict=True))


@pytest.fixture(scope="module")
def motif():
    return population.draw(np.random.default_rng(0), "motif", 300, 6)


def test_a_motif_is_learned(motif):
    """Seeds of training and of new graphs differ; half would be right by chance."""
    model = learn.fit_graph_classifier(
        motif.graphs, motif.cases["label"], n_types=2, steps=150, width=8, depth=2, lr=1e-2, device="cpu"
    )
    new = population.draw(np.random.default_rng(1), "motif", 200, 6)
    found = learn.predict_graphs(model, new.graphs)
    assert found.shape == (200,) and ((found > 0.5) == (new.cases["label"] == 1)).mean() > 0.9


def test_training_an_autoencoder_brings_the_graphs_back_better(motif):
    options = {"n_types": 2, "width": 8, "depth": 1, "device": "cpu", "lr": 1e-2}
    first, later = (learn.fit_graph_vae(motif.graphs, steps=steps, **options) for steps in (1, 120))
    wrong = [
        metrics.edits_in_place(motif.graphs, learn.reconstruct_graphs(model, motif.graphs)).mean()
        for model in (first, later)
    ]
    assert wrong[1] < 0.8 * wrong[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: learn.graph_classifier(0), "n_types = 0: expected a whole number"),
        (lambda: learn.graph_vae(2, latent=0), "latent = 0: expected a whole number"),
        (lambda: learn.as_dense(GRAPHS, learn.graph_classifier(2, 2)), "there is node type 2, and .* types 0 to 1"),
        (lambda: learn.as_dense(GRAPHS, learn.graph_classifier(3, 1)), "there is edge type 1"),
        (lambda: learn.fit_graph_classifier(GRAPHS, [1] * 6, n_types=3, n_kinds=2), "1 classes in shape"),
        (lambda: learn.fit_graph_vae(GRAPHS, n_types=3, n_kinds=2, beta=-1.0), "beta = -1.0: expected a number"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_a_network_of_nan_is_refused():
    model = learn.graph_classifier(3, 2)
    with torch.no_grad():
        model.head.bias.fill_(float("nan"))
    with pytest.raises(InputError, match="a logit is NaN or infinite"):
        learn.predict_graphs(model, GRAPHS)
