"""The studies of explanations on a researcher's data: graphs in both layouts, and images with a network of theirs."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from helpers import datasets, learn
from helpers.datasets.graphs.simulator import NAME
from helpers.studies import explanations
from tests.tiny import execute

HEAT_MAPS, GRAPHS = "11_explanations", "12_graph_counterfactuals"


def molecules(folder):
    """A collection that is named as a known one, with groups."""
    root = datasets.simulate_graphs("shortcut", 120, nodes=8, seed=5, folder=folder)
    for file in root.glob(f"{NAME}_*.txt"):
        file.rename(root / file.name.replace(NAME, "MUTAG"))
    return root


def brains(folder):
    return datasets.simulate_connectomes(100, regions=12, seed=5, folder=folder)


@pytest.mark.slow
@pytest.mark.parametrize(("made", "meaning"), [(molecules, "mutagenic"), (brains, "ADHD")])
def test_graphs_of_a_folder_are_explained_by_what_is_known_of_them(made, meaning, tmp_path):
    root = made(tmp_path / "data")
    how = {"SOURCE": "real", "DATA_ROOT": str(root), "MAX_NODES": 12, "CLASSIFIER_STEPS": 150}
    results = execute(GRAPHS, tmp_path / "run", **how)
    assert results["provenance"]["source"] == "real" and str(tmp_path) not in json.dumps(results)
    values, rows = results["values"], pd.read_parquet(tmp_path / "run" / "cases.parquet")
    assert values["n"] == {"train": len(datasets.load_graphs(root).cases) - 30, "test": 30}
    assert values["shown"]["do nothing"]["valid"]["estimate"] == 0
    assert values["fewest"]["nearest graph"]["low"] >= 0 and not values["discovery"]
    assert rows[["motif_changed", "marker_changed", "on_motif"]].isna().all(axis=None) and "graph" not in rows
    text = (tmp_path / "run" / "out.ipynb").read_text()
    assert f"label 1: {meaning}" in text


@pytest.fixture
def pictures(tmp_path):
    """A table of 140 patients' pictures in colour, with a disc in those of label 1."""
    drawn = explanations.draw_world("one cue", 140, size=32, seed=5)
    for k, image in enumerate(drawn.images[:, 0]):
        Image.fromarray((255 * image).astype(np.uint8)).convert("RGB").save(tmp_path / f"{k}.png")
    rows = pd.DataFrame({"image": [f"{k}.png" for k in range(140)], "patient": range(140), "ill": drawn.labels})
    rows.assign(sex=np.where(np.arange(140) % 3, "female", "male")).to_csv(tmp_path / "my.csv", index=False)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("weights", [False, True])
def test_images_of_a_table_are_explained_for_a_network_of_the_user_s_or_two_of_ours(pictures, weights, tmp_path):
    how = {"IMAGES": str(pictures / "my.csv"), "PATIENT": "patient", "GROUPS": "sex", "TARGETS": "ill"}
    if weights:
        torch.save(learn.classifier("small", 2, channels=3).state_dict(), tmp_path / "mine.pt")
        how["WEIGHTS"] = str(tmp_path / "mine.pt")
    results = execute(HEAT_MAPS, tmp_path / "run", **how)
    yours = results["values"]["yours"]
    assert {"AUROC", "switch"} <= set(yours) and ("network" in yours) is not weights
    assert results["provenance"]["source"] == "real" and str(tmp_path) not in json.dumps(results)
    assert yours["AUROC"]["ill"]["n"] == pytest.approx(0.3 * 140, abs=2)
