"""Orders against graphs: reversed edges by hand, cycles, trivial orders, and pairs that halves of the rows agree on."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from helpers import stats
from helpers.errors import InputError

CHAIN = np.array([[0, 1, 1], [0, 0, 1], [0, 0, 0]])


def table(n: int = 200, d: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d))


@pytest.mark.parametrize(("order", "count"), [([0, 1, 2], 0), ([2, 1, 0], 3), ([1, 0, 2], 1), ([0, 2, 1], 1)])
def test_edges_reversed_by_hand(order, count):
    found = stats.edges_reversed(order, CHAIN)
    assert found == (count, 3) and found.share == count / 3


def test_random_orders_reverse_half_of_the_edges():
    rng = np.random.default_rng(0)
    graph = np.triu(rng.random((6, 6)) < 0.4, 1)
    shares = [stats.edges_reversed(rng.permutation(6), graph).share for _ in range(2_000)]
    assert abs(np.mean(shares) - 0.5) < 4 * np.std(shares) / np.sqrt(2_000)


def test_a_graph_without_edges_has_no_share():
    assert stats.edges_reversed([0, 1], np.zeros((2, 2))) == (0, 0)
    assert stats.edges_reversed([0, 1], np.zeros((2, 2))).share is None


def test_the_order_of_a_graph_agrees_with_it():
    rng = np.random.default_rng(1)
    for _ in range(20):
        names = rng.permutation(7)
        graph = np.triu(rng.random((7, 7)) < 0.5, 1)[np.ix_(names, names)]
        assert stats.edges_reversed(stats.graph_order(graph), graph).count == 0


def test_a_cycle_is_named():
    graph = np.zeros((4, 4))
    graph[0, 1] = graph[1, 2] = graph[2, 0] = graph[2, 3] = 1
    with pytest.raises(InputError, match="cycle, ") as caught:
        stats.check_graph(graph, ["a", "b", "c", "d"])
    path = caught.value.problem.removeprefix("it has a cycle, ").partition(",")[0].split(" > ")
    assert path[0] == path[-1] and sorted(path[1:]) == ["a", "b", "c"]
    assert all(graph["abcd".index(one), "abcd".index(other)] for one, other in pairwise(path))


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (np.zeros((2, 3)), "not square"),
        ([[0, 2], [0, 0]], "other than 0 and 1"),
        ([["a"]], "not numbers"),
        ([[1]], "cycle, 0 > 0"),
    ],
)
def test_no_graph(graph, words):
    with pytest.raises(InputError, match=words):
        stats.check_graph(graph)


def test_no_order():
    with pytest.raises(InputError, match="does not list 3 variables"):
        stats.edges_reversed([0, 1, 1], CHAIN)


def spoiled(change) -> pd.DataFrame:
    frame = pd.DataFrame(table(), columns=["age", "size", "dose"])
    change(frame)
    return frame


@pytest.mark.parametrize(
    ("factors", "words"),
    [
        (spoiled(lambda f: f.__setitem__("size", 2.0)), "factor size: all values are equal"),
        (spoiled(lambda f: f.__setitem__("dose", 3 - 2 * f["age"])), "factor dose: it equals age"),
        (spoiled(lambda f: f.__setitem__("age", np.nan)), "factor age: 200 values are NaN"),
        (spoiled(lambda f: f.__setitem__("age", np.inf)), "factor age: 200 values are NaN or infinite"),
        (spoiled(lambda f: f.__setitem__("dose", 1e200 * f["dose"])), r"factor dose: values that span \de\+200 cannot"),
        (spoiled(lambda f: f.__setitem__("dose", 1e308 * np.sign(f["dose"]))), "factor dose: values that span inf"),
        (spoiled(lambda f: f.__setitem__("dose", 1e-200 * f["dose"])), r"factor dose: values that span \de-200 cannot"),
        (np.repeat(table(), [101] + [1] * 199, axis=0)[:200], "factors: 101 of 200 rows are equal"),
        (np.repeat(table(), [100] + [1] * 199, axis=0)[:200], "factors: 100 of 200 rows are equal"),
        (table(49), "49 rows are too few"),
        (table(d=1), r"expected \(n, 2 or more\)"),
        ([["x", "y"]] * 60, "not numbers"),
    ],
)
def test_no_table_of_factors(factors, words):
    with pytest.raises(InputError, match=words):
        stats.check_factors(factors)


def test_trivial_orders_sort_by_their_value():
    rng = np.random.default_rng(0)
    first = rng.standard_normal(5_000)
    second = first + rng.standard_normal(5_000)
    third = 0.1 * second + 0.5 * rng.standard_normal(5_000)
    values = np.column_stack([third, second, first])
    assert stats.trivial_order(values, "variance").tolist() == [0, 2, 1]
    assert stats.trivial_order(values, "variance", falling=True).tolist() == [1, 2, 0]
    explained = stats.explained_by_others(values)
    for k in range(3):  # against a regression
        others = np.column_stack([np.ones(5_000), np.delete(values, k, 1)])
        left = values[:, k] - others @ np.linalg.lstsq(others, values[:, k], rcond=None)[0]
        assert explained[k] == pytest.approx(1 - left.var() / values[:, k].var(), abs=1e-9)
    assert stats.trivial_order(values, "R2").tolist() == np.argsort(explained).tolist()
    with pytest.raises(InputError, match="variance or R2"):
        stats.trivial_order(values, "mean")


def test_agreement_of_orders():
    assert stats.order_agreement([[0, 1, 2], [0, 1, 2]]) == 1
    assert stats.order_agreement([[0, 1, 2], [2, 1, 0]]) == -1
    assert stats.order_agreement([[0, 1, 2], [1, 0, 2]]) == pytest.approx(1 / 3)
    with pytest.raises(InputError, match="cannot agree"):
        stats.order_agreement([[0, 1]])


def by_mean(values: np.ndarray) -> np.ndarray:
    return np.argsort(values.mean(axis=0))


def test_pairs_far_apart_are_ordered_and_equal_ones_rarely():
    """An order by means: its level can be computed, since means are normal."""
    called = []
    for seed in range(60):
        values = table(400, 3, seed)
        values[:, 2] += 1
        found = stats.ordered_pairs(values, by_mean, seed=seed).set_index(["first", "second"])
        assert found.loc[(0, 2), "ordered"] and found.loc[(0, 2), "share"] == 1
        called.append(found.loc[(0, 1), "ordered"])
    assert np.mean(called) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)


def test_halves_hold_no_row_twice():
    seen = []
    values = np.arange(400.0).reshape(200, 2) % 7 + np.arange(200)[:, None]
    values[:, 1] += np.random.default_rng(0).random(200)
    stats.ordered_pairs(values, lambda part: (seen.append(part), [0, 1])[1])
    assert len(seen) == 40 and all(len(np.unique(part[:, 0])) == len(part) == 100 for part in seen)


def test_less_than_half_of_the_rows_may_be_equal():
    values = np.repeat(table(), [99] + [1] * 199, axis=0)[:200]
    assert (stats.check_factors(values) == values).all()


@pytest.mark.parametrize("level", [0, -1, 1, float("nan")])
def test_no_level(level):
    with pytest.raises(InputError, match=f"level: {level!r} is not between 0 and 1"):
        stats.ordered_pairs(table(), by_mean, level=level)


def test_halves_need_a_hundred_rows():
    assert len(stats.ordered_pairs(table(100), by_mean)) == 3
    with pytest.raises(InputError, match="99 rows are too few"):
        stats.ordered_pairs(table(99), by_mean)


def test_too_few_halves():
    with pytest.raises(InputError, match="Give 40 or more"):
        stats.ordered_pairs(table(), by_mean, n_subsamples=39)
