"""Counterfactuals of graph classifiers: a walk in the code of an autoencoder, and rivals that it must beat."""

from helpers.studies.graph_counterfactuals.baselines import (
    balanced,
    flipped_by_all,
    greedy_search,
    nearest_graphs,
    predicted,
    random_edits,
    sampled_graphs,
)
from helpers.studies.graph_counterfactuals.experiment import METHODS, rows_of, run, world_job
from helpers.studies.graph_counterfactuals.measuring import (
    Support,
    counterfactual_rates,
    discovery,
    in_support,
    measured,
    size_split,
    support_of,
)
from helpers.studies.graph_counterfactuals.traversal import Walked, traverse
from helpers.studies.graph_counterfactuals.views import draw_edits, walk_view

__all__ = [
    "METHODS",
    "Support",
    "Walked",
    "balanced",
    "counterfactual_rates",
    "discovery",
    "draw_edits",
    "flipped_by_all",
    "greedy_search",
    "in_support",
    "measured",
    "nearest_graphs",
    "predicted",
    "random_edits",
    "rows_of",
    "run",
    "sampled_graphs",
    "size_split",
    "support_of",
    "traverse",
    "walk_view",
    "world_job",
]
