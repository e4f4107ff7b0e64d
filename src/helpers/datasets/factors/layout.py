"""Names of files, columns and edges of tables of factors and of Sachs' cells; loaders and simulators use them."""

from __future__ import annotations

FACTORS, GRAPH, CELLS = "factors.csv", "graph.csv", "cells.csv"
CONDITION = "condition"
CAUSE, EFFECT = "cause", "effect"
PROTEINS = ("raf", "mek", "plc", "pip2", "pip3", "erk", "akt", "pka", "pkc", "p38", "jnk")
OBSERVED = "cd3_cd28"  # the one condition without an inhibitor or a further activator
CONDITIONS = (
    OBSERVED,
    "cd3_cd28+icam2",
    "cd3_cd28+aktinhib",
    "cd3_cd28+g0076",
    "cd3_cd28+psitect",
    "cd3_cd28+u0126",
    "cd3_cd28+ly",
    "pma",
    "b2camp",
)
# Edges of the graph of twenty, as a public collection of examples has it; proteins in an order that agrees with it.
TWENTY = (
    ("pip3", "plc"),
    ("pip3", "pip2"),
    ("pip3", "akt"),
    ("plc", "pip2"),
    ("plc", "pkc"),
    ("pip2", "pkc"),
    ("pkc", "pka"),
    ("pkc", "raf"),
    ("pkc", "mek"),
    ("pkc", "jnk"),
    ("pkc", "p38"),
    ("pka", "raf"),
    ("pka", "mek"),
    ("pka", "erk"),
    ("pka", "akt"),
    ("pka", "jnk"),
    ("pka", "p38"),
    ("raf", "mek"),
    ("mek", "erk"),
    ("erk", "akt"),
)
SHIFT = 10.0  # added before the logarithm, as that collection does; another shift gives other trivial orders
CAUSES_FIRST = ("pip3", "plc", "pip2", "pkc", "pka", "raf", "mek", "erk", "akt", "jnk", "p38")
BACK = ("pip2", "pip3")  # an edge of one published list, with which it has a cycle
