"""The living review: the dated query on a million citations, the match of references, and the round trip in SQLite.

The peer of the match is the loop of the public pipeline of arXiv 2402.03003, written out: each wanted id is looked for
in the printed list of each work. The peers of the query and of the round trip are written out in pandas.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers import datasets
from helpers.datasets.review.citations import as_table
from helpers.datasets.review.layout import TABLES
from helpers.datasets.review.openalex import matches
from helpers.datasets.review.reading import written
from helpers.datasets.review.views import LAG
from helpers.studies import living_review
from tests.benchmarks import contest

WORKS, IDS, CITATIONS, ARTEFACTS = 5_000, 24, 1_000_000, 10_000


def references(width: int) -> tuple[pd.Series, list[str]]:
    """Reference lists of 40 ids with `width` digits each, as OpenAlex gives them, and 24 ids that are wanted."""
    rng = np.random.default_rng(0)
    ids = rng.permutation(10 ** (width - 1) + rng.permutation(8 * 10 ** (width - 1))[:20_000])
    names = [f"https://openalex.org/W{one}" for one in ids]
    lists = [[names[k] for k in row] for row in rng.integers(0, len(names), (WORKS, 40))]
    return pd.Series(lists, [f"p{k}" for k in range(WORKS)]), names[:IDS]


def by_substring(printed: dict[str, str], wanted: list[str]) -> set[tuple[str, str]]:
    """The companion's match: an id is part of the printed list."""
    return {(work, one) for work, text in printed.items() for one in wanted if one in text}


def test_the_match_of_references_is_at_least_5_times_faster():
    listed, wanted = references(8)
    printed = {work: str(ids) for work, ids in listed.items()}
    sets = listed.map(set)  # as the reader of pages keeps them
    contenders = {
        "ours": lambda: set(matches(sets, set(wanted))),
        "substrings": lambda: by_substring(printed, wanted),
    }
    turns = contest.take_turns(contenders)
    assert turns["ours"][0]["found"] == turns["substrings"][0]["found"] != set()
    work = f"{IDS} ids in the reference lists of {WORKS:,} works"
    contest.at_least(5, work, turns, "substrings")


def test_the_match_is_right_where_an_id_begins_another():
    listed = pd.Series([{"W123"}, {"W12", "W5"}], ["a", "b"])
    assert by_substring({work: str(ids) for work, ids in listed.items()}, ["W12"]) == {("a", "W12"), ("b", "W12")}
    assert matches(listed, {"W12"}) == [("b", "W12")]


@pytest.fixture(scope="module")
def large() -> dict[str, pd.DataFrame]:
    """A simulated review with other citations added, a million in all."""
    tables = datasets.simulate_citations("half", 20_000, seed=1).tables
    rng = np.random.default_rng(1)
    works = tables["work"]["work_id"].to_numpy()
    pairs = rng.integers(0, len(works), (int(1.01 * CITATIONS), 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    more = pd.DataFrame({"citing": works[pairs[:, 0]], "cited": works[pairs[:, 1]]})
    every = pd.concat([tables["citation"][["citing", "cited"]], more]).drop_duplicates()[:CITATIONS]
    day = tables["citation"]["accessed"].iloc[0]
    assert len(every) == CITATIONS
    return tables | {"citation": as_table("citation", every.assign(source="simulated", accessed=day))}


def in_pandas(tables: dict[str, pd.DataFrame]) -> tuple[int, int, int]:
    """Users after the lag, those without a list, and silent ones."""
    reports = tables["artifact"].rename(columns={"subject_id": "dataset_id", "reported_by": "cited"})
    users = reports[["dataset_id", "cited", "reported_on"]].merge(tables["usage"][["work_id", "dataset_id"]])
    users = users.merge(tables["work"][["work_id", "published"]])
    after = pd.to_datetime(users["published"]) - pd.to_datetime(users["reported_on"])
    users = users[after.dt.days >= LAG].rename(columns={"work_id": "citing"})
    edges = tables["citation"][["citing", "cited"]]
    unknown = ~users["citing"].isin(edges["citing"])
    cites = users.merge(edges.assign(yes=True), how="left", on=["citing", "cited"])["yes"].notna().to_numpy()
    return len(users), int(unknown.sum()), int((~unknown.to_numpy() & ~cites).sum())


def test_the_dated_query_on_a_million_citations(large):
    def ours() -> tuple[int, int, int]:
        last = living_review.silent_users(datasets.connect_review(large)).iloc[-1]
        return tuple(int(last[name]) for name in ("users", "unknown", "silent"))

    turns = contest.take_turns({"ours": ours, "pandas": lambda: in_pandas(large)}, rounds=3, clock=contest.wall)
    assert turns["ours"][0]["found"] == turns["pandas"][0]["found"]
    work = f"silent users among {CITATIONS:,} citations, and loading the tables"
    contest.at_least(1.2, work, turns, "pandas", package="pandas")


def test_artefacts_there_and_back(tmp_path):
    """10,000 artefacts in SQLite with keys and search, read and checked; the peer writes and reads plain tables."""
    ids = [f"a{k:05d}" for k in range(ARTEFACTS)]
    cells = {"artifact_id": ids, "subject_type": "dataset", "subject_id": "d", "type": "shortcut", "severity": "none"}
    cells |= {"statement": [f"statement {k}, of a shortcut" for k in range(ARTEFACTS)], "reported_by": "this project"}
    cells |= {"reported_on": "2026-11-01", "valid_from": "2020-01-01", "status": "reported"}
    data = {"dataset_id": ["d"], "name": "d", "modality": "MRI", "organ": "breast", "released": "2020-01-01"}
    tables = {name: as_table(name, {"artifact": cells, "dataset": data}.get(name, {})) for name in TABLES}

    def ours() -> str:
        return written(datasets.import_review(datasets.export_review(tables, tmp_path / "ours.sqlite"))["artifact"])

    def theirs() -> str:
        import sqlite3

        connection = sqlite3.connect(tmp_path / "theirs.sqlite")
        for name, table in tables.items():
            table.to_sql(name, connection, index=False, if_exists="replace")
        back = {name: pd.read_sql(f"SELECT * FROM {name}", connection) for name in tables}
        connection.close()
        return written(back["artifact"])

    turns = contest.take_turns({"ours": ours, "pandas": theirs}, rounds=3)
    assert turns["ours"][0]["found"] == turns["pandas"][0]["found"] == written(tables["artifact"])
    contest.at_least(0.6, f"{ARTEFACTS:,} artefacts to SQLite and back, checked", turns, "pandas", package="pandas")
