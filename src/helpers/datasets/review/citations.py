"""Simulator of works that use data sets and cite, or do not cite, the report of a flaw, in the review's layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.datasets.review.checking import Tables
from helpers.datasets.review.layout import TABLES
from helpers.datasets.shared.checks import check_count, check_seed
from helpers.errors import check_choice

DAYS, FIRST = 4_000, "2015-01-01"  # works are published over these days
USE = 0.023  # chance that a work uses a data set that is released
SENSITIVITY, SPECIFICITY = 0.85, 0.998  # with which a mention is found
DELAY = 120  # days, mean, until a report is known to those who will cite it


class CitationWorld(NamedTuple):
    """Planted properties of a world.

    cites : chance that a user of the data set who knows the report cites it
    early : whether all works are published before the reports
    lost : chances that a work has no reference list, where it cites a report and where it does not
    """

    cites: float
    early: bool = False
    lost: tuple[float, float] = (0.0, 0.0)


CITATION_WORLDS = {
    "silent": CitationWorld(0.05),
    "half": CitationWorld(0.5),
    "aware": CitationWorld(0.95),
    "before the report": CitationWorld(0.5, early=True),
    "lists missing at random": CitationWorld(0.5, lost=(0.5, 0.5)),
    "lists missing not at random": CitationWorld(0.5, lost=(0.2, 0.8)),
}


class Citations(NamedTuple):
    """Simulated tables of a review, and what only the simulator knows.

    tables : dict of str to DataFrame
        In the layout of `load_review`.
    pairs : DataFrame
        One row for each work and data set of which the work uses or seems to use the other: ``work_id``,
        ``dataset_id``, ``uses``, ``found``, ``days_after`` (days from the report to the work), and ``silent`` (chance
        that such a user does not cite the report).
    """

    tables: Tables
    pairs: pd.DataFrame


def simulate_citations(
    world: str = "silent", n_works: int = 5_000, n_datasets: int = 20, *, seed: int = 0
) -> Citations:
    """Simulate a review with one reported shortcut of each data set, and the works that use these.

    Parameters
    ----------
    world : str
        A name of `CITATION_WORLDS`.
    n_works, n_datasets : int
    seed : int

    Raises
    ------
    InputError
        There is no such world, or a number is out of range.

    Notes
    -----
    A work that uses a data set t days after the report cites it with chance q (1 - exp(-t / 120)), and never before. A
    mention is found with sensitivity 0.85 and specificity 0.998. Every reference list has one common work, so a work
    without a row in ``citation`` has no list. Works use data sets independently of each other.
    """
    check_choice("world", world, CITATION_WORLDS)
    planted, n, k = CITATION_WORLDS[world], check_count(n_works, "n_works"), check_count(n_datasets, "n_datasets")
    rng = np.random.default_rng(check_seed(seed))
    published, released = rng.integers(0, DAYS, n), rng.integers(0, 1_000, k)
    reported = DAYS + released if planted.early else released + 365 + rng.integers(0, 2_500, k)
    there = published[:, None] >= released
    uses = there & (rng.random((n, k)) < USE)
    found = there & (rng.random((n, k)) < np.where(uses, SENSITIVITY, 1 - SPECIFICITY))
    after = published[:, None] - reported
    cites = uses & (rng.random((n, k)) < planted.cites) & (after > rng.exponential(DELAY, (n, k)))
    listed = rng.random(n) >= np.where(cites.any(axis=1), *planted.lost)
    work, data = np.nonzero(uses | found)
    late = after[work, data]
    works, datasets, reports = (_names(letter, many) for letter, many in (("w", n), ("d", k), ("r", k)))
    pairs = {"work_id": works[work], "dataset_id": datasets[data], "uses": uses[work, data]}
    pairs |= {"found": found[work, data], "days_after": late}
    pairs["silent"] = 1 - planted.cites * -np.expm1(-late.clip(0) / DELAY)
    to_report = np.nonzero(cites & listed[:, None])
    seen = pairs["found"]
    drawn = {
        "dataset": {"dataset_id": datasets, "name": datasets, "modality": "simulated", "organ": "simulated"}
        | {"released": _days(released)},
        "work": {"work_id": np.concatenate([works, reports, ["common"]]), "title": "a simulated work"}
        | {"published": _days(np.concatenate([published, reported, [0]]))},
        "artifact": {"artifact_id": [f"a-{name}" for name in datasets], "subject_type": "dataset"}
        | {"subject_id": datasets, "type": "shortcut", "severity": "misleads", "statement": "a planted shortcut"}
        | {"reported_by": reports, "reported_on": _days(reported), "valid_from": _days(released)}
        | {"status": "reported"},
        "usage": {"work_id": pairs["work_id"][seen], "dataset_id": pairs["dataset_id"][seen]}
        | {"kind": "mentioned", "found_by": "simulated search"},
        "citation": {"citing": np.concatenate([works[to_report[0]], works[listed]])}
        | {"cited": np.concatenate([reports[to_report[1]], np.full(listed.sum(), "common")])}
        | {"source": "simulated", "accessed": _days(np.array(DAYS))},
    }
    return Citations({name: as_table(name, drawn.get(name, {})) for name in TABLES}, pd.DataFrame(pairs))


def as_table(name: str, cells: Mapping[str, object]) -> pd.DataFrame:
    """Arrange columns as a table of the layout: missing ones empty, rows sorted by the key and numbered as lines."""
    rules = TABLES[name]
    columns = {column: cells.get(column, "") for column in rules.columns}
    table = pd.DataFrame(columns, dtype=object, index=None if len(cells) else [])
    order = np.lexsort([table[column].to_numpy(str) for column in rules.key[::-1]])
    return table.take(order).set_axis(range(2, len(table) + 2))


def _names(letter: str, many: int) -> np.ndarray:
    return np.array([f"{letter}{i:05d}" for i in range(many)], dtype=object)


def _days(number: np.ndarray) -> np.ndarray:
    """Write numbers of days after the first one as ISO dates."""
    return (np.datetime64(FIRST) + number).astype(str).astype(object)
