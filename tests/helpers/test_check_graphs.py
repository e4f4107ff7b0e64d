"""The check of a folder of graphs: what it prints of both layouts, the traps that it names, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from helpers import datasets
from helpers.datasets.__main__ import main
from helpers.datasets.graphs import layout
from tests.helpers.test_graphs import collection

PATH = [(i, i + 1) for i in range(39)]


def molecules(n: int, *, large: int, nodes: int = 38) -> list[tuple[list[int], list[tuple[int, int]], int]]:
    """Paths of `nodes` nodes of class 0, `large` of them, and of 4 to 9 nodes of class 1."""
    sizes = [nodes if k < large else 4 + k % 6 for k in range(n)]
    return [([0] * size, PATH[: size - 1], int(k >= large)) for k, size in enumerate(sizes)]


@pytest.fixture(scope="module")
def brains(tmp_path_factory) -> Path:
    return datasets.simulate_connectomes(60, regions=12, seed=1, folder=tmp_path_factory.mktemp("brains"))


def test_a_collection_without_traps_has_its_groups_and_its_command(tmp_path, capsys):
    root = datasets.simulate_graphs("shortcut", 80, seed=3, folder=tmp_path)
    assert main([f"DATA_ROOT={root}"]) == 0
    text = capsys.readouterr().out
    cases = datasets.load_graphs(root).cases
    assert "SIMULATED in the TU format, 80 graphs" in text and "Label 1 means class 1: 40 of 80." in text
    assert "nodes           10 in all" in text and "types of nodes  0, 1" in text
    women = (cases["sex"] == "female").sum()
    assert f"female  {women}" in text and "site  graphs  label 1" in text
    assert "all graphs have 10 edges: one more or less leaves the support" in text
    assert f'STUDY=12_graph_counterfactuals PARAMS="SOURCE=real MAX_NODES=10" DATA_ROOT={root}' in text


@pytest.mark.parametrize(
    ("name", "meaning"), [("MUTAG", "mutagenic"), ("Mutagenicity", "mutagenic"), ("AIDS", "active")]
)
def test_the_meaning_of_label_1_is_shown(name, meaning, tmp_path):
    """The class of interest is coded 1 in MUTAG and 0 in the other two."""
    code, other = (1, -1) if name == "MUTAG" else (0, 1)
    graphs = [([0, 1, 0], [(0, 1), (1, 2)], code)] * 12 + [([0, 0, 0], [(0, 1), (1, 2)], other)] * 30
    found = datasets.check_graphs(collection(tmp_path, name, graphs))
    assert f"Label 1 means {meaning}: 12 of 42." in found.text
    assert not any("mean is not known" in one for one in found.found)


def test_a_known_collection_in_small_letters_has_its_coding(tmp_path):
    """In Mutagenicity the larger code is the other class."""
    found = datasets.check_graphs(collection(tmp_path, "mutagenicity", molecules(30, large=12, nodes=8)))
    assert "Label 1 means mutagenic: 12 of 30." in found.text
    assert not any("mean is not known" in one for one in found.found)


def test_a_task_that_is_size_alone_is_named_with_who_would_be_left_out(tmp_path):
    """As in AIDS: nearly all graphs of one class are small."""
    found = datasets.check_graphs(collection(tmp_path, "AIDS", molecules(60, large=20)))
    assert "the number of nodes alone separates the classes (AUROC 1.00)" in found.text
    assert "with MAX_NODES=30, the default, 20 of label 1 are left out" in found.text
    assert "MAX_NODES=30" in found.text.splitlines()[-1]


def test_small_counts_are_hidden(tmp_path):
    graphs = molecules(60, large=3)
    graphs[5] = (graphs[5][0], [], 1)
    root = collection(tmp_path, "OTHER", graphs)
    (root / layout.GROUPS).write_text("graph,sex,site\n" + "".join(f"{k},female,{k // 55}\n" for k in range(1, 61)))
    text = datasets.check_graphs(root).text
    assert "Label 1 means class 1: <10 and others of 59." in text
    assert "<10: no edge, label 1" in text and "<10 of label 0 are left out" in text
    assert "and 1 of fewer than 10 graphs" in text and "what the classes of OTHER mean is not known" in text


def test_files_that_no_reader_takes_are_named(tmp_path):
    root = collection(tmp_path, "MUTAG", molecules(30, large=12))
    (root / "MUTAG_node_attributes.txt").write_text("0.5\n")
    found = datasets.check_graphs(root)
    assert "MUTAG_node_attributes.txt is there, and is not read" in found.found
    assert f"there is no {layout.GROUPS}, so no result by sex or site" in found.found


def test_connectomes_have_groups_and_name_no_person(brains, capsys):
    assert main([str(brains)]) == 0
    text = capsys.readouterr().out
    assert "connectomes in folders, 60 graphs" in text and "those with label 1 (ADHD)" in text
    assert "all graphs have 7 edges" in text and "(missing)  1" in text
    names = [folder.name for folder in brains.joinpath(*layout.CONNECTOMES).iterdir()]
    assert not any(name in text or name.split("_")[1] in text for name in names)
    assert "Site0  30" in text and "MAX_NODES=12" in text


def test_large_connectomes_get_a_limit_that_keeps_them(tmp_path):
    root = datasets.simulate_connectomes(30, regions=40, seed=2, folder=tmp_path)
    assert "MAX_NODES=40" in datasets.check_graphs(root).text.splitlines()[-1]


def broken(root: Path, kind: str) -> None:
    """Break a copy of the folders of connectomes."""
    folder = min(root.joinpath(*layout.CONNECTOMES).iterdir())
    graph = folder / f"{folder.name}{layout.ADJACENCY}"
    if kind == "no list":
        (root / layout.SEXES).unlink()
    elif kind == "folder gone":
        shutil.rmtree(folder)
    elif kind == "graph gone":
        graph.unlink()
    elif kind == "graphs gone":
        shutil.rmtree(root / "graphs")
    elif kind == "weighted":
        graph.write_text(graph.read_text().replace("'weight': 1", "'weight': 0.7"))
    elif kind == "swapped":
        (folder / f"{folder.name}{layout.GRAPH_LABEL}").write_text(json.dumps(7))
    else:
        lines = (root / layout.SEXES).read_text().splitlines()
        (root / layout.SEXES).write_text("\n".join(lines[:-1]) + "\n")


@pytest.mark.parametrize(("kind", "message"), [
    ("no list", "genders_list.txt: cannot be read"),
    ("short list", "genders_list.txt: has 59 lines, and there are 60 folders"),
    ("folder gone", "has 60 lines, and there are 59 folders"),
    ("graph gone", "folder 1 of the graphs: graph or label cannot be read"),
    ("graphs gone", "there is no file *_A.txt and no folder graphs/adhd_dataset"),
    ("weighted", "expected a neighbour of weight 1"),
    ("swapped", "folder 1 of the graphs: has label 7"),
])  # fmt: skip
def test_a_malformed_folder_of_connectomes_is_one_line(brains, tmp_path, capsys, kind, message):
    root = Path(shutil.copytree(brains, tmp_path / "brains"))
    broken(root, kind)
    assert main([str(root)]) == 1
    shown = capsys.readouterr()
    assert message in shown.err and shown.err.count("\n") == 1 and not shown.out


@pytest.mark.parametrize(("ending", "text", "message"), [
    (layout.ARCS, "1 2\n", "row 1, column 1: holds '1 2', expected 2 whole numbers"),
    (layout.ARCS, None, "there is no file *_A.txt"),
    (layout.LABELS, None, "MUTAG_graph_labels.txt: cannot be read"),
    (layout.LABELS, "1\n", "there are 1 labels and 30 graphs"),
    (layout.INDICATOR, "1\n3\n", "graphs are not numbered 1, 2, 3 in blocks"),
    (layout.NODE_LABELS, "C\n", "holds 'C', expected 1 whole numbers"),
])  # fmt: skip
def test_a_malformed_collection_is_one_line(tmp_path, capsys, ending, text, message):
    root = collection(tmp_path, "MUTAG", molecules(30, large=12))
    file = root / f"MUTAG{ending}"
    file.unlink() if text is None else file.write_text(text)
    assert main([str(root)]) == 1
    shown = capsys.readouterr()
    assert message in shown.err and shown.err.count("\n") == 1 and not shown.out


def test_files_as_other_systems_write_them_are_read(tmp_path):
    """Line ends of Windows, blanks, a last line without its end, and more folders than arrays."""
    (tmp_path / "plain").mkdir(), (tmp_path / "windows").mkdir()
    plain = collection(tmp_path / "plain", "MUTAG", molecules(30, large=12))
    other = collection(tmp_path / "windows", "MUTAG", molecules(30, large=12))
    for file in other.glob("MUTAG_*.txt"):
        file.write_bytes(file.read_text().rstrip("\n").replace("\n", " \r\n").encode())
    one, two = (datasets.load_graphs(root) for root in (plain, other))
    assert one.cases.equals(two.cases) and np.array_equal(one.graphs.edges, two.graphs.edges)
