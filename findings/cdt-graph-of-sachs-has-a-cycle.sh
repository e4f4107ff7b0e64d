#!/usr/bin/env bash
# cdt: the target graph of its data set "sachs" has a cycle.
#
# One would expect: the graph with which orders and causal graphs are compared is acyclic, as every method that is
# compared with it assumes, and as a causal order needs.
# What happens: the file has pip3 > plcg, plcg > pip2 and pip2 > pip3, so no order of the eleven proteins agrees with it:
# each order reverses one edge at least, and a count of reversed edges or a structural distance to it has no zero.
# Nothing in the package refuses it or warns.
# Why it matters here: `helpers.stats.check_graph` refuses such a graph and names its cycle; a record of orders against
# this file would be off by an edge. Other copies of the graph (bnlearn's, and that of the public collection from which
# the data card takes the cells) have no edge from pip2 to pip3.
# Source: cdt/data/resources/cyto_full_target.csv, which cdt.data.load_dataset("sachs") reads.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-deps cdt==0.6.0 networkx==3.5
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import csv
from importlib import metadata

import networkx

print({name: metadata.version(name) for name in ("cdt", "networkx")})
(file,) = [f for f in metadata.files("cdt") if f.name == "cyto_full_target.csv"]
rows = list(csv.reader(file.locate().open()))
graph = networkx.DiGraph(tuple(row[:2]) for row in rows[1:])
cycles = list(networkx.simple_cycles(graph))
print(f"{graph.number_of_nodes()} proteins, {graph.number_of_edges()} edges, cycles: {cycles}")
assert graph.number_of_edges() == 18 and [sorted(map(str.lower, c)) for c in cycles] == [["pip2", "pip3", "plcg"]], (
    "the file has changed"
)
PY
