"""Names of files and codes of both layouts of graphs; the simulators and the loaders use them.

Codes are from the README of MUTAG, and classes of the three collections from the publications that use them.
"""

from __future__ import annotations

from typing import NamedTuple

# Endings of the files of the TU format (Morris et al. 2020, arXiv 2007.08663), without a header.
ARCS, INDICATOR, LABELS = "_A.txt", "_graph_indicator.txt", "_graph_labels.txt"
NODE_LABELS, EDGE_LABELS = "_node_labels.txt", "_edge_labels.txt"
GROUPS = "groups.csv"  # not a file of the real format: graph, sex, site
GROUP_COLUMNS = ("graph", "sex", "site")


class Coding(NamedTuple):
    """Meaning of the codes of a collection: the label of the class of interest, and names of node and edge types."""

    positive: int
    meaning: str
    nodes: tuple[str, ...] = ()
    edges: tuple[str, ...] = ()


# The class that means mutagenic is 1 in MUTAG and 0 in Mutagenicity; the active class of AIDS is 0.
CODINGS = {
    "MUTAG": Coding(1, "mutagenic", ("C", "N", "O", "F", "I", "Cl", "Br"), ("aromatic", "single", "double", "triple")),
    "Mutagenicity": Coding(0, "mutagenic"),
    "AIDS": Coding(0, "active"),
}


def coding_of(name: str) -> Coding | None:
    """Return the coding of a collection, whether its name has capital letters or not; None if it is not known."""
    return {known.casefold(): coding for known, coding in CODINGS.items()}.get(name.casefold())


# Connectomes of ADHD-200 as the benchmark GRETEL has them: a folder `<site>_<number>` for each graph, with the
# multi-line adjacency list of networkx, and lists with one line for each folder, in the sorted order of the folders.
CONNECTOMES = ("graphs", "adhd_dataset")
ADJACENCY, GRAPH_LABEL = "_graph.adjlist", "_graph_label.json"
SEXES, AGES, DIAGNOSES = "genders_list.txt", "ages_list.txt", "subject_labels_list.txt"
SEX = {"male": "male", "female": "female", "unknown": None}
UNKNOWN_AGE, OLDEST = "unknown", 120  # years
CONTROL = "Typically Developing"
CASES_OF = ("ADHD-Combined", "ADHD-Inattentive", "ADHD-Hyperactive/Impulsive")

CASE_COLUMNS = ("graph", "label", "nodes", "edges", "sex", "age", "site")
