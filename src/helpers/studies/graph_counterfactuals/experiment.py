"""The study's experiment: two classifiers and an autoencoder of one world, and counterfactuals by each method."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers import metrics
from helpers.datasets import LabelledGraphs
from helpers.errors import InputError, check_seed
from helpers.learn import fit_graph_classifier, fit_graph_vae, reconstruct_graphs
from helpers.learn.building import is_count
from helpers.metrics.graphs import Graphs
from helpers.studies.graph_counterfactuals.baselines import (
    balanced,
    bidirectional_search,
    greedy_search,
    nearest_graphs,
    predicted,
    random_edits,
    sampled_graphs,
)
from helpers.studies.graph_counterfactuals.measuring import in_support, measured, support_of
from helpers.studies.graph_counterfactuals.traversal import check_walk, graph_codes, traverse

METHODS = (
    "do nothing",
    "random edits",
    "nearest graph",
    "prior sample",
    "reconstruction",
    "greedy",
    "bidirectional",
    "traversal",
)


def run(
    loaded: LabelledGraphs,
    *,
    n_test: int = 60,
    classifier_steps: int = 300,
    autoencoder_steps: int = 400,
    refine_steps: int = 60,
    walk_steps: int = 150,
    weight: float = 0.1,
    seed: int = 0,
    device: str = "auto",
    progress: bool = False,
) -> dict[str, Any]:
    """Train on most graphs of a data set, and explain the others.

    Parameters
    ----------
    loaded : LabelledGraphs
        From `helpers.datasets.load_graphs`.
    n_test : int
        Graphs that are explained and not trained on.
    classifier_steps, autoencoder_steps : int
        Steps of training.
    refine_steps : int
        As `steps` in `graph_codes`.
    walk_steps, weight : int and float
        As `steps` and `weight` in `traverse`.
    seed : int
        Seed of the split, the first classifier and the autoencoder; the second classifier has another.
    device : str
    progress : bool

    Returns
    -------
    dict
        ``rows`` (one for each method and graph), ``graphs`` and ``found`` (counterfactuals by method), ``classifier``
        (the first, which is explained), and ``checks``: of reconstructions
        ``class_kept``, ``reconstructed_in_support`` and ``edits_of_reconstruction``, and the first
        by the encoder alone, ``class_kept_by_encoder``; ``accuracy`` of both classifiers on graphs not trained on, and
        ``walk_steps``, the mean.

    Raises
    ------
    InputError
        There are too few graphs, or a number of steps or a weight is out of range; or as in the training.
    """
    n = len(loaded.cases)
    check_walk(walk_steps, weight=weight)
    check_walk(refine_steps)
    check_seed("seed", seed)
    if not (is_count(n_test) and 2 <= n_test <= n - 10):
        raise InputError("n_test", f"{n_test} of {n} graphs leave too few", "Leave 10 graphs or more for training")
    order = np.random.default_rng((seed, 7)).permutation(n)
    test, train = np.sort(order[:n_test]), np.sort(order[n_test:])
    known, graphs = (Graphs(*(part[rows] for part in loaded.graphs)) for rows in (train, test))
    label = loaded.cases["label"].to_numpy()
    sizes = {"n_types": int(loaded.graphs.types.max()) + 1, "n_kinds": int(loaded.graphs.edges.max())}
    options = {**sizes, "device": device, "progress": progress}
    fits = [
        fit_graph_classifier(known, label[train], steps=classifier_steps, seed=s, **options)
        for s in (seed, seed + 1_000)
    ]
    first, second = (balanced(model, known) for model in fits)
    autoencoder = fit_graph_vae(known, steps=autoencoder_steps, seed=seed, **options)
    start = graph_codes(autoencoder, graphs, steps=refine_steps, seed=seed)
    walked = traverse(first, autoencoder, graphs, steps=walk_steps, weight=weight, start=start)
    again = traverse(first, autoencoder, graphs, steps=0, start=start).graphs
    encoded = reconstruct_graphs(autoencoder, graphs)
    made = metrics.edits_in_place(graphs, walked.graphs)
    found = {
        "do nothing": graphs,
        "random edits": random_edits(graphs, made, n_types=first.n_types, seed=seed),
        "nearest graph": nearest_graphs(first, graphs, known, seed=seed),
        "prior sample": sampled_graphs(autoencoder, graphs, seed=seed),
        "reconstruction": again,
        "greedy": greedy_search(first, graphs),
        "bidirectional": bidirectional_search(first, graphs, seed=seed),
        "traversal": walked.graphs,
    }
    support = support_of(known)
    measure = {"classifier": first, "second": second, "support": support}
    groups = loaded.cases.iloc[test][["graph", "label", "sex", "site"]].reset_index(drop=True)
    rows = [groups.assign(method=name).join(measured(graphs, found[name], **measure)) for name in METHODS]
    checks = {
        "class_kept": float((predicted(first, again) == predicted(first, graphs)).mean()),
        "class_kept_by_encoder": float((predicted(first, encoded) == predicted(first, graphs)).mean()),
        "reconstructed_in_support": float(in_support(support, again).mean()),
        "edits_of_reconstruction": float(metrics.edits_in_place(graphs, again).mean()),
        "accuracy": [float((predicted(model, graphs) == label[test]).mean()) for model in (first, second)],
        "walk_steps": float(walked.steps.mean()),
    }
    shown = {"rows": pd.concat(rows, ignore_index=True), "graphs": graphs, "found": found}
    return shown | {"classifier": first, "checks": checks}


def rows_of(rows: pd.DataFrame) -> list[dict]:
    """Convert rows to plain numbers and text; missing values become None."""
    plain = rows.astype(dict.fromkeys(rows.select_dtypes("bool"), float))
    return [
        {name: None if pd.isna(value) else value for name, value in row.items()} for row in plain.to_dict("records")
    ]
