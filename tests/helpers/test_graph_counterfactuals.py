"""Counterfactuals of graphs: the walk keeps the graph that flipped, rivals do what they claim, and truth is found."""

from __future__ import annotations

import copy

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from helpers import datasets, learn, metrics
from helpers.datasets.graphs import population
from helpers.errors import InputError
from helpers.metrics.graphs import Graphs, graph_facts, padded
from helpers.studies import graph_counterfactuals as study
from helpers.studies.graph_counterfactuals import experiment
from helpers.studies.graph_counterfactuals.baselines import one_edit

NODES = 6


@pytest.fixture(scope="module")
def world():
    """Graphs whose label is the motif, a classifier that has learned it, and a short autoencoder."""
    drawn = population.draw(np.random.default_rng(0), "motif", 240, NODES)
    options = {"n_types": 2, "width": 8, "device": "cpu", "lr": 1e-2}
    classifier = learn.fit_graph_classifier(drawn.graphs, drawn.cases["label"], steps=120, depth=2, **options)
    return drawn.graphs, classifier, learn.fit_graph_vae(drawn.graphs, steps=150, depth=1, **options)


def first(graphs: Graphs, n: int) -> Graphs:
    return Graphs(*(part[:n] for part in graphs))


def test_the_graph_that_flipped_is_the_one_that_is_returned(world):
    graphs, classifier, autoencoder = world
    some = first(graphs, 20)
    walked = study.traverse(classifier, autoencoder, some, steps=40)
    flipped = study.predicted(classifier, walked.graphs) != study.predicted(classifier, some)
    assert (flipped == walked.flipped).all() and flipped.mean() > 0
    assert (walked.steps[~flipped] == 40).all()
    metrics.edit_bounds(some, walked.graphs)  # refuses what is no undirected graph


def test_a_walk_of_no_step_decodes_the_code_where_it_is(world):
    graphs, classifier, autoencoder = world
    some = first(graphs, 20)
    start = study.graph_codes(autoencoder, some, steps=0)
    walked = study.traverse(classifier, autoencoder, some, steps=0, start=start)
    mask = learn.as_dense(some, autoencoder).mask
    with torch.no_grad():
        again = learn.numbered_graphs(learn.hard_graphs(*autoencoder.decode(start, mask), mask))
    assert all((one == other).all() for one, other in zip(walked.graphs, again, strict=True))


def test_a_refined_code_decodes_to_its_graph_and_stays_there(world):
    graphs, classifier, autoencoder = world
    some = first(graphs, 20)
    codes = [study.graph_codes(autoencoder, some, steps=steps) for steps in (0, 30, 60)]
    decoded = [study.traverse(classifier, autoencoder, some, steps=0, start=code).graphs for code in codes]
    wrong = [metrics.edits_in_place(some, graphs) for graphs in decoded]
    assert wrong[2].mean() < wrong[0].mean() / 2 and (wrong[2][wrong[1] == 0] == 0).all()
    assert torch.equal(codes[1][wrong[1] == 0], codes[2][wrong[1] == 0]) and (wrong[1] == 0).any()
    assert torch.equal(codes[0], study.graph_codes(autoencoder, some, steps=0)), "the noise has a seed"


def test_doing_nothing_is_never_valid(world):
    graphs, classifier, _ = world
    some = first(graphs, 20)
    rows = study.measured(some, some, classifier=classifier, second=classifier, support=study.support_of(graphs))
    assert not rows["valid"].any() and (rows["edits"] == 0).all() and rows["support"].all()
    assert rows["transfer"].isna().all() and rows["on_motif"].isna().all()


def test_the_nearest_graph_is_valid_in_support_and_aligned(world):
    graphs, classifier, _ = world
    some = first(graphs, 10)
    near = study.nearest_graphs(classifier, some, graphs, candidates=30)
    rows = study.measured(some, near, classifier=classifier, second=classifier, support=study.support_of(graphs))
    assert rows["valid"].all() and rows["support"].all() and (rows["transfer"] == 1).all()
    assert (metrics.edits_in_place(some, near) == metrics.edit_bounds(some, near).upper).mean() > 0.8


def test_random_edits_are_as_many_as_asked():
    graphs = population.draw(np.random.default_rng(1), "null", 30, NODES).graphs
    counts = np.arange(30) % 5
    found = study.random_edits(graphs, counts, seed=3)
    assert (metrics.edits_in_place(graphs, found) == counts).all()
    assert (found.types == graphs.types).all()
    both = study.random_edits(padded(graphs, NODES + 1), 3 * counts, n_types=3, seed=3)
    assert (metrics.edits_in_place(padded(graphs, NODES + 1), both) == 3 * counts).all()
    assert set(np.unique(both.types[:, :NODES])) == {0, 1, 2} and (both.types[:, NODES] == -1).all()


def test_one_edit_lists_every_neighbour_once():
    graph = first(population.draw(np.random.default_rng(1), "null", 2, NODES).graphs, 1)
    found = one_edit(graph, 3)
    assert len(found.types) == 15 + 2 * NODES
    assert (metrics.edits_in_place(Graphs(*(np.repeat(part, 27, 0) for part in graph)), found) == 1).all()
    both = np.concatenate([found.types, found.edges.reshape(27, -1)], 1)
    assert len(np.unique(both, axis=0)) == 27


@pytest.mark.parametrize("n_kinds", [1, 2, 3])
def test_one_edit_knows_types_of_edges(n_kinds):
    drawn = first(population.draw(np.random.default_rng(1), "null", 2, NODES).graphs, 1)
    kinds = np.arange(NODES)[:, None] + np.arange(NODES)
    graph = Graphs(drawn.types, drawn.edges * (1 + kinds % n_kinds))
    found = one_edit(graph, 2, n_kinds)
    total = 15 * n_kinds + NODES
    both = np.concatenate([found.types, found.edges.reshape(total, -1)], 1)
    assert len(np.unique(both, axis=0)) == total and found.edges.max() == n_kinds
    assert (metrics.edits_in_place(Graphs(*(np.repeat(part, total, 0) for part in graph)), found) == 1).all()


def test_no_method_needs_fewer_edits_than_the_complete_search(world):
    graphs, classifier, autoencoder = world
    some = first(graphs, 6)
    fewest = study.flipped_by_all(classifier, some)
    for found in (study.greedy_search(classifier, some), study.traverse(classifier, autoencoder, some).graphs):
        valid = study.predicted(classifier, found) != study.predicted(classifier, some)
        edits = metrics.edits_in_place(some, found)
        assert (edits[valid] >= np.minimum(fewest[valid], 3)).all()
    assert (fewest <= 2).any()


def test_the_way_back_undoes_edits_that_the_flip_does_not_need(world):
    graphs, classifier, _ = world
    some = first(graphs, 20)
    found = study.bidirectional_search(classifier, some, seed=1)
    valid = study.predicted(classifier, found) != study.predicted(classifier, some)
    edits = metrics.edits_in_place(some, found)
    assert valid.mean() > 0.8 and (found.types == some.types).all()
    assert edits[valid].max() <= 15 and edits[valid].mean() < 5
    assert (edits[valid] >= np.minimum(study.flipped_by_all(classifier, some), 3)[valid]).all()
    metrics.edit_bounds(some, found)  # refuses what is no undirected graph


def test_edges_at_padding_are_never_edited(world):
    graphs, classifier, _ = world
    wide = padded(first(graphs, 10), NODES + 2)
    found = study.bidirectional_search(classifier, wide)
    assert not found.edges[:, NODES:].any() and (found.types == wide.types).all()


def test_support_asks_for_the_number_of_edges_of_the_data():
    graphs = population.draw(np.random.default_rng(1), "motif", 30, NODES).graphs
    support = study.support_of(graphs)
    one_more = study.random_edits(graphs, np.ones(30, int))
    assert study.in_support(support, graphs).all() and not study.in_support(support, one_more).any()
    assert support == study.Support(True, frozenset({NODES}), frozenset({0, 1}))


def test_changes_of_motif_and_marker_are_told_apart():
    """A triangle with a tail becomes a path by one edge, or gets a marker."""
    edges = np.zeros((1, 4, 4), int)
    for a, b in ((0, 1), (1, 2), (0, 2), (2, 3)):
        edges[0, a, b] = edges[0, b, a] = 1
    graph, cut = Graphs(np.zeros((1, 4), int), edges), edges.copy()
    cut[0, 0, 1] = cut[0, 1, 0] = 0
    model = learn.graph_classifier(2)
    options = {"classifier": model, "second": model, "support": study.support_of(graph)}
    without = study.measured(graph, Graphs(graph.types, cut), **options).iloc[0]
    marked = study.measured(graph, Graphs(np.array([[0, 0, 0, 1]]), edges), **options).iloc[0]
    assert without["motif_changed"] and not without["marker_changed"] and without["on_motif"] == 1
    assert marked["marker_changed"] and not marked["motif_changed"] and marked["edits"] == without["edits"] == 1
    assert not without["support"] and not marked["support"]


def test_a_constant_classifier_gets_its_threshold_at_the_median_or_is_refused(world):
    graphs, _, _ = world
    model = learn.graph_classifier(2, seed=1)
    with torch.no_grad():
        model.head.bias[1] += 100.0
    assert study.predicted(model, graphs).mean() == 1
    with pytest.raises(InputError, match="predicts one class, with one score"):
        study.balanced(model, graphs)
    with torch.no_grad():
        model.head.bias[1] -= 95.0
    assert 0.3 < study.predicted(study.balanced(model, graphs), graphs).mean() < 0.7
    assert study.predicted(model, graphs).mean() == 1, "the given classifier is left alone"


def test_the_number_of_nodes_may_be_the_whole_task():
    cut, accuracy, majority = study.size_split([38, 40, 35, 10, 11, 12, 9, 8], [1, 1, 1, 0, 0, 0, 0, 0])
    assert (cut, accuracy, majority) == (12, 1.0, 0.625)
    assert study.size_split([10] * 8, [0, 1] * 4)[1:] == (0.5, 0.5)


SMALL = {"n_test": 20, "classifier_steps": 60, "autoencoder_steps": 60, "walk_steps": 20, "device": "cpu"}


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("worlds")
    parts = []
    for world in ("motif", "shortcut"):
        loaded = datasets.load_graphs(datasets.simulate_graphs(world, 120, nodes=NODES, folder=folder))
        parts.append(study.run(loaded, **SMALL)["rows"].assign(world=world))
    return pd.concat(parts, ignore_index=True)


def test_measures_that_are_known_of_real_graphs(rows):
    planted = ["motif_changed", "marker_changed"]
    assert set(study.known_measures(rows)) > set(planted)
    real = rows.assign(**dict.fromkeys(planted, np.nan), world="real")
    assert study.known_measures(real) == [name for name in study.known_measures(rows) if name not in planted]
    assert not set(planted) & set(study.walk_view(real, "real").columns)


def test_a_run_has_a_row_for_each_method_and_graph(rows):
    assert rows.groupby(["world", "method"]).size().eq(20).all() and set(rows["method"]) == set(study.METHODS)
    assert not rows.loc[rows["method"] == "do nothing", "valid"].any()
    assert rows.loc[rows["method"] == "nearest graph", "valid"].all()
    table = study.walk_view(rows, "shortcut")
    assert table.index.tolist() == list(study.METHODS) and table.loc["do nothing", "valid"] == 0


def test_claims_compare_methods_on_the_same_graphs(rows):
    part = rows[rows["world"] == "motif"]
    found = study.statistics(part, n_boot=100)
    valid = part.groupby("method")["valid"].mean()
    assert found["valid"]["estimate"] == pytest.approx(valid["traversal"] - valid["random edits"])
    assert found["robust"]["estimate"] == pytest.approx(valid["traversal"] - valid["prior sample"])
    assert found["valid"]["n"] == 20 and found["valid"]["low"] <= found["valid"]["estimate"] <= found["valid"]["high"]
    table = part.assign(valid=True).pivot(index="graph", columns="method", values="edits")
    every = study.statistics(part.assign(valid=True), n_boot=100)
    assert every["nearest"]["estimate"] == pytest.approx((table["nearest graph"] - table["traversal"]).mean())
    assert set(study.statistics(part.assign(valid=False), n_boot=100)) == {"valid", "robust"}
    changed = part.groupby("method")["marker_changed"].mean()
    assert every["marker"]["estimate"] == pytest.approx(changed["traversal"] - changed["random edits"])


def test_worlds_have_rates_and_means_over_data_sets():
    made = [
        {"world": world, "seed": seed, "statistic": "valid", "estimate": low + 0.1, "low": low, "high": 1.0, "n": 20.0}
        for world, lows in {"motif": (0.2, 0.4), "null": (-0.1, 0.1)}.items()
        for seed, low in enumerate(lows)
    ]
    made += [made[0] | {"statistic": "class kept", "low": None, "high": None, "n": None}]
    found = study.world_values(pd.DataFrame(made))["rates"]
    assert [found[world]["valid"]["holds"]["estimate"] for world in ("motif", "null")] == [1.0, 0.5]
    assert found["motif"]["valid"]["mean"]["estimate"] == pytest.approx(0.4)
    assert found["null"]["valid"]["holds"]["n"] == 2
    assert set(found["motif"]["class kept"]) == {"mean"} and found["motif"]["class kept"]["mean"]["n"] == 1


def test_a_world_gives_a_row_for_each_claim(tmp_path):
    asked = {"n": 60, "nodes": NODES, "n_boot": 50, "folder": str(tmp_path)}
    found = pd.DataFrame(study.world_job("group", 3, **asked, **SMALL)).set_index("statistic")
    names = {"valid", "robust", "marker, nearest graph", "marker, nearest graph, female", "class kept"}
    assert names <= set(found.index)
    assert found["estimate"].notna().all() and found.loc["accuracy", "estimate"] <= 1
    with pytest.raises(InputError, match="world: must be motif"):
        study.world_job("moot", 3)


def test_discovery_has_an_interval_and_n(rows):
    found = study.discovery(rows, "nearest graph")
    assert set(found) == {"found", "false"}
    assert all(part["low"] <= part["estimate"] <= part["high"] and part["n"] == 20 for part in found.values())


def test_a_graph_and_its_counterfactual_are_drawn(world):
    graphs, *_ = world
    ax = study.draw_edits(
        graphs, study.random_edits(graphs, np.full(len(graphs.types), 3)), 0, ax=plt.figure().add_subplot()
    )
    assert {line.get_linestyle() for line in ax.lines} <= {"-", "--"} and len(ax.lines) >= NODES
    plt.close("all")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda graphs, c, a: study.traverse(c, a, graphs, lr=0.0), "walk: steps 150, lr 0.0, weight 0.1"),
        (lambda graphs, c, a: study.traverse(c, a, graphs, steps=1.5), "walk: steps 1.5"),
        (lambda graphs, c, a: study.traverse(c, a, graphs, steps="9"), "walk: steps '9'"),
        (lambda graphs, c, a: study.traverse(c, a, graphs, weight=None), "weight None"),
        (lambda graphs, c, a: study.traverse(c, a, graphs, start=torch.zeros(3, 4)), "start: expected codes of shape"),
        (lambda graphs, c, a: study.graph_codes(a, graphs, steps=-1), "walk: steps -1"),
        (lambda graphs, c, a: study.flipped_by_all(c, graphs, most=3), "most: must be 1 or 2, got 3"),
        (
            lambda graphs, c, a: study.nearest_graphs(c, graphs, first(graphs, 1)),
            "all are predicted to be of one class",
        ),
        (lambda graphs, c, a: study.counterfactual_rates(pd.DataFrame(), "edits"), "measure: must be one of valid"),
        (
            lambda graphs, c, a: study.counterfactual_rates(
                pd.DataFrame({"marker_changed": [np.nan]}), "marker_changed"
            ),
            "measure: marker_changed is missing in all rows",
        ),
        (lambda graphs, c, a: study.walk_view(pd.DataFrame({"world": ["motif"]}), "x"), "world: must be motif"),
        (lambda graphs, c, a: study.graph_codes(a, graphs, seed=-1), "seed = -1: expected a whole number"),
        (lambda graphs, c, a: study.nearest_graphs(c, graphs, graphs, seed=0.5), "seed = 0.5: expected"),
        (lambda graphs, c, a: study.random_edits(graphs, [1], seed=True), "seed = True: expected"),
        (lambda graphs, c, a: study.sampled_graphs(a, graphs, seed="1"), "seed = '1': expected"),
        (lambda graphs, c, a: study.bidirectional_search(c, graphs, seed=-2), "seed = -2: expected"),
    ],
)
def test_bad_input_is_refused(world, call, message):
    with pytest.raises(InputError, match=message):
        call(*world)


@pytest.mark.parametrize("part", ["links", "types", "code"])
def test_an_autoencoder_of_nan_gives_no_graph(world, part):
    """Its largest logit would be the first, so that a graph without types or edges would be called a flip."""
    graphs, classifier, autoencoder = world
    broken = copy.deepcopy(autoencoder)
    with torch.no_grad():
        getattr(broken, part).weight.fill_(torch.nan)
    known = torch.zeros(*graphs.types.shape, autoencoder.latent)
    calls = [lambda: study.traverse(classifier, broken, graphs), lambda: study.graph_codes(broken, graphs)]
    calls += [lambda: study.traverse(classifier, broken, graphs, start=known)] if part != "code" else []
    for call in calls:
        with pytest.raises(InputError, match=r"autoencoder: .* NaN or infini"):
            call()
    for call in (learn.equivariance_error, learn.reconstruct_graphs):
        with pytest.raises(InputError, match="NaN or infini"):
            call(broken, graphs)


def test_a_classifier_that_breaks_on_a_decoded_graph_is_named(world):
    graphs, classifier, autoencoder = world

    class Breaks(type(classifier)):
        def forward(self, dense):
            found = super().forward(dense)
            return found if dense.nodes.grad_fn is None else found * torch.nan

    broken = copy.deepcopy(classifier)
    broken.__class__ = Breaks
    with pytest.raises(InputError, match="classifier: a logit of a decoded graph is NaN"):
        study.traverse(broken, autoencoder, graphs)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"walk_steps": -1}, "walk: steps -1"),
        ({"refine_steps": 0.5}, "walk: steps 0.5"),
        ({"n_test": 20.0}, "n_test: 20.0 of 60 graphs"),
        ({"seed": -1}, "seed = -1: expected a whole number"),
    ],
)
def test_a_run_refuses_numbers_before_it_trains(tmp_path, monkeypatch, how, message):
    monkeypatch.setattr(experiment, "fit_graph_classifier", lambda *_, **__: pytest.fail("trained"))
    loaded = datasets.load_graphs(datasets.simulate_graphs("motif", 60, nodes=NODES, folder=tmp_path))
    with pytest.raises(InputError, match=message):
        study.run(loaded, **{"n_test": 20, **how})


def test_too_few_graphs_are_refused(tmp_path):
    loaded = datasets.load_graphs(datasets.simulate_graphs("motif", 12, folder=tmp_path))
    assert (graph_facts(loaded.graphs)["edges"] == 10).all()
    with pytest.raises(InputError, match="n_test: 4 of 12 graphs leave too few"):
        study.run(loaded, n_test=4)


# The page


def test_the_tiny_run_has_every_method_claim_and_number_that_prose_quotes(tiny_run):
    values = tiny_run("12_graph_counterfactuals").results["values"]
    assert set(values["shown"]) == set(study.METHODS) and values["n"] == {"train": 90, "test": 30}
    assert values["shown"]["do nothing"]["valid"]["estimate"] == 0
    assert values["shown"]["nearest graph"]["valid"]["estimate"] == 1
    assert values["checks"]["class_kept"] >= values["checks"]["class_kept_by_encoder"]
    assert {"valid", "robust"} <= set(values["tests"]) and set(values["discovery"]) == {"traversal", "nearest graph"}
    claims = tiny_run("12_graph_counterfactuals").results["claims"]
    assert len(claims) == 5
    assert "graph" not in tiny_run("12_graph_counterfactuals").cases


def test_the_tiny_run_finds_the_planted_shortcut(tiny_run):
    found = tiny_run("12_graph_counterfactuals").results["values"]["discovery"]["nearest graph"]
    assert found["found"]["estimate"] > found["false"]["estimate"]
