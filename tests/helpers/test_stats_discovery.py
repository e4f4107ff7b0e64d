"""The small PC algorithm: known graphs, rules of direction, the test against a regression, and causal-learn."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from helpers import stats
from helpers.errors import InputError
from helpers.stats.discovery import _directed


def linear(graph: np.ndarray, n: int = 4_000, seed: int = 0) -> np.ndarray:
    """Draw from a linear model of a graph whose columns are in order."""
    rng = np.random.default_rng(seed)
    weights = np.where(graph, rng.uniform(0.5, 1, graph.shape) * rng.choice([-1, 1], graph.shape), 0)
    values = np.zeros((n, len(graph)))
    for k in range(len(graph)):
        values[:, k] = values @ weights[:, k] + rng.standard_normal(n)
    return values


def edges(*pairs, d: int = 4) -> np.ndarray:
    graph = np.zeros((d, d), bool)
    for one, other in pairs:
        graph[one, other] = True
    return graph


def test_a_collider_and_what_follows_from_it_are_directed():
    graph = edges((0, 2), (1, 2), (2, 3))
    assert (stats.pc_graph(linear(graph), alpha=0.01) == graph).all()


def test_a_chain_has_no_direction():
    graph = edges((0, 1), (1, 2), d=3)
    found = stats.pc_graph(linear(graph), alpha=0.01)
    assert (found == (graph | graph.T)).all()
    assert stats.wrong_arrows(found, graph) == (0, 0, 2)


def test_independent_columns_have_no_edge_but_by_chance():
    values = np.random.default_rng(1).standard_normal((60, 500, 3))
    found = [stats.pc_graph(part).any() for part in values]
    assert np.mean(found) < 0.3  # three tests at 5%


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (edges((0, 1), (1, 2), (2, 1), d=3), edges((0, 1), (1, 2), d=3)),
        (edges((0, 1), (1, 2), (0, 2), (2, 0), d=3), edges((0, 1), (1, 2), (0, 2), d=3)),
        (
            edges((0, 1), (1, 0), (0, 2), (2, 0), (0, 3), (3, 0), (1, 3), (2, 3)),
            edges((0, 1), (1, 0), (0, 2), (2, 0), (0, 3), (1, 3), (2, 3)),
        ),
    ],
)
def test_each_rule_of_meek(before, after):
    assert (_directed(before) == after).all()


def test_the_test_is_that_of_a_partial_correlation():
    values = linear(edges((0, 1), (0, 2), (1, 3), (2, 3)), n=200)
    design = np.column_stack([np.ones(200), values[:, 2:]])
    left, right = (values[:, k] - design @ np.linalg.lstsq(design, values[:, k], rcond=None)[0] for k in (0, 1))
    z = np.sqrt(200 - 2 - 3) * np.arctanh(np.corrcoef(left, right)[0, 1])
    found = stats.fisher_z(np.corrcoef(values.T), 0, 1, (2, 3), 200)
    assert found == pytest.approx(2 * scipy_stats.norm.sf(abs(z)), rel=1e-9)


def test_arrows_are_counted_with_their_number():
    true = edges((0, 1), (1, 2), d=3)
    found = edges((1, 0), (1, 2), (0, 2), (2, 0), d=3)
    assert stats.wrong_arrows(found, true) == (1, 2, 3)
    assert stats.wrong_arrows(np.zeros((3, 3)), true) == (0, 0, 0)
    with pytest.raises(InputError, match="Give graphs of one size"):
        stats.wrong_arrows(np.zeros((2, 2)), true)


def test_the_order_of_columns_does_not_matter():
    graph = edges((0, 2), (1, 2), (2, 3))
    values, names = linear(graph, n=300, seed=3), np.array([3, 1, 0, 2])
    found = stats.pc_graph(values)
    again = stats.pc_graph(values[:, names])
    assert ((found | found.T)[np.ix_(names, names)] == (again | again.T)).all()


def test_bad_input():
    with pytest.raises(InputError, match="at most 8"):
        stats.pc_graph(np.random.default_rng(0).standard_normal((60, 9)))
    with pytest.raises(InputError, match="alpha"):
        stats.pc_graph(np.random.default_rng(0).standard_normal((60, 3)), alpha=1)


def test_causal_learn_finds_the_same_edges_and_colliders():
    """On random graphs of five variables: all edges, and arrows wherever no two colliders disagree."""
    pc = pytest.importorskip("causallearn.search.ConstraintBased.PC", reason="the extra causal is not installed").pc
    rng, same = np.random.default_rng(0), []
    for seed in range(20):
        graph = np.triu(rng.random((5, 5)) < 0.5, 1)
        values = linear(graph, n=2_000, seed=seed)
        theirs = pc(values, alpha=0.05, indep_test="fisherz", show_progress=False, verbose=False).G.graph
        found = stats.pc_graph(values)
        for i, j in combinations(range(5), 2):
            assert bool(theirs[i, j]) == bool(found[i, j] or found[j, i]), (seed, i, j)
        arrows = (theirs == -1) & (theirs.T == 1)  # a tail at i and a head at j
        same.append((arrows == (found & ~found.T)).all())
    assert np.mean(same) >= 0.8
