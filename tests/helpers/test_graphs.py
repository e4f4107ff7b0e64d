"""Loading collections of graphs in both layouts, and simulating them with a planted motif or marker."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from helpers import datasets
from helpers.datasets.graphs import layout, population
from helpers.datasets.graphs.simulator import NAME
from helpers.errors import InputError
from helpers.metrics.graphs import Graphs, graph_facts
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return datasets.simulate_graphs("shortcut", 60, seed=3, folder=tmp_path_factory.mktemp("made"))


@pytest.fixture
def root(made, tmp_path) -> Path:
    """A copy of the simulated folder that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "collection"))


@pytest.fixture(scope="module")
def brains(tmp_path_factory) -> Path:
    return datasets.simulate_connectomes(12, regions=12, seed=1, folder=tmp_path_factory.mktemp("brains"))


def lines_of(root: Path, ending: str) -> list[str]:
    return (root / f"{NAME}{ending}").read_text().splitlines()


def write(root: Path, ending: str, lines, name: str = NAME) -> None:
    (root / f"{name}{ending}").write_text("\n".join(map(str, lines)) + "\n")


def renamed(root: Path, name: str) -> Path:
    for file in root.glob(f"{NAME}_*"):
        file.rename(root / file.name.replace(NAME, name))
    return root


def collection(root: Path, name: str, graphs: list[tuple[list[int], list[tuple[int, int]], int]]) -> Path:
    """Write graphs, each as types of its nodes, edges, and label."""
    arcs, indicator, types, start = [], [], [], 0
    for number, (kinds, edges, _) in enumerate(graphs, 1):
        arcs += [f"{start + a + 1}, {start + b + 1}" for pair in edges for a, b in (pair, pair[::-1])]
        indicator += [number] * len(kinds)
        types += kinds
        start += len(kinds)
    for ending, lines in (
        (layout.ARCS, arcs),
        (layout.INDICATOR, indicator),
        (layout.NODE_LABELS, types),
        (layout.LABELS, [label for *_, label in graphs]),
    ):
        write(root, ending, lines, name)
    return root


def test_loader_gives_what_was_drawn(made):
    loaded = datasets.load_graphs(made)
    drawn = pd.read_csv(made / datasets.CASES)
    groups = pd.read_csv(made / layout.GROUPS)
    assert tuple(loaded.cases) == layout.CASE_COLUMNS and loaded.dropped.empty
    assert (loaded.cases["label"] == np.array(lines_of(made, layout.LABELS), int)).all()
    assert ((graph_facts(loaded.graphs)["triangles"] == 1) == (drawn["motif"] == 1)).all()
    assert ((loaded.graphs.types == 1).sum(1) == drawn["marker"]).all()
    assert (loaded.cases["sex"] == groups["sex"]).all() and (loaded.cases["site"] == groups["site"]).all()


@pytest.mark.parametrize("world", datasets.GRAPH_WORLDS)
def test_numbers_of_nodes_and_edges_give_nothing_away(world, tmp_path):
    loaded = datasets.load_graphs(datasets.simulate_graphs(world, 40, nodes=9, folder=tmp_path))
    facts = graph_facts(loaded.graphs)
    assert set(loaded.cases["nodes"]) == set(loaded.cases["edges"]) == {9}
    assert facts["connected"].all() and loaded.cases["label"].mean() == 0.5


@pytest.mark.parametrize(
    ("world", "motif", "marker"),
    [("motif", (1, 1), (0.4, 0.6)), ("shortcut", (0.7, 0.9), (0.93, 1)), ("null", (0.4, 0.6), (0.4, 0.6))],
)
def test_a_world_is_what_its_name_says(world, motif, marker):
    """Bounds are over four standard errors from the planted shares."""
    cases = population.draw(np.random.default_rng(0), world, 900, 8).cases
    for name, (low, high) in {"motif": motif, "marker": marker}.items():
        assert low <= (cases[name] == cases["label"]).mean() <= high


def test_the_shortcut_of_a_group_is_in_women_alone():
    cases = population.draw(np.random.default_rng(0), "group", 900, 8).cases
    agrees = (cases["marker"] == cases["label"]).groupby(cases["sex"]).mean()
    assert agrees["female"] > 0.93 and 0.4 < agrees["male"] < 0.6
    assert (cases["motif"] == cases["label"])[cases["sex"] == "male"].all()


def test_all_trees_are_equally_likely():
    """Four nodes have 16 labelled trees: bounds are over four standard errors from 100 of each."""
    trees = population.random_trees(np.random.default_rng(0), 1600, 4)
    counts = np.unique(trees.reshape(1600, -1), axis=0, return_counts=True)[1]
    assert len(counts) == 16 and counts.min() > 55 and counts.max() < 145
    assert all(
        nx.is_tree(nx.from_numpy_array(tree)) for tree in population.random_trees(np.random.default_rng(1), 9, 7)
    )


def test_facts_are_those_of_networkx():
    rng = np.random.default_rng(0)
    upper = np.triu(rng.random((30, 8, 8)) < 0.25, 1).astype(int)
    types = np.where(np.arange(8) < rng.integers(1, 9, 30)[:, None], 0, -1)
    there = (types >= 0)[:, :, None] & (types >= 0)[:, None]
    graphs = Graphs(types, (upper + upper.transpose(0, 2, 1)) * there)
    found = graph_facts(graphs)
    for i, (kinds, edges) in enumerate(zip(*graphs, strict=True)):
        graph = nx.from_numpy_array(edges[: (kinds >= 0).sum(), : (kinds >= 0).sum()])
        assert found["nodes"][i] == len(graph) and found["edges"][i] == graph.number_of_edges()
        assert found["triangles"][i] == sum(nx.triangles(graph).values()) // 3
        assert found["connected"][i] == nx.is_connected(graph)


@pytest.mark.parametrize(("name", "code"), [("MUTAG", 1), ("Mutagenicity", 0), ("AIDS", 0)])
def test_label_1_is_the_class_of_interest_in_each_collection(name, code, tmp_path):
    """The class that means mutagenic is 1 in MUTAG and 0 in Mutagenicity."""
    other = {"MUTAG": -1}.get(name, 1)
    graphs = [([0, 1], [(0, 1)], code), ([0, 0, 0], [(0, 1), (1, 2)], other)]
    loaded = datasets.load_graphs(collection(tmp_path, name, graphs))
    assert loaded.cases["label"].tolist() == [1, 0] and loaded.positive in {"mutagenic", "active"}
    assert loaded.node_names[:2] == (("C", "N") if name == "MUTAG" else ("0", "1"))


@pytest.mark.parametrize("name", ["mutagenicity", "MUTAGENICITY"])
def test_a_collection_is_known_in_other_letters_too(name, tmp_path):
    graphs = [([0, 1], [(0, 1)], 0), ([0, 0, 0], [(0, 1), (1, 2)], 1)]
    loaded = datasets.load_graphs(collection(tmp_path, name, graphs))
    assert loaded.positive == "mutagenic" and loaded.cases["label"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("name", "codes", "message"),
    [
        ("MUTAG", (-1, 0), "MUTAG_graph_labels.txt: holds the classes -1 and 0, and mutagenic is 1 in MUTAG"),
        ("aids", (2, 5), "aids_graph_labels.txt: holds the classes 2 and 5, and active is 0 in aids"),
    ],
)
def test_labels_without_the_class_of_interest_are_refused_as_labels(name, codes, message, tmp_path):
    graphs = [([0, 1], [(0, 1)], codes[0]), ([0, 0, 0], [(0, 1), (1, 2)], codes[1])]
    with pytest.raises(InputError, match=message):
        datasets.load_graphs(collection(tmp_path, name, graphs))


def test_a_class_without_edges_is_no_fault_of_a_limit(tmp_path):
    root = collection(tmp_path, "OTHER", [([0, 1], [(0, 1)], 0), ([0, 0, 0], [], 1)])
    with pytest.raises(InputError, match="a class is left without graphs; left out: 1 by no edge, label 1") as error:
        datasets.load_graphs(root)
    assert "max_nodes" not in str(error.value)


def test_leaving_out_large_graphs_is_counted_by_class_and_may_not_remove_one(tmp_path):
    """The number of nodes nearly decides the class of AIDS."""
    path = [(i, i + 1) for i in range(5)]
    graphs = [([0] * 6, path, 0), ([0] * 3, path[:2], 0), ([0] * 2, path[:1], 1), ([0] * 2, [], 1)]
    root = collection(tmp_path, "AIDS", graphs)
    loaded = datasets.load_graphs(root, max_nodes=4)
    assert loaded.graphs.types.shape == (2, 3) and loaded.cases["graph"].tolist() == [2, 3]
    expected = {"no edge, label 0": 1, "more than 4 nodes, label 1": 1}
    assert dict(zip(loaded.dropped["reason"], loaded.dropped["n"], strict=True)) == expected
    with pytest.raises(
        InputError, match=r"a class is left without graphs; left out: .* 2 by more than 2 nodes, label 1"
    ):
        datasets.load_graphs(root, max_nodes=2)


def test_types_of_edges_are_read_and_must_agree(root):
    n = len(lines_of(root, layout.ARCS))
    arcs = np.array([line.split(", ") for line in lines_of(root, layout.ARCS)], int)
    kinds = arcs.sum(1) % 3
    write(root, layout.EDGE_LABELS, kinds)
    graphs = datasets.load_graphs(root).graphs
    assert [(graphs.edges == kind + 1).sum() for kind in range(3)] == np.bincount(kinds).tolist()
    write(root, layout.EDGE_LABELS, [0] * (n - 1) + [1])
    with pytest.raises(InputError, match="another edge label than the way back"):
        datasets.load_graphs(root)


@pytest.mark.parametrize(
    ("ending", "change", "message"),
    [
        (layout.ARCS, lambda rows: ["1, 11", "11, 1", *rows], "SIMULATED_A.txt, row 1: joins nodes of two graphs"),
        (layout.ARCS, lambda rows: ["2, 2", *rows], "row 1: joins a node to itself. Remove self-loops"),
        (layout.ARCS, lambda rows: rows[1:], "has one direction only"),
        (layout.ARCS, lambda rows: [*rows, rows[0]], "repeats an arc"),
        (layout.ARCS, lambda rows: [*rows, "1, 99999"], "names a node that is not among the 600"),
        (layout.ARCS, lambda rows: [*rows, "1 2"], "holds '1 2', expected 2 whole numbers"),
        (layout.LABELS, lambda rows: rows[:-1], "there are 59 labels and 60 graphs"),
        (layout.LABELS, lambda rows: ["2", *rows[1:]], "there are 3 classes, expected two"),
        (layout.LABELS, lambda rows: ["1"] * len(rows), "there are 1 classes, expected two"),
        (layout.NODE_LABELS, lambda rows: ["-1", *rows[1:]], "row 1: is outside the coding"),
        (layout.NODE_LABELS, lambda rows: rows[1:], "has 599 rows, expected 600"),
        (layout.INDICATOR, lambda rows: ["2", *rows[1:]], "not numbered 1, 2, 3 in blocks"),
        (layout.INDICATOR, lambda rows: [], "is empty|whole numbers"),
    ],
)
def test_a_bad_file_is_named_in_one_line(root, ending, change, message):
    write(root, ending, change(lines_of(root, ending)))
    with pytest.raises(InputError, match=message) as error:
        datasets.load_graphs(root)
    assert "\n" not in str(error.value)


def test_a_type_outside_the_coding_of_a_collection_is_refused(root):
    lines = ["7", *lines_of(root, layout.NODE_LABELS)[1:]]
    write(root, layout.NODE_LABELS, lines)
    with pytest.raises(InputError, match="row 1: is outside the coding, 0 to 6"):
        datasets.load_graphs(renamed(root, "MUTAG"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: pd.concat([table, table.assign(graph=99).head(1)]), "holds '99', expected a graph from 1 to 60"),
        (lambda table: pd.concat([table, table.head(1)]), "expected a graph that no other row has"),
        (lambda table: table.drop(columns="sex"), "column sex: there is no such column"),
    ],
)
def test_groups_must_be_of_graphs_that_are_there(root, change, message):
    change(pd.read_csv(root / layout.GROUPS)).to_csv(root / layout.GROUPS, index=False)
    with pytest.raises(InputError, match=message):
        datasets.load_graphs(root)


def test_a_folder_without_graphs_or_with_two_collections_is_refused(root, tmp_path):
    shutil.copy(root / f"{NAME}{layout.ARCS}", root / f"OTHER{layout.ARCS}")
    with pytest.raises(InputError, match=r"holds 2 collections"):
        datasets.load_graphs(root)
    with pytest.raises(InputError, match="there is no file"):
        datasets.load_graphs(tmp_path / "nothing")


def test_connectomes_are_those_of_networkx_in_the_order_of_the_lists(brains):
    loaded = datasets.load_graphs(brains)
    folders = sorted((brains / "graphs" / "adhd_dataset").iterdir())
    for place, folder in enumerate(folders):
        theirs = nx.read_multiline_adjlist(folder / f"{folder.name}{layout.ADJACENCY}", nodetype=int)
        assert (nx.to_numpy_array(theirs, nodelist=range(12)) == loaded.graphs.edges[place]).all()
    labels = [json.loads((folder / f"{folder.name}{layout.GRAPH_LABEL}").read_text()) for folder in folders]
    assert loaded.cases["label"].tolist() == labels and loaded.positive == "ADHD"
    assert loaded.cases["site"].tolist() == [folder.name.split("_")[0] for folder in folders]
    assert loaded.cases["sex"].isna().sum() == 1 and loaded.cases["age"].between(7, 18).all()


def test_an_age_may_be_unknown(brains, tmp_path):
    root = Path(shutil.copytree(brains, tmp_path / "brains"))
    ages = (root / layout.AGES).read_text().strip().split("\n")
    (root / layout.AGES).write_text("\n".join(["Unknown", *ages[1:]]) + "\n")
    found = datasets.load_graphs(root).cases["age"]
    assert np.isnan(found[0]) and found[1:].tolist() == [float(age) for age in ages[1:]]


def test_all_connectomes_have_the_same_number_of_edges_and_name_no_person(brains):
    cases = datasets.load_graphs(brains).cases
    assert set(cases["edges"]) == {7}  # a tenth of the 66 pairs
    assert not cases.astype(str).apply(lambda column: column.str.contains(r"\d{7}")).any(axis=None)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (layout.SEXES, lambda text: text + "Male\n", "has 13 lines, and there are 12 folders"),
        (layout.SEXES, lambda text: text.replace("Unknown", "?"), "expected Male, Female or Unknown"),
        (layout.AGES, lambda text: "old\n" + text.partition("\n")[2], "ages_list.txt, row 1, column 1: holds 'old'"),
        (
            layout.AGES,
            lambda text: "-999\n" + text.partition("\n")[2],
            "holds '-999', expected years from 0 to 120, or",
        ),
        (layout.AGES, lambda text: "\n".join([*text.split()[:11], "nan"]), "row 12, column 1: holds 'nan'"),
        (layout.DIAGNOSES, lambda text: text.replace("Typically", "Rarely"), "expected Typically Developing or"),
        (layout.ADJACENCY, lambda text: text.replace("'weight': 1", "'weight': 0.4"), "a neighbour of weight 1"),
        (layout.ADJACENCY, lambda text: text[: text.rindex("11 0")], "graphs have 11 to 12 regions"),
        (layout.ADJACENCY, lambda text: text[: text.rindex("\n", 0, text.rindex("{"))], "is cut off"),
        (layout.GRAPH_LABEL, lambda text: str(1 - int(text)), "folder 1 of the graphs: has label"),
        (layout.GRAPH_LABEL, lambda text: "[", "graph or label cannot be read"),
    ],
)
def test_a_bad_connectome_is_named_in_one_line_and_not_by_its_number(brains, tmp_path, file, change, message):
    root = Path(shutil.copytree(brains, tmp_path / "brains"))
    folder = min((root / "graphs" / "adhd_dataset").iterdir())
    path = root / file if file.endswith("list.txt") else folder / f"{folder.name}{file}"
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError, match=message) as error:
        datasets.load_graphs(root)
    assert folder.name not in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: datasets.simulate_graphs("motive"), "world: must be motif, shortcut, group or null, got 'motive'"),
        (lambda: datasets.simulate_graphs(n=1), "1 graphs cannot be of two classes"),
        (lambda: datasets.simulate_graphs(nodes=4), "nodes: 4 is not from 5 to 60"),
        (lambda: datasets.simulate_connectomes(density=1.0), "not a share between 0 and 1"),
        (lambda: datasets.simulate_connectomes(regions=3), "regions: 3 is not from 8 to 200"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_the_data_card_describes_both_layouts():
    text = (ROOT / "data" / "README.md").read_text()
    assert "_graph_indicator.txt" in text and layout.SEXES in text
