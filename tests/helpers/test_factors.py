"""Factors: worlds plant what they promise, and tables, graphs and cells are read as written, or refused by name."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers import datasets, stats
from helpers.datasets.factors import layout
from helpers.errors import InputError

WORLDS = [world for world in datasets.FACTOR_WORLDS if world not in ("group",)]


@pytest.mark.parametrize("world", WORLDS)
def test_variances_are_one_and_columns_show_no_order(world):
    drawn = [datasets.draw_factors(world, 500, d=5, seed=seed) for seed in range(30)]
    variance = np.concatenate([d.values.var().to_numpy() for d in drawn])
    assert abs(variance.mean() - 1) < 0.05
    forward = sum(np.triu(d.graph).sum() for d in drawn)
    edges = sum(d.graph.sum() for d in drawn)
    assert (edges == 0) == (world == "independent")
    assert all(d.graph.any() or world == "independent" for d in drawn)
    if edges:
        assert abs(forward / edges - 0.5) < 0.2
    for d in drawn:
        stats.check_graph(d.graph)


@pytest.mark.parametrize("world", ["bounded", "linear", "heavy"])
def test_causes_have_their_share_of_the_variance(world):
    """A factor without its noise: the same draw with another share keeps noise and effect, up to their weights."""
    shares = []
    for seed in range(10):
        low, high = (datasets.draw_factors(world, 4_000, d=2, edges=1.0, share=s, seed=seed) for s in (0.2, 0.8))
        k = int(low.graph.any(axis=0).argmax())
        a, b = low.values.iloc[:, k], high.values.iloc[:, k]
        effect = (b / np.sqrt(0.2) - a / np.sqrt(0.8)) / (2 - 0.5)  # in units of itself
        shares.append(effect.var(ddof=0))
    assert np.mean(shares) == pytest.approx(1, abs=1e-6)


def test_a_hidden_cause_relates_factors_without_an_edge():
    """A factor that no edge touches is related to the others only by what is hidden."""
    found = {}
    for world in ("bounded", "confounded"):
        related = []
        for seed in range(20):
            drawn = datasets.draw_factors(world, 4_000, d=3, edges=0.1, seed=seed)
            alone = [k for k in range(3) if not drawn.graph[k].any() and not drawn.graph[:, k].any()]
            if not alone:
                continue
            related += [abs(np.corrcoef(drawn.values.to_numpy().T)[alone[0], k]) for k in range(3) if k != alone[0]]
        found[world] = np.mean(related)
    assert found["confounded"] > 3 * found["bounded"]


def test_the_gap_of_the_group_is_that_of_its_mechanism():
    drawn = datasets.draw_factors("group", 100_000, seed=3)
    sex, finding = drawn.values["sex"], drawn.values["finding"]
    difference = finding[sex == 1].mean() - finding[sex == 0].mean()
    assert drawn.gap == pytest.approx(difference, abs=0.03) and abs(drawn.gap) > 0.3
    assert set(sex) == {0, 1} and drawn.values.columns.tolist() == ["sex", "heart size", "finding", "brightness"]
    assert drawn.graph.sum() == 3 and not drawn.graph[:, 0].any()


def test_draws_depend_on_the_seed_alone():
    one, same, other = (datasets.draw_factors("bounded", seed=seed).values for seed in (1, 1, 2))
    assert one.equals(same) and not one.equals(other)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"world": "bound"}, "Did you mean bounded"),
        ({"world": "bounded", "n": 49}, "49 cases are too few"),
        ({"world": "bounded", "d": 1}, "1 is not from 2 to 30"),
        ({"world": "bounded", "share": 1.0}, "between 0 and 1"),
        ({"world": "bounded", "edges": 0}, "no probability above 0"),
        ({"world": "bounded", "seed": -1}, "seed"),
    ],
)
def test_no_world(options, words):
    with pytest.raises(InputError, match=words):
        datasets.draw_factors(**options)


@pytest.mark.parametrize("factor", range(4))
def test_each_factor_moves_the_drawing_and_can_be_read_from_it(factor):
    rng = np.random.default_rng(factor)
    values = rng.standard_normal((400, 4))
    pictures = datasets.draw_chests(values, seed=1)
    assert pictures.shape == (400, 1, 16, 16) and pictures.dtype == np.uint8
    flat = pictures.reshape(400, -1).astype(float)
    explained = stats.predicted_linearly(flat[:, flat.std(axis=0) > 1], values)[1]
    assert explained[factor] > 0.8
    with pytest.raises(InputError, match="4 can be drawn"):
        datasets.draw_chests(np.zeros((3, 5)))


@pytest.fixture
def written(tmp_path):
    return datasets.simulate_factors("bounded", 120, d=3, seed=4, folder=tmp_path)


def test_what_is_written_is_read_again(written):
    drawn = datasets.draw_factors("bounded", 120, d=3, seed=4)
    loaded = datasets.load_factors(written / "factors.csv", written / "graph.csv")
    assert np.allclose(loaded.values, drawn.values) and (loaded.graph == drawn.graph).all()
    assert loaded.values.columns.tolist() == drawn.values.columns.tolist() and not len(loaded.dropped)
    assert datasets.load_factors(written / "factors.csv").graph is None
    assert json.loads((written / "truth.json").read_text())["arguments"]["world"] == "bounded"


def test_names_of_a_graph_may_come_in_another_order(written):
    graph = pd.read_csv(written / "graph.csv", index_col=0)
    expected = datasets.load_factors(written / "factors.csv", written / "graph.csv").graph
    turned = graph.iloc[::-1, [1, 2, 0]]
    turned.to_csv(written / "turned.csv")
    assert (datasets.load_factors(written / "factors.csv", written / "turned.csv").graph == expected).all()
    graph.to_csv(written / "bare.csv", index=False)
    assert (datasets.load_factors(written / "factors.csv", written / "bare.csv").graph == expected).all()


@pytest.mark.parametrize("words", [("no", "yes"), ("False", "True"), ("0.0", "1.0"), ("NO", "Yes")])
def test_a_graph_may_be_written_in_words(words, written):
    expected = datasets.load_factors(written / "factors.csv", written / "graph.csv").graph
    pd.read_csv(written / "graph.csv", index_col=0).replace(dict(enumerate(words))).to_csv(written / "words.csv")
    found = datasets.load_factors(written / "factors.csv", written / "words.csv").graph
    assert found.any() and (found == expected).all()


def test_a_hundred_rows_are_enough(written):
    pd.read_csv(written / "factors.csv").head(100).to_csv(written / "factors.csv", index=False)
    assert len(datasets.load_factors(written / "factors.csv").values) == 100


def test_rows_with_an_empty_cell_are_counted(written):
    frame = pd.read_csv(written / "factors.csv")
    frame.iloc[[3, 5], 1] = np.nan
    frame.to_csv(written / "factors.csv", index=False)
    loaded = datasets.load_factors(written / "factors.csv")
    assert len(loaded.values) == 118 and loaded.dropped["n"].tolist() == [2]


def change(frame: pd.DataFrame, **columns) -> pd.DataFrame:
    return frame.assign(**{name.replace("_", " "): value for name, value in columns.items()})


@pytest.mark.parametrize(
    ("table", "graph", "words"),
    [
        (lambda f: change(f, factor_1="big"), None, r"factors.csv, row 2, column factor 1: 'big' is no number"),
        (lambda f: change(f, factor_2=1), None, "factor factor 2: all values are equal"),
        (lambda f: change(f, factor_3=f["factor 1"]), None, "factor factor 3: it equals factor 1"),
        (lambda f: f.head(99), None, "factors.csv: 99 rows without an empty cell are too few .* Give 100 or more"),
        (lambda f: f.assign(**{"factor 1": f["factor 1"].where(f.index < 60)}), None, "60 rows without an empty cell"),
        (lambda f: f[["factor 1"]], None, "2 or more"),
        (None, lambda g: g.rename(columns={"factor 1": "age"}), "its columns and the factors differ: age, factor 1"),
        (None, lambda g: g.rename(index={"factor 1": "age"}), "differ"),
        (None, lambda g: g.drop(index="factor 1"), "its rows and the factors differ: factor 1"),
        (None, lambda g: g.replace({0: 1}), "cycle"),
        (None, lambda g: g.replace({0: 2}), "row factor 1, column factor 1: '2' is neither 1 nor 0"),
        (None, lambda g: g.replace({0: "x"}), "'x' is neither 1 nor 0. Write 1 for an edge, and 0 for none"),
        (None, lambda g: g.replace({0: None}), "graph.csv, row .* the cell is empty"),
    ],
)
def test_bad_tables_and_graphs(table, graph, words, written):
    if table:
        table(pd.read_csv(written / "factors.csv")).to_csv(written / "factors.csv", index=False)
    if graph:
        graph(pd.read_csv(written / "graph.csv", index_col=0)).to_csv(written / "graph.csv")
    with pytest.raises(InputError, match=words):
        datasets.load_factors(written / "factors.csv", written / "graph.csv")


@pytest.fixture
def cells(tmp_path):
    return datasets.simulate_cells(900, seed=1, folder=tmp_path)


def test_simulated_cells_are_read_with_their_graphs(cells):
    loaded = datasets.load_cells(cells)
    assert loaded.values.columns.tolist() == [*layout.PROTEINS, "condition"]
    assert loaded.values["condition"].value_counts().eq(100).all()
    assert (loaded.values[list(layout.PROTEINS)] >= np.log(10)).all(axis=None)
    assert loaded.graphs["twenty"].sum() == 20
    assert stats.check_graph(loaded.graphs["twenty"]).any()
    with pytest.raises(InputError, match="cycle"):
        stats.check_graph(loaded.graphs["eighteen"], layout.PROTEINS)


@pytest.mark.parametrize("words", [("no", "yes"), ("0", "1"), ("FALSE", "TRUE")])
def test_graphs_of_cells_may_be_written_in_words(words, cells):
    expected = datasets.load_cells(cells).graphs
    graph = pd.read_csv(cells / "graph.csv", dtype=str)
    graph.replace(dict(zip(("False", "True"), words, strict=True))).to_csv(cells / "graph.csv", index=False)
    found = datasets.load_cells(cells).graphs
    assert expected["twenty"].any() and all((found[name] == expected[name]).all() for name in expected)
    graph.replace({"True": "edge"}).to_csv(cells / "graph.csv", index=False)
    with pytest.raises(InputError, match=r"graph.csv, row 2, column twenty: 'edge' is neither 1 nor 0"):
        datasets.load_cells(cells)


def test_order_of_proteins_agrees_with_the_edges():
    place = {name: k for k, name in enumerate(layout.CAUSES_FIRST)}
    assert sorted(layout.CAUSES_FIRST) == sorted(layout.PROTEINS)
    assert all(place[cause] < place[effect] for cause, effect in layout.TWENTY)


def test_bad_cells(cells):
    table = pd.read_csv(cells / "cells.csv")
    table.assign(raf=-1.0).head(60).to_csv(cells / "cells.csv", index=False)
    assert datasets.load_cells(cells).dropped["n"].tolist() == [60]
    table.drop(columns="raf").to_csv(cells / "cells.csv", index=False)
    with pytest.raises(InputError, match="no column 'raf'"):
        datasets.load_cells(cells)
    table.to_csv(cells / "cells.csv", index=False)
    (cells / "graph.csv").write_text("cause,effect,twenty\nraf,mekk,True\n")
    with pytest.raises(InputError, match="mekk is no protein"):
        datasets.load_cells(cells)


def test_the_real_cells_and_their_traps(real):
    """The counts of the list of origin, from the rows themselves."""
    loaded = datasets.load_cells(real("sachs"))
    assert len(loaded.values) == 7_466 and not len(loaded.dropped)
    assert (loaded.values["condition"] == datasets.OBSERVED_CELLS).sum() == 853
    assert {name: int(graph.sum()) for name, graph in loaded.graphs.items()} == {
        "twenty": 20,
        "seventeen": 17,
        "eighteen": 18,
    }
    one, other = layout.PROTEINS.index("pip3"), layout.PROTEINS.index("plc")
    assert [bool(graph[one, other]) for graph in loaded.graphs.values()] == [True, False, True]
    with pytest.raises(InputError, match="cycle"):
        stats.check_graph(loaded.graphs["eighteen"], layout.PROTEINS)
    order = stats.trivial_order(loaded.values[list(layout.PROTEINS)], "R2")
    assert stats.edges_reversed(order, loaded.graphs["twenty"]) == (4, 20)
    known = [(cause, effect) for cause, effect in layout.TWENTY]
    graph = loaded.graphs["twenty"]
    assert all(graph[layout.PROTEINS.index(a), layout.PROTEINS.index(b)] for a, b in known)
