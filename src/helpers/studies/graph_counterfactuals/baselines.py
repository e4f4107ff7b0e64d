"""Plain ways to a counterfactual, each of which returns one graph for each given graph: a method must beat them.

*Do nothing* returns the graphs; since the target is not the prediction, it is never valid.
"""

from __future__ import annotations

import copy

import numpy as np
import torch

from helpers.errors import InputError, check_choice, check_seed
from helpers.learn import GraphClassifier, GraphVAE, hard_graphs, numbered_graphs, predict_graphs
from helpers.metrics.graph_edits import arranged, edit_bounds
from helpers.metrics.graphs import Graphs

LEAST_SHARE = 0.1  # of the rarer predicted class


def predicted(classifier: GraphClassifier, graphs: Graphs) -> np.ndarray:
    """Predict the class, 0 or 1, of each graph.

    Raises
    ------
    InputError
        A logit is NaN or infinite.
    """
    return (predict_graphs(classifier, graphs) > 0.5).astype(int)


def balanced(classifier: GraphClassifier, graphs: Graphs) -> GraphClassifier:
    """Return a classifier that predicts both classes: a copy with its threshold at the median, if one is rare.

    A constant classifier has no counterfactual. With labels at random training often ends in one.

    Raises
    ------
    InputError
        All graphs get the same score, so that no threshold divides them.
    """
    share = predicted(classifier, graphs).mean()
    if LEAST_SHARE <= share <= 1 - LEAST_SHARE:
        return classifier
    scores = predict_graphs(classifier, graphs).clip(1e-12, 1 - 1e-12)
    logits = np.log(scores) - np.log1p(-scores)
    if np.ptp(logits) < 1e-6:
        raise InputError("classifier", "predicts one class, with one score for all graphs", "Train it for longer")
    moved = copy.deepcopy(classifier)
    with torch.no_grad():
        moved.head.bias[1] -= float(np.median(logits))
    return moved


def random_edits(graphs: Graphs, counts: np.ndarray, *, n_types: int = 1, seed: int = 0) -> Graphs:
    """Make edits of each graph at random, `counts` of them, shape (n,): an edge is switched, or a node gets a type.

    A new edge has the first type. With `n_types` at 1, nodes keep theirs.
    """
    check_seed("seed", seed)
    rng, edges, types = np.random.default_rng(seed), graphs.edges.copy(), graphs.types.copy()
    one, other = np.triu_indices(edges.shape[1], 1)
    there = types >= 0
    possible = np.concatenate([there[:, one] & there[:, other], there & (n_types > 1)], 1)
    chance = np.where(possible, rng.random(possible.shape), 2)
    ranks = chance.argsort(1).argsort(1)
    row, place = np.nonzero((ranks < np.asarray(counts)[:, None]) & possible)
    on_pair = place < len(one)
    at, pair = row[on_pair], place[on_pair]
    toggled = np.where(edges[at, one[pair], other[pair]] > 0, 0, 1)
    edges[at, one[pair], other[pair]] = edges[at, other[pair], one[pair]] = toggled
    at, node = row[~on_pair], place[~on_pair] - len(one)
    types[at, node] = (types[at, node] + rng.integers(1, max(n_types, 2), len(node))) % n_types
    return Graphs(types, edges)


def nearest_graphs(
    classifier: GraphClassifier, graphs: Graphs, known: Graphs, *, candidates: int = 200, seed: int = 0
) -> Graphs:
    """Find for each graph the nearest known graph that is predicted to be of the other class, aligned to it.

    Parameters
    ----------
    classifier : GraphClassifier
    graphs : Graphs
    known : Graphs
        Training graphs, with as many places.
    candidates : int
        Known graphs of each class that are tried, drawn once.
    seed : int

    Raises
    ------
    InputError
        No known graph is predicted to be of a class, or the seed is no whole number of at least 0.
    """
    check_seed("seed", seed)
    rng, of_known = np.random.default_rng(seed), predicted(classifier, known)
    pools = [rng.permutation(np.flatnonzero(of_known == label))[:candidates] for label in (0, 1)]
    if not all(map(len, pools)):
        raise InputError("known", "all are predicted to be of one class", "Give graphs of both, see `balanced`")
    targets = 1 - predicted(classifier, graphs)
    types, edges = graphs.types.copy(), graphs.edges.copy()
    for i, target in enumerate(targets):
        pool = Graphs(*(part[pools[target]] for part in known))
        found = edit_bounds(Graphs(graphs.types[i : i + 1], graphs.edges[i : i + 1]), pool)
        best = int(found.upper.argmin())
        near = arranged(Graphs(*(part[best : best + 1] for part in pool)), found.order[best : best + 1])
        types[i], edges[i] = near.types[0], near.edges[0]
    return Graphs(types, edges)


def sampled_graphs(autoencoder: GraphVAE, graphs: Graphs, *, seed: int = 0) -> Graphs:
    """Decode codes drawn from the prior, N(0, 1), to hard graphs with as many nodes as the given ones."""
    check_seed("seed", seed)
    mask = torch.as_tensor(graphs.types >= 0, device=next(autoencoder.parameters()).device)
    drawn = np.random.default_rng(seed).standard_normal((*mask.shape, autoencoder.latent)).astype(np.float32)
    with torch.inference_mode():
        code = torch.as_tensor(drawn, device=mask.device) * mask[..., None]
        return numbered_graphs(hard_graphs(*autoencoder.decode(code, mask), mask))


def greedy_search(classifier: GraphClassifier, graphs: Graphs, *, most: int = 6) -> Graphs:
    """Make the edit that changes the probability most, edge or node type, until the class flips or `most` are made."""
    types, edges = graphs.types.copy(), graphs.edges.copy()
    wanted = 1 - predicted(classifier, graphs)
    going, kinds = np.arange(len(types)), (classifier.n_types, classifier.n_kinds)
    for _ in range(most):
        for i in going:
            options = one_edit(Graphs(types[i : i + 1], edges[i : i + 1]), *kinds)
            chance = predict_graphs(classifier, options)
            best = int((chance if wanted[i] else -chance).argmax())
            types[i], edges[i] = options.types[best], options.edges[best]
        going = going[predicted(classifier, Graphs(types[going], edges[going])) != wanted[going]]
        if not len(going):
            break
    return Graphs(types, edges)


def bidirectional_search(classifier: GraphClassifier, graphs: Graphs, *, most: int = 20, seed: int = 0) -> Graphs:
    """Find graphs of the other class by edits at random, and undo each edit that the flip does not need.

    In the style of the oblivious search of Abrate and Bonchi 2021 (arXiv 2106.08640) for brain networks: types of nodes
    stay. An edge is removed and one is added by turns, so that their number stays nearly the same. All graphs
    take each step in one batch.

    Parameters
    ----------
    classifier : GraphClassifier
    graphs : Graphs
    most : int
        Most edits on the way out. A graph that has not flipped by then is returned as it is after them.
    seed : int
    """
    check_seed("seed", seed)
    rng, there = np.random.default_rng((seed, 5)), graphs.types >= 0
    one, other = np.triu_indices(graphs.types.shape[1], 1)
    possible, before = there[:, one] & there[:, other], graphs.edges[:, one, other]
    chance = rng.random(before.shape) + 2 * ~possible
    ranks = [np.where(part, chance, 4).argsort(1).argsort(1) for part in (before > 0, before == 0)]
    turns = np.where(before > 0, 2 * ranks[0], 2 * ranks[1] + 1).argsort(1)[:, :most].T
    rows, wanted = np.arange(len(before)), 1 - predicted(classifier, graphs)

    def edited(changed: np.ndarray) -> Graphs:
        edges = graphs.edges.copy()
        edges[:, one, other] = edges[:, other, one] = np.where(changed, before == 0, before)
        return Graphs(graphs.types, edges)

    changed, done = np.zeros(before.shape, bool), np.zeros(len(before), bool)
    for pair in turns:
        changed[rows, pair] = ~done & possible[rows, pair]
        done = predicted(classifier, edited(changed)) == wanted
    for pair in turns:
        without = changed.copy()
        without[rows, pair] = False
        spared = done & (predicted(classifier, edited(without)) == wanted)
        changed[spared] = without[spared]
    return edited(changed)


def one_edit(graph: Graphs, n_types: int, n_kinds: int = 1) -> Graphs:
    """List all graphs that differ from one graph, given as a batch of one, by an edge, its type or that of a node."""
    places = np.flatnonzero(graph.types[0] >= 0)
    one, other = np.repeat(places[np.array(np.triu_indices(len(places), 1))], n_kinds, 1)
    node, kind = np.repeat(places, n_types - 1), np.tile(np.arange(1, n_types), len(places))
    links, total = np.arange(len(one)), len(one) + len(node)
    types, edges = np.repeat(graph.types, total, 0), np.repeat(graph.edges, total, 0)
    changed = (graph.edges[0, one, other] + 1 + links % n_kinds) % (n_kinds + 1)
    edges[links, one, other] = edges[links, other, one] = changed
    types[len(one) + np.arange(len(node)), node] = (graph.types[0, node] + kind) % n_types
    return Graphs(types, edges)


def flipped_by_all(classifier: GraphClassifier, graphs: Graphs, *, most: int = 2) -> np.ndarray:
    """Find by complete search the fewest edits that flip the class of each graph, or `most` + 1 if these are more.

    Returns
    -------
    ndarray of int, shape (n,)
        No counterfactual has fewer edits: an exact bound from below, whatever the method.

    Raises
    ------
    InputError
        `most` is not 1 or 2.
    """
    check_choice("most", most, (1, 2))
    before = predicted(classifier, graphs)
    fewest, kinds = np.full(len(before), most + 1), (classifier.n_types, classifier.n_kinds)
    for i, now in enumerate(before):
        tried = one_edit(Graphs(graphs.types[i : i + 1], graphs.edges[i : i + 1]), *kinds)
        if (predicted(classifier, tried) != now).any():
            fewest[i] = 1
        elif most >= 2:
            pairs = [one_edit(Graphs(t[None], e[None]), *kinds) for t, e in zip(*tried, strict=True)]
            both = Graphs(*(np.concatenate(parts) for parts in zip(*pairs, strict=True)))
            fewest[i] = 2 if (predicted(classifier, both) != now).any() else most + 1
    return fewest
