"""Counterfactuals of graph classifiers: a walk in the code of an autoencoder, and rivals that it must beat."""

from helpers.studies.graph_counterfactuals.baselines import (
    balanced,
    bidirectional_search,
    flipped_by_all,
    greedy_search,
    nearest_graphs,
    predicted,
    random_edits,
    sampled_graphs,
)
from helpers.studies.graph_counterfactuals.experiment import METHODS, rows_of, run
from helpers.studies.graph_counterfactuals.grouping import by_group, group_values, shown_groups
from helpers.studies.graph_counterfactuals.measuring import (
    Support,
    counterfactual_rates,
    discovery,
    in_support,
    known_measures,
    measured,
    size_split,
    statistics,
    support_of,
)
from helpers.studies.graph_counterfactuals.rivalry import against_fewest, against_nearest
from helpers.studies.graph_counterfactuals.traversal import Walked, graph_codes, traverse
from helpers.studies.graph_counterfactuals.views import draw_edits, walk_view
from helpers.studies.graph_counterfactuals.worlds import world_job, world_values

__all__ = [
    "METHODS",
    "Support",
    "Walked",
    "against_fewest",
    "against_nearest",
    "balanced",
    "bidirectional_search",
    "by_group",
    "counterfactual_rates",
    "discovery",
    "draw_edits",
    "flipped_by_all",
    "graph_codes",
    "greedy_search",
    "group_values",
    "in_support",
    "known_measures",
    "measured",
    "nearest_graphs",
    "predicted",
    "random_edits",
    "rows_of",
    "run",
    "sampled_graphs",
    "shown_groups",
    "size_split",
    "statistics",
    "support_of",
    "traverse",
    "walk_view",
    "world_job",
    "world_values",
]
